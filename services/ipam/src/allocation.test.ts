import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Allocation } from './allocation.ts';

const holder = { owner: 'o' };

/** Takes the number that is chosen. */
function next(allocation: Allocation): bigint | undefined {
  const number = allocation.choose();
  if (number !== undefined) allocation.take(number, holder);
  return number;
}

describe('Allocation', () => {
  it('gives the lowest first, released ones last, oldest release first', () => {
    const allocation = new Allocation(1n, 5n);
    expect([next(allocation), next(allocation), next(allocation)]).toEqual([1n, 2n, 3n]);
    allocation.release(2n, 1n);
    allocation.release(1n, 2n);
    expect(allocation.free).toBe(4n);
    expect(Array.from({ length: 5 }, () => next(allocation))).toEqual([4n, 5n, 2n, 1n, undefined]);
    expect(allocation.free).toBe(0n);
  });

  it('passes over what was taken by name, and counts what lies outside as held only', () => {
    const allocation = new Allocation(10n, 12n);
    allocation.take(10n, holder);
    allocation.take(99n, holder);
    expect([allocation.free, allocation.held]).toEqual([2n, 2]);
    expect([next(allocation), next(allocation), next(allocation)]).toEqual([11n, 12n, undefined]);
    allocation.release(99n, 1n);
    expect([allocation.held, allocation.remembered, allocation.choose()]).toEqual([3, 0, undefined]);
  });

  it('has nothing to give when it is empty', () => {
    const allocation = new Allocation(5n, 4n);
    expect([allocation.free, allocation.choose()]).toEqual([0n, undefined]);
  });

  it('undoes a take exactly', () => {
    const allocation = new Allocation(1n, 3n);
    for (let index = 0; index < 3; index++) next(allocation);
    for (const [number, order] of [
      [2n, 1n],
      [3n, 2n],
      [1n, 3n],
    ] as const)
      allocation.release(number, order);
    const order = allocation.take(2n, holder);
    allocation.putBack(2n, order);
    expect([next(allocation), next(allocation), next(allocation)]).toEqual([2n, 3n, 1n]);
    const fresh = new Allocation(1n, 3n);
    const undone = [fresh.choose()!, fresh.take(1n, holder)] as const;
    expect(next(fresh)).toBe(2n);
    fresh.putBack(...undone);
    expect([next(fresh), next(fresh)]).toEqual([1n, 3n]);
  });

  it('forgets the oldest release, which is fresh from then on', () => {
    const allocation = new Allocation(1n, 4n);
    for (let index = 0; index < 4; index++) next(allocation);
    for (const number of [3n, 1n, 2n]) allocation.release(number, 10n + number);
    const oldest = allocation.forgetOldest()!;
    expect(oldest).toEqual({ number: 1n, order: 11n });
    expect(next(allocation)).toBe(2n);
    allocation.refresh(1n);
    expect([next(allocation), next(allocation), next(allocation)]).toEqual([1n, 3n, undefined]);
  });

  it('behaves as a list that is searched from end to end', () => {
    const step = fc.record({ what: fc.constantFrom('next', 'take', 'release', 'undo', 'forget'), at: fc.nat(11) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const allocation = new Allocation(0n, 11n);
        const held = new Set<bigint>();
        let released: bigint[] = [];
        let order = 0n;
        const expected = () => {
          for (let number = 0n; number <= 11n; number++) {
            if (!held.has(number) && !released.includes(number)) return number;
          }
          return released[0];
        };
        for (const { what, at } of steps) {
          const number = BigInt(at);
          expect(allocation.choose()).toBe(expected());
          if (what === 'next' && allocation.choose() !== undefined) {
            const chosen = next(allocation)!;
            held.add(chosen);
            released = released.filter((other) => other !== chosen);
          } else if (what === 'take' && !held.has(number)) {
            allocation.take(number, holder);
            held.add(number);
            released = released.filter((other) => other !== number);
          } else if (what === 'undo' && !held.has(number)) {
            allocation.putBack(number, allocation.take(number, holder));
          } else if (what === 'release' && held.delete(number)) {
            allocation.release(number, ++order);
            released.push(number);
          } else if (what === 'forget') {
            const oldest = allocation.forgetOldest();
            expect(oldest?.number).toBe(released.shift());
            if (oldest) allocation.refresh(oldest.number);
          }
          expect([allocation.held, allocation.free]).toEqual([held.size, 12n - BigInt(held.size)]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['an IPv4 /8', 2n ** 24n],
    ['an IPv6 /64', 2n ** 64n],
  ])('costs in %s what is held, not its width', (_, width) => {
    // Anything that followed the width would not come to an end here.
    const allocation = new Allocation(1n, width - 2n);
    for (let index = 1n; index <= 10_000n; index++) expect(next(allocation)).toBe(index);
    for (let index = 1n; index <= 10_000n; index++) allocation.release(index, index);
    for (let index = 10_001n; index <= 20_000n; index++) expect(next(allocation)).toBe(index);
    expect([allocation.held, allocation.remembered]).toEqual([10_000, 10_000]);
  });
});
