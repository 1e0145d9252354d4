import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKeys, prefixEnd } from './keys.ts';

describe('prefixEnd', () => {
  it.each([
    ['a', 'b'],
    ['a/', 'a0'],
    ['', undefined],
    ['\u{10ffff}', undefined],
    ['a\u{10ffff}', 'b'],
    ['\ud7ff', '\ue000'],
    ['\uffff', '\u{10000}'],
  ])('of %j is %j', (prefix, end) => {
    expect(prefixEnd(prefix)).toBe(end);
  });

  it('separates exactly the keys that start with the prefix', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '\u007f', '\ud7ff', '\ue000', '\uffff', '\u{10ffff}') });
    fc.assert(
      fc.property(key, key, (prefix, other) => {
        const end = prefixEnd(prefix);
        const isBelow = compareKeys(other, prefix) >= 0 && (end === undefined || compareKeys(other, end) < 0);
        expect(isBelow).toBe(other.startsWith(prefix));
      }),
    );
  });
});
