// MAC addresses, in the lower-case colon form that Docker and iproute2 print.
// Refuses multicast addresses and all zeros: no interface may carry them.
import type { Address } from './address.ts';
import { addressToBytes } from './bytes.ts';

declare const macBrand: unique symbol;
/** `02:42:ac:11:00:02`: six lower-case hexadecimal bytes. */
export type Mac = string & { readonly [macBrand]: true };

const FORM = /^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}$/;

/** Reads colons or hyphens in either case; undefined when it is no address an interface can carry. */
export function parseMac(text: string): Mac | undefined {
  const lower = text.toLowerCase();
  if (!FORM.test(lower)) return undefined;
  const mac = lower.replaceAll('-', ':') as Mac;
  const isMulticast = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  return isMulticast || mac === '00:00:00:00:00:00' ? undefined : mac;
}

/** Docker's MAC of an IPv4 address, `02:42` and its four bytes; undefined for IPv6. */
export function macOf(address: Address): Mac | undefined {
  if (address.family !== 4) return undefined;
  return formatMac(Uint8Array.of(0x02, 0x42, ...addressToBytes(address)));
}

/** The text of six bytes; undefined for any other number of bytes. */
export function formatMac(bytes: Uint8Array): Mac | undefined {
  if (bytes.length !== 6) return undefined;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':') as Mac;
}

export function macToBytes(mac: Mac): Uint8Array {
  return Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16));
}
