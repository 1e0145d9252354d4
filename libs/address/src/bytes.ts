// Addresses as the kernel and DNS carry them: 4 or 16 bytes, network byte order.
import { type Address, addressBits, makeAddress } from './address.ts';

/** 4 or 16 bytes, most significant first. */
export function addressToBytes(address: Address): Uint8Array {
  const bytes = new Uint8Array(addressBits(address.family) / 8);
  let value = address.value;
  for (let index = bytes.length - 1; index >= 0; index--) {
    bytes[index] = Number(value & 0xffn);
    value >>= 8n;
  }
  return bytes;
}

/** The reverse; undefined for another number of bytes, or an IPv4-mapped IPv6 address. */
export function addressFromBytes(bytes: Uint8Array): Address | undefined {
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return makeAddress(bytes.length === 4 ? 4 : 6, value);
}
