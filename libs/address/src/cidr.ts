// A CIDR as a person types it: an address with a prefix length, host bits allowed (`172.17.0.1/16`).
// The edge of the address library: ip-cidr reads the user's text, our own core then refuses what ip-cidr lets
// through (leading zeros, zones, IPv4-mapped, a missing length). Not for hot paths: use parsePrefix there.
import IPCIDR from 'ip-cidr';
import { type Address, formatAddress, parseAddress } from './address.ts';
import { makePrefix, type Prefix } from './prefix.ts';

/** An address and the subnet it was written with. */
export interface Cidr {
  readonly address: Address;
  readonly prefix: Prefix;
}

/** Reads what a user typed; undefined when it is not one address, a slash and a length that fits. */
export function parseCidr(text: string): Cidr | undefined {
  const [addressText, lengthText, ...rest] = text.split('/');
  if (rest.length > 0 || !addressText || !lengthText || !/^(0|[1-9]\d{0,2})$/.test(lengthText)) return undefined;
  const address = parseAddress(addressText);
  if (!address || !IPCIDR.isValidCIDR(text)) return undefined;
  const start = new IPCIDR(text).start<bigint>({ type: 'bigInteger' });
  const prefix = makePrefix(address.family, BigInt(start.toString()), Number(lengthText));
  return prefix && { address, prefix };
}

/** `address/length`, the form in which Docker and netlink show an interface's address. */
export function formatCidr(address: Address, length: number): string {
  return `${formatAddress(address)}/${length}`;
}

/** Whether the user wrote an address inside the subnet rather than the subnet (`10.1.2.3/8`). */
export function hasHostBits(cidr: Cidr): boolean {
  return cidr.address.value !== cidr.prefix.value;
}
