// Names of reverse lookups: `2.0.0.10.in-addr.arpa` and 32 nibbles below `ip6.arpa`, as the address's bytes.
import { addressToBytes, parseAddress } from '@weft/address';
import { type Name, nextLabel } from './name.ts';

const V4 = '\x07in-addr\x04arpa';
const V6 = '\x03ip6\x04arpa';

/** 4 or 16 bytes; undefined for a name that is not one address's. */
export function reverseAddress(name: Name): Uint8Array | undefined {
  if (name.endsWith(V4)) return bytesOf(name, name.length - V4.length, 4, decimal);
  if (name.endsWith(V6)) {
    const nibbles = bytesOf(name, name.length - V6.length, 32, nibble);
    if (nibbles === undefined) return undefined;
    return Uint8Array.from(
      { length: 16 },
      (_, at) => (nibbles[2 * at] as number) * 16 + (nibbles[2 * at + 1] as number),
    );
  }
  return undefined;
}

/** `10.0.0.2` as `2.0.0.10.in-addr.arpa`; undefined for a text that is no address. */
export function reverseName(text: string): string | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const bytes = [...addressToBytes(address)];
  if (address.family === 4) return `${bytes.toReversed().join('.')}.in-addr.arpa`;
  const nibbles = bytes.flatMap((byte) => [byte >> 4, byte & 0xf]);
  return `${nibbles
    .toReversed()
    .map((one) => one.toString(16))
    .join('.')}.ip6.arpa`;
}

/** The labels before `end`, last first, each read as one number; undefined unless there are exactly `count`. */
function bytesOf(
  name: Name,
  end: number,
  count: number,
  read: (label: string) => number | undefined,
): Uint8Array | undefined {
  const bytes = new Uint8Array(count);
  let left = count;
  let at = 0;
  while (at < end) {
    const next = nextLabel(name, at);
    const value = next <= end ? read(name.slice(at + 1, next)) : undefined;
    if (value === undefined || left === 0) return undefined;
    bytes[--left] = value;
    at = next;
  }
  return left === 0 ? bytes : undefined;
}

function decimal(label: string): number | undefined {
  return /^(0|[1-9]\d{0,2})$/.test(label) && Number(label) <= 255 ? Number(label) : undefined;
}

function nibble(label: string): number | undefined {
  return /^[0-9a-f]$/.test(label) ? Number.parseInt(label, 16) : undefined;
}
