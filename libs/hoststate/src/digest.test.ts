import { Object as HostObjectCodec } from '@weft/proto/agent';
import { expect, it } from 'vitest';
import { addDigests, digestBytes, digestOf, digestOfBytes, noObjects } from './digest.ts';
import { hostObject } from './key.ts';

const file = (name: string, content: string) => hostObject({ $case: 'file', value: { sandboxId: 's', name, content } });
const [a, b, other] = [file('hosts', 'a'), file('resolv.conf', 'b'), file('hosts', 'b')];

it('is one for the same objects in any order, and another for any other', () => {
  expect(digestOf([a, b])).toEqual(digestOf([b, a]));
  expect(digestOf([a, b])).not.toEqual(digestOf([other, b]));
  expect(digestOf([a])).not.toEqual(noObjects);
});

it('adds up, and takes away', () => {
  expect(addDigests(digestOf([a]), digestOf([b]))).toEqual(digestOf([a, b]));
  expect(addDigests(digestOf([a, b]), digestOf([b]))).toEqual(digestOf([a]));
});

it('is that of the bytes, in sixteen of them', () => {
  expect(digestOfBytes(HostObjectCodec.encode(a).finish())).toEqual(digestOf([a]));
  expect(digestBytes([1, -1, 0, 2 ** 31 - 1])).toEqual(Buffer.from('00000001ffffffff000000007fffffff', 'hex'));
});
