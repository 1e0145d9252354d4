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

/** What the store says of a release. */
function release(allocation: Allocation, number: bigint, order: bigint): void {
  allocation.drop(number);
  allocation.remember({ number, order });
}

describe('Allocation', () => {
  it('gives the lowest first, released ones last, oldest release first', () => {
    const allocation = new Allocation(1n, 5n);
    expect([next(allocation), next(allocation), next(allocation)]).toEqual([1n, 2n, 3n]);
    release(allocation, 2n, 1n);
    release(allocation, 1n, 2n);
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
    release(allocation, 99n, 1n);
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
      release(allocation, number, order);
    const taken = { owner: 'o' };
    allocation.take(2n, taken);
    allocation.putBack(2n, taken);
    expect([next(allocation), next(allocation), next(allocation)]).toEqual([2n, 3n, 1n]);
    const fresh = new Allocation(1n, 3n);
    const again = { owner: 'o' };
    fresh.take(1n, again);
    expect(next(fresh)).toBe(2n);
    fresh.putBack(1n, again);
    expect([next(fresh), next(fresh)]).toEqual([1n, 3n]);
  });

  it('undoes no take of somebody else', () => {
    const allocation = new Allocation(1n, 3n);
    const [mine, theirs] = [{ owner: 'm' }, { owner: 't', revision: 1n }];
    allocation.take(1n, mine);
    allocation.hold(1n, theirs);
    allocation.putBack(1n, mine);
    expect([allocation.holder(1n), allocation.free]).toEqual([theirs, 2n]);
    allocation.drop(1n);
    // What is told of a number while it is taken is so when it is put back.
    const second = { owner: 'm' };
    allocation.take(1n, second);
    allocation.remember({ number: 1n, order: 7n });
    allocation.putBack(1n, second);
    expect([next(allocation), next(allocation), next(allocation), next(allocation)]).toEqual([2n, 3n, 1n, undefined]);
  });

  it('in a lane gives numbers that no other lane gives, then whatever there is', () => {
    const two = [new Allocation(2n, 254n), new Allocation(2n, 254n)];
    const [a, b] = two.map((allocation, at) =>
      Array.from({ length: 10 }, () => {
        const number = allocation.chooseIn(at * 7)!;
        allocation.take(number, { owner: 'o' });
        return number;
      }),
    );
    expect(a!.filter((number) => b!.includes(number))).toEqual([]);
    expect(b!.slice(0, 3)).toEqual([7n, 23n, 39n]);
    const small = new Allocation(1n, 2n);
    expect(small.chooseIn(9)).toBe(1n);
    for (const order of [1n, 2n]) {
      small.take(order, { owner: 'o' });
      release(small, order, order);
    }
    expect([small.chooseIn(1), small.chooseIn(9)]).toEqual([2n, 1n]);
    for (const number of [1n, 2n]) small.take(number, { owner: 'o' });
    expect(small.chooseIn(1)).toBeUndefined();
  });

  it('forgets the oldest release, which is fresh from then on', () => {
    const allocation = new Allocation(1n, 4n);
    for (let index = 0; index < 4; index++) next(allocation);
    for (const number of [3n, 1n, 2n]) release(allocation, number, 10n + number);
    const oldest = allocation.forgetOldest()!;
    expect(oldest).toEqual({ number: 1n, order: 11n });
    expect(allocation.choose()).toBe(1n);
    allocation.unforget(oldest);
    expect(allocation.choose()).toBe(1n);
    release(allocation, 4n, 10n);
    allocation.unforget(allocation.forgetOldest()!);
    expect(Array.from({ length: 5 }, () => next(allocation))).toEqual([4n, 1n, 2n, 3n, undefined]);
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
            const taken = { owner: 'o' };
            allocation.take(number, taken);
            allocation.putBack(number, taken);
          } else if (what === 'release' && held.delete(number)) {
            release(allocation, number, ++order);
            released.push(number);
          } else if (what === 'forget') {
            const oldest = allocation.forgetOldest();
            expect(oldest?.number).toBe(released.shift());
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
    for (let index = 1n; index <= 10_000n; index++) release(allocation, index, index);
    for (let index = 10_001n; index <= 20_000n; index++) expect(next(allocation)).toBe(index);
    expect([allocation.held, allocation.remembered]).toEqual([10_000, 10_000]);
  });
});
