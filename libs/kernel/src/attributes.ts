// Netlink attributes (TLVs): one function per value shape to build, one walk to read without copying.
// Rules of the wire: 4-byte alignment, the length excludes the padding, NESTED marks a container.
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
const HEADER = 4;

export const align4 = (length: number): number => (length + 3) & ~3;

const withHeader = (type: number, length: number): Buffer => {
  const buffer = Buffer.alloc(align4(HEADER + length));
  buffer.writeUInt16LE(HEADER + length, 0);
  buffer.writeUInt16LE(type, 2);
  return buffer;
};

export const bytes = (type: number, value: Uint8Array): Buffer => {
  const buffer = withHeader(type, value.length);
  buffer.set(value, HEADER);
  return buffer;
};

export const u8 = (type: number, value: number): Buffer => {
  const buffer = withHeader(type, 1);
  buffer.writeUInt8(value, HEADER);
  return buffer;
};

/** A boolean as the kernel's bridge and link attributes have it: one byte, 0 or 1. */
export const bool = (type: number, value: boolean): Buffer => u8(type, value ? 1 : 0);

export const u16 = (type: number, value: number): Buffer => {
  const buffer = withHeader(type, 2);
  buffer.writeUInt16LE(value, HEADER);
  return buffer;
};

export const u32 = (type: number, value: number): Buffer => {
  const buffer = withHeader(type, 4);
  buffer.writeUInt32LE(value >>> 0, HEADER);
  return buffer;
};

/** Network byte order, as all of nfnetlink has it. */
export const u32be = (type: number, value: number): Buffer => {
  const buffer = withHeader(type, 4);
  buffer.writeUInt32BE(value >>> 0, HEADER);
  return buffer;
};

/** Text with its terminating zero. */
export const text = (type: number, value: string): Buffer => {
  const length = Buffer.byteLength(value);
  const buffer = withHeader(type, length + 1);
  buffer.write(value, HEADER);
  return buffer;
};

export const nest = (type: number, ...parts: (Uint8Array | undefined)[]): Buffer =>
  bytes(type | NESTED, Buffer.concat(parts.filter((part) => part !== undefined)));

/** Builds the attribute when there is a value: absent means "leave as it is" everywhere in this lib. */
export const when = <T>(value: T | undefined, build: (value: T) => Buffer): Buffer | undefined =>
  value === undefined ? undefined : build(value);

/** Joins a fixed header and attributes to a message body. */
export const body = (...parts: (Uint8Array | undefined)[]): Buffer =>
  Buffer.concat(parts.filter((part) => part !== undefined));

/** Calls `visit(type, from, to)` for each attribute between two offsets; stops at a malformed one. */
export const walk = (
  buffer: Buffer,
  start: number,
  end: number,
  visit: (type: number, from: number, to: number) => void,
): void => {
  for (let at = start; at + HEADER <= end; ) {
    const length = buffer.readUInt16LE(at);
    if (length < HEADER || at + length > end) return;
    visit(buffer.readUInt16LE(at + 2) & TYPE_MASK, at + HEADER, at + length);
    at += align4(length);
  }
};

/** Reads a zero-terminated text. */
export const readText = (buffer: Buffer, from: number, to: number): string => {
  const zero = buffer.indexOf(0, from);
  return buffer.toString('utf8', from, zero >= from && zero < to ? zero : to);
};
