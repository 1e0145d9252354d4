// IP addresses, prefixes and MACs between text and bytes, as the kernel's messages need them.
// It refuses whatever is not in full, plain form (zone ids, IPv4 short forms): validation for people is libs/address's.
import { isIPv4, isIPv6 } from 'node:net';

export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_BRIDGE = 7;

export interface Prefix {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly bytes: Buffer;
  readonly length: number;
}

const ipv6Bytes = (text: string): Buffer => {
  const bytes = Buffer.alloc(16);
  // An embedded IPv4 tail becomes two groups first.
  const dot = text.lastIndexOf(':');
  let plain = text;
  if (text.includes('.')) {
    const tail = ipBytes(text.slice(dot + 1));
    plain = `${text.slice(0, dot + 1)}${tail.readUInt16BE(0).toString(16)}:${tail.readUInt16BE(2).toString(16)}`;
  }
  const [head = '', tail] = plain.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const first = groups(head);
  const last = groups(tail ?? '');
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  for (const [at, group] of [...first, ...zeros, ...last].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), at * 2);
  return bytes;
};

/** The 4 or 16 bytes of an address. Throws TypeError when it is not one. */
export const ipBytes = (text: string): Buffer => {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (isIPv6(text) && !text.includes('%')) return ipv6Bytes(text);
  throw new TypeError(`not an IP address: "${text}"`);
};

/** Canonical text (RFC 5952 for IPv6) of 4 or 16 bytes. */
export const ipText = (bytes: Uint8Array): string => {
  if (bytes.length === 4) return bytes.join('.');
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const groups = Array.from({ length: 8 }, (_, at) => view.readUInt16BE(at * 2));
  let start = -1;
  let length = 1;
  for (let at = 0; at < 8; ) {
    let end = at;
    while (end < 8 && groups[end] === 0) end++;
    if (end - at > length) {
      start = at;
      length = end - at;
    }
    at = Math.max(end, at + 1);
  }
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return start < 0 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
};

/** Parses "10.0.0.0/8"; a bare address is a host prefix. Throws TypeError when it is neither. */
export const prefix = (text: string): Prefix => {
  const [address = '', size] = text.split('/');
  const bytes = ipBytes(address);
  const bits = bytes.length * 8;
  const length = size === undefined ? bits : Number(size);
  if (!/^\d{1,3}$/.test(size ?? '0') || length > bits) throw new TypeError(`not a prefix: "${text}"`);
  return { family: bytes.length === 4 ? AF_INET : AF_INET6, bytes, length };
};

/** The six bytes of "02:42:0a:00:00:02". Throws TypeError when it is not a MAC. */
export const macBytes = (text: string): Buffer => {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)) throw new TypeError(`not a MAC address: "${text}"`);
  return Buffer.from(text.replaceAll(':', ''), 'hex');
};

export const macText = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');

/** The canonical text of an address with its prefix length, for comparing with what the kernel says. Throws TypeError. */
export const cidrText = (text: string): string => {
  const { bytes, length } = prefix(text);
  return `${ipText(bytes)}/${length}`;
};
