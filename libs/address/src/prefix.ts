// A prefix (subnet): a family, the network's number and a length, with no host bits set. Pure and O(1).
// Refuses host bits: what a person typed, host bits included, is a `Cidr` (cidr.ts).
import { type Address, addressBits, type Family, formatValue, makeAddress, parseAddress } from './address.ts';

declare const prefixBrand: unique symbol;
/** A subnet. `value` is the network address as a number; its low `bits - length` bits are zero. */
export type Prefix = { readonly family: Family; readonly value: bigint; readonly length: number } & {
  readonly [prefixBrand]: true;
};

/** The subnet of this length that the address lies in; undefined when the length does not fit the family. */
export function prefixOf(address: Address, length: number): Prefix | undefined {
  return makePrefix(address.family, address.value, length);
}

/** As `prefixOf`, from a number: the host bits are cleared. */
export function makePrefix(family: Family, value: bigint, length: number): Prefix | undefined {
  const bits = addressBits(family);
  if (!Number.isInteger(length) || length < 0 || length > bits) return undefined;
  if (value < 0n || value >> BigInt(bits) !== 0n) return undefined;
  const hostBits = BigInt(bits - length);
  return { family, value: (value >> hostBits) << hostBits, length } as Prefix;
}

/** Reads `192.0.2.0/24`; undefined when it is not a subnet, also when host bits are set. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const lengthText = text.slice(slash + 1);
  if (slash < 0 || !/^(0|[1-9]\d{0,2})$/.test(lengthText)) return undefined;
  const address = parseAddress(text.slice(0, slash));
  const prefix = address && prefixOf(address, Number(lengthText));
  return prefix?.value === address?.value ? prefix : undefined;
}

/** The canonical text, such as `192.0.2.0/24` or `2001:db8::/32`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatValue(prefix.family, prefix.value)}/${prefix.length}`;
}

/** How many addresses the prefix spans, the reserved ones included. */
export function prefixSize(prefix: Prefix): bigint {
  return 1n << BigInt(addressBits(prefix.family) - prefix.length);
}

/** The number of the prefix's last address. */
export function lastValue(prefix: Prefix): bigint {
  return prefix.value + prefixSize(prefix) - 1n;
}

/** The address `index` places after the network address (0 is the network address); undefined outside the prefix. */
export function nthAddress(prefix: Prefix, index: bigint): Address | undefined {
  if (index < 0n || index >= prefixSize(prefix)) return undefined;
  return makeAddress(prefix.family, prefix.value + index);
}

export function containsAddress(prefix: Prefix, address: Address): boolean {
  const hostBits = BigInt(addressBits(prefix.family) - prefix.length);
  return prefix.family === address.family && address.value >> hostBits === prefix.value >> hostBits;
}

export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  return outer.length <= inner.length && overlaps(outer, inner);
}

/** Whether they share an address; prefixes of two families never do. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  if (a.family !== b.family) return false;
  const hostBits = BigInt(addressBits(a.family) - Math.min(a.length, b.length));
  return a.value >> hostBits === b.value >> hostBits;
}

export function samePrefix(a: Prefix, b: Prefix): boolean {
  return a.family === b.family && a.value === b.value && a.length === b.length;
}

/** Orders IPv4 before IPv6, then by network address, then the wider first. */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  if (a.family !== b.family) return a.family - b.family;
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return a.length - b.length;
}
