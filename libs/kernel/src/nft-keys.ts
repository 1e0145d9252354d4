// Keys and data of set elements between text and the bytes that the kernel compares.
// Layout: fields in order, each padded to 4 bytes when there are several; a single field is not padded. Pure.
import { ipBytes, ipText, macBytes, macText, prefix } from './address-text.ts';
import { align4 } from './attributes.ts';

const IFNAME_BYTES = 16;
const PROTOCOLS: Record<string, number> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 };

/** IPPROTO_* of a protocol's name; undefined for a name that rules and elements do not use. */
export const protocolNumber = (name: string): number | undefined => PROTOCOLS[name];

interface FieldType {
  readonly bytes: number;
  encode(text: string): Uint8Array;
  decode(bytes: Buffer): string;
}

const number = (text: string, limit: number, what: string): number => {
  const value = Number(text);
  if (!/^(\d+|0x[0-9a-f]+)$/i.test(text) || value > limit) throw new TypeError(`not ${what}: "${text}"`);
  return value;
};

const address = (length: number): FieldType => ({
  bytes: length,
  encode(text) {
    const bytes = ipBytes(text);
    if (bytes.length !== length) throw new TypeError(`not an IPv${length === 4 ? 4 : 6} address: "${text}"`);
    return bytes;
  },
  decode: ipText,
});

const FIELDS = {
  ifname: {
    bytes: IFNAME_BYTES,
    encode(text) {
      const length = Buffer.byteLength(text);
      if (length === 0 || length >= IFNAME_BYTES) throw new TypeError(`not an interface name: "${text}"`);
      const bytes = Buffer.alloc(IFNAME_BYTES);
      bytes.write(text);
      return bytes;
    },
    decode: (bytes) => bytes.toString('utf8', 0, bytes.indexOf(0)),
  },
  ipv4_addr: address(4),
  ipv6_addr: address(16),
  ether_addr: { bytes: 6, encode: macBytes, decode: macText },
  inet_proto: {
    bytes: 1,
    encode: (text) => Buffer.from([PROTOCOLS[text] ?? number(text, 255, 'a protocol')]),
    decode: (bytes) => Object.keys(PROTOCOLS).find((name) => PROTOCOLS[name] === bytes[0]) ?? `${bytes[0]}`,
  },
  inet_service: {
    bytes: 2,
    encode(text) {
      const bytes = Buffer.alloc(2);
      bytes.writeUInt16BE(number(text, 65535, 'a port'));
      return bytes;
    },
    decode: (bytes) => `${bytes.readUInt16BE(0)}`,
  },
  mark: {
    bytes: 4,
    encode(text) {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(number(text, 0xffffffff, 'a mark'));
      return bytes;
    },
    decode: (bytes) => `0x${bytes.readUInt32LE(0).toString(16).padStart(8, '0')}`,
  },
} as const satisfies Record<string, FieldType>;

/** A field of a set's key or of a map's data, by nft's name for the type. */
export type NftField = keyof typeof FIELDS;

/** The bytes of a concatenation: `["tcp", "80"]` as `["inet_proto", "inet_service"]`. Throws TypeError. */
export const encodeFields = (types: readonly NftField[], values: readonly string[]): Buffer => {
  if (types.length !== values.length) {
    throw new TypeError(`a key of ${types.join(' . ')} has ${types.length} fields, not "${values.join(' . ')}"`);
  }
  const pad = types.length > 1;
  return Buffer.concat(
    types.map((type, at) => {
      const bytes = FIELDS[type].encode(values[at] ?? '');
      if (!pad || bytes.length % 4 === 0) return bytes;
      const padded = Buffer.alloc(align4(bytes.length));
      padded.set(bytes);
      return padded;
    }),
  );
};

/** The reverse of `encodeFields`. */
export const decodeFields = (types: readonly NftField[], bytes: Buffer): string[] => {
  let at = 0;
  return types.map((type) => {
    const field: FieldType = FIELDS[type];
    const text = field.decode(bytes.subarray(at, at + field.bytes));
    at += types.length > 1 ? align4(field.bytes) : field.bytes;
    return text;
  });
};

/** First address of a prefix and the first one behind it; `end` is undefined when the prefix reaches the end of all addresses. */
export const prefixInterval = (text: string): { start: Buffer; end: Buffer | undefined } => {
  const { bytes, length } = prefix(text);
  const bits = BigInt(bytes.length * 8);
  const size = 1n << (bits - BigInt(length));
  const first = BigInt(`0x${bytes.toString('hex')}`) & ~(size - 1n);
  const write = (value: bigint) => Buffer.from(value.toString(16).padStart(bytes.length * 2, '0'), 'hex');
  const behind = first + size;
  return { start: write(first), end: behind >> bits === 0n ? write(behind) : undefined };
};

/** The prefix between two bounds of `prefixInterval`. */
export const intervalPrefix = (start: Buffer, end: Buffer | undefined): string => {
  const bits = BigInt(start.length * 8);
  const behind = end === undefined ? 1n << bits : BigInt(`0x${end.toString('hex')}`);
  let length = Number(bits);
  for (let size = behind - BigInt(`0x${start.toString('hex')}`); size > 1n; size >>= 1n) length--;
  return `${ipText(start)}/${length}`;
};
