// struct sockaddr_in and sockaddr_in6.
import { AF_INET, AF_INET6 } from './address-text.ts';

/** From the 4 or 16 bytes of an address. */
export const socketAddress = (bytes: Buffer, port: number): Buffer => {
  const isFour = bytes.length === 4;
  const found = Buffer.alloc(isFour ? 16 : 28);
  found.writeUInt16LE(isFour ? AF_INET : AF_INET6, 0);
  found.writeUInt16BE(port, 2);
  found.set(bytes, isFour ? 4 : 8);
  return found;
};
