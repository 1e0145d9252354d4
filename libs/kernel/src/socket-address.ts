// struct sockaddr_in and sockaddr_in6.
import { AF_INET, AF_INET6 } from './address-text.ts';

/** The longest of them, in bytes. */
export const SOCKET_ADDRESS_BYTES = 28;

/** From the 4 or 16 bytes of an address; `scope` is the index of a link-local one's interface. */
export const socketAddress = (bytes: Buffer, port: number, scope = 0): Buffer => {
  const isFour = bytes.length === 4;
  const found = Buffer.alloc(isFour ? 16 : SOCKET_ADDRESS_BYTES);
  found.writeUInt16LE(isFour ? AF_INET : AF_INET6, 0);
  found.writeUInt16BE(port, 2);
  found.set(bytes, isFour ? 4 : 8);
  if (!isFour) found.writeUInt32LE(scope, 24);
  return found;
};

/** The 4 or 16 bytes of its address. A view. */
export const addressIn = (found: Uint8Array): Uint8Array =>
  found[0] === AF_INET ? found.subarray(4, 8) : found.subarray(8, 24);
