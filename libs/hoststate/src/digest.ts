// Whether two have the same objects, told by a few bytes: what an agent has, and what its controller would tell it. Digests of parts
// add up, in any order, so what is told to many hosts is digested once. It guards against no forger: an agent that lies misleads itself.
import { hash } from 'node:crypto';
import { Object as HostObjectCodec } from '@weft/proto/agent';
import type { HostObject } from './key.ts';

/** 128 bits, as four numbers of 32: the bits that an odd number of the objects' hashes have set. */
export type Digest = readonly [number, number, number, number];

export const noObjects: Digest = [0, 0, 0, 0];

/** Of the two together, or of the one without the other: objects have different keys, so none is in both. */
export const addDigests = (a: Digest, b: Digest): Digest => [a[0] ^ b[0], a[1] ^ b[1], a[2] ^ b[2], a[3] ^ b[3]];

/** Of one object, from its bytes. */
export function digestOfBytes(encoded: Uint8Array): Digest {
  const bytes = hash('sha256', encoded, 'buffer');
  return [bytes.readInt32BE(0), bytes.readInt32BE(4), bytes.readInt32BE(8), bytes.readInt32BE(12)];
}

export const digestOf = (objects: Iterable<HostObject>): Digest => {
  let sum = noObjects;
  for (const object of objects) sum = addDigests(sum, digestOfBytes(HostObjectCodec.encode(object).finish()));
  return sum;
};

/** As it is sent: 16 bytes. */
export function digestBytes(digest: Digest): Buffer {
  const bytes = Buffer.alloc(16);
  for (const [at, part] of digest.entries()) bytes.writeInt32BE(part, at * 4);
  return bytes;
}
