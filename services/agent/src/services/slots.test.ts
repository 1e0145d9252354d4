import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashOf, rangesOf, slotsOf } from './slots.ts';

const backends = (count: number, weight = (_: number) => 1) =>
  Array.from({ length: count }, (_, at) => ({ address: `10.1.${at >> 8}.${at & 255}`, weight: weight(at) }));
const counts = (slots: readonly number[], of: number): number[] =>
  Array.from({ length: of }, (_, at) => slots.filter((slot) => slot === at).length);

describe('slots', () => {
  it('are shared evenly, and by weight', () => {
    for (const count of [1, 2, 3, 5, 17, 50, 51, 300]) {
      const shares = counts(slotsOf(backends(count)), count);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    }
    const shares = counts(slotsOf(backends(4, (at) => at + 1)), 4);
    for (const [at, share] of shares.entries()) expect(Math.abs(share - (251 * (at + 1)) / 10)).toBeLessThan(2);
    expect(slotsOf([])).toEqual([]);
  });

  it('stay with their backends when one comes or goes, but for few', () => {
    for (const count of [3, 5, 20]) {
      const all = backends(count);
      const before = slotsOf(all);
      for (let gone = 0; gone < count; gone++) {
        const left = all.filter((_, at) => at !== gone);
        const after = slotsOf(left);
        const moved = before.filter(
          (slot, at) => slot !== gone && all[slot]?.address !== left[after[at] ?? 0]?.address,
        );
        expect(moved.length).toBeLessThan(0.2 * before.length);
      }
    }
  });

  it('are the same for the same backends, whatever their order', () => {
    const all = backends(7);
    const name = (list: typeof all) => slotsOf(list).map((slot) => list[slot]?.address);
    const [a, b] = [name(all), name(all.toReversed())];
    // Who is asked first of two that want the same slot depends on the order; the controller keeps it.
    expect(a.filter((address, at) => address === b[at]).length).toBeGreaterThan(200);
    expect(name(all)).toEqual(a);
  });

  it('as ranges say the same', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 })), (values) => {
        const ranges = rangesOf(values);
        expect(ranges.flatMap(({ from, to, value }) => new Array<number>(to - from + 1).fill(value))).toEqual(values);
        for (const [at, { value }] of ranges.entries()) expect(value).not.toBe(ranges[at + 1]?.value);
      }),
    );
  });
});

it('the hash spreads texts that are alike', () => {
  const buckets = new Array<number>(16).fill(0);
  for (let at = 0; at < 1600; at++)
    buckets[hashOf(`${at}`.padStart(64, '0')) % 16] = (buckets[hashOf(`${at}`.padStart(64, '0')) % 16] ?? 0) + 1;
  // Chi square, 15 degrees of freedom, 0.1 %.
  expect(buckets.reduce((sum, one) => sum + (one - 100) ** 2 / 100, 0)).toBeLessThan(37.7);
});
