import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Frames, frame } from './framing.ts';

test('messages come out as they went in, however the stream was cut', () => {
  const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 });
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (sent, cuts) => {
      const stream = Buffer.concat(sent.map(frame));
      const frames = new Frames();
      const got: Buffer[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const cut = cuts[turn % cuts.length]!;
        got.push(...(frames.push(stream.subarray(at, at + cut)) ?? []));
        at += cut;
      }
      expect(got.map((one) => [...one])).toEqual(sent.map((one) => [...one]));
      expect(frames.pending).toBe(0);
    }),
  );
});

test('empty messages are none; too long ones are refused', () => {
  expect(new Frames(512).push(Buffer.from([2, 1, 0]))).toBeUndefined();
  expect(new Frames().push(Buffer.from([0, 0, 0, 1, 7, 0]))).toEqual([Buffer.from([7])]);
  expect(() => frame(Buffer.alloc(65536))).toThrow(RangeError);
});
