// An IP address as a family and a number: the core of all address arithmetic here. Pure, and O(1) for every family.
// Refuses IPv4-mapped IPv6 (`::ffff:1.2.3.4`), zones (`fe80::1%eth0`), leading zeros and every other second spelling
// of an address, so that equal addresses have equal text.
import { formatIpv4, parseIpv4 } from './ipv4-text.ts';
import { formatIpv6, parseIpv6 } from './ipv6-text.ts';

export type Family = 4 | 6;

declare const addressBrand: unique symbol;
/** An IP address. `value` is the address read as one unsigned big-endian number. */
export type Address = { readonly family: Family; readonly value: bigint } & { readonly [addressBrand]: true };

/** The number of bits of an address of the family: 32 or 128. */
export function addressBits(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** The address with this number, or undefined when the number does not fit the family or is an IPv4-mapped IPv6 one. */
export function makeAddress(family: Family, value: bigint): Address | undefined {
  if (value < 0n || value >> BigInt(addressBits(family)) !== 0n) return undefined;
  if (family === 6 && value >> 32n === 0xffffn) return undefined;
  return { family, value } as Address;
}

/** Reads `192.0.2.1` or `2001:db8::1`; undefined when the text is not exactly one address. */
export function parseAddress(text: string): Address | undefined {
  const family = text.includes(':') ? 6 : 4;
  const value = family === 6 ? parseIpv6(text) : parseIpv4(text);
  return value === undefined ? undefined : makeAddress(family, value);
}

/** The canonical text: dotted decimal, or RFC 5952. */
export function formatAddress(address: Address): string {
  return formatValue(address.family, address.value);
}

/** The canonical text of a number as an address of the family; internal to this library. */
export function formatValue(family: Family, value: bigint): string {
  return family === 4 ? formatIpv4(value) : formatIpv6(value);
}

/** Orders IPv4 before IPv6, then by number. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}
