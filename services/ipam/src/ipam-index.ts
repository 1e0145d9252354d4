// What the store holds, arranged for deciding. Derived: `apply.ts` fills it from the store at the start and follows every
// change, this process's and others'. What is taken by a draft under way stands in it without a revision. Pure.
import { comparePrefixes, formatPrefix, lastValue, makePrefix, overlaps, type Prefix } from '@weft/address';
import { Allocation, type Holder } from './allocation.ts';
import type { Base, Bases } from './default-pools.ts';
import type { Pool } from './pool.ts';
import { PrefixSet } from './prefix-set.ts';

interface Space {
  readonly pools: PrefixSet<Pool>;
  /** The store's revision of its key, 0 before the first pool. */
  revision: bigint;
}

interface NumberRange {
  readonly name: string;
  allocation: Allocation;
}

const ALL_NUMBERS = 2n ** 64n - 1n;

export class IpamIndex {
  readonly bases: Bases;
  readonly spaces: ReadonlyMap<string, Space>;
  readonly pools = new Map<string, Pool>();
  readonly ranges = new Map<string, NumberRange>();
  /** In the order of the owner's request. */
  readonly #poolsOfOwner = new Map<string, Pool[]>();
  readonly #leasesOfOwner = new Map<string, Map<string, bigint>>();
  readonly #numbersOfOwner = new Map<string, Map<string, bigint>>();
  /** By base and length: below it, pools alone block every subnet of that length. */
  readonly #hints = new Map<string, { base: Base; from: bigint }>();
  #nextOrder = 1n;

  constructor(bases: Bases) {
    this.bases = bases;
    this.spaces = new Map(Array.from(bases.keys(), (name) => [name, { pools: new PrefixSet<Pool>(), revision: 0n }]));
  }

  /** The order of the next release: no earlier one is as high. */
  takeOrder(): bigint {
    const order = this.#nextOrder;
    this.#nextOrder += 1n;
    return order;
  }

  /** Makes sure that later releases come after this one. */
  sawOrder(order: bigint): void {
    if (order >= this.#nextOrder) this.#nextOrder = order + 1n;
  }

  // Pools

  /** A durable pool puts one that is not out of its place: the draft of that one cannot succeed any more. */
  addPool(pool: Pool): void {
    const pools = this.spaces.get(pool.space)?.pools;
    for (let other = pools?.overlapping(pool.subnet); other; other = pools?.overlapping(pool.subnet)) {
      this.removePool(other);
    }
    this.pools.set(pool.id, pool);
    this.spaces.get(pool.space)?.pools.add(pool);
    const own = [...this.poolsOfOwner(pool.owner), pool].sort((a, b) => a.stored.place - b.stored.place);
    this.#poolsOfOwner.set(pool.owner, own);
  }

  removePool(pool: Pool): void {
    if (this.pools.get(pool.id) !== pool) return;
    this.pools.delete(pool.id);
    this.spaces.get(pool.space)?.pools.remove(pool);
    const left = this.poolsOfOwner(pool.owner).filter((other) => other !== pool);
    if (left.length > 0) this.#poolsOfOwner.set(pool.owner, left);
    else this.#poolsOfOwner.delete(pool.owner);
    for (const [, holder] of pool.addresses.holders()) {
      if (holder.role === undefined) forget(this.#leasesOfOwner, holder.owner, pool.id);
    }
    this.#lowerHints(pool.subnet);
  }

  poolsOfOwner(owner: string): readonly Pool[] {
    return this.#poolsOfOwner.get(owner) ?? [];
  }

  allPools(): Pool[] {
    return [...this.spaces.values()].flatMap(({ pools }) => [...pools]).sort(byPlace);
  }

  /** A pool of any space that overlaps the prefix. */
  poolOverlapping(prefix: Prefix): Pool | undefined {
    for (const { pools } of this.spaces.values()) {
      const found = pools.overlapping(prefix);
      if (found) return found;
    }
    return undefined;
  }

  hint(base: Base): bigint {
    return this.#hints.get(hintKey(base))?.from ?? base.base.value;
  }

  setHint(base: Base, from: bigint): void {
    this.#hints.set(hintKey(base), { base, from });
  }

  #lowerHints(freed: Prefix): void {
    for (const hint of this.#hints.values()) {
      const { base, length } = hint.base;
      // The subnet of that length in which the freed one begins may be free now.
      const from = makePrefix(freed.family, freed.value, length)?.value ?? 0n;
      if (overlaps(base, freed) && from < hint.from && lastValue(freed) >= base.value) hint.from = from;
    }
  }

  // Leases

  heldAddress(owner: string, poolId: string): bigint | undefined {
    return this.#leasesOfOwner.get(owner)?.get(poolId);
  }

  addressesOf(owner: string): [Pool, bigint][] {
    return Array.from(this.#leasesOfOwner.get(owner) ?? [], ([poolId, value]) => [this.pools.get(poolId)!, value]);
  }

  noteLease(owner: string, poolId: string, value: bigint): void {
    note(this.#leasesOfOwner, owner, poolId, value);
  }

  /** Nothing if the owner holds another one there by now. */
  dropLease(owner: string, poolId: string, value: bigint): void {
    if (this.heldAddress(owner, poolId) === value) forget(this.#leasesOfOwner, owner, poolId);
  }

  // Numbers

  /** The range by its name; made on first use, and made anew with all it holds when its bounds change. */
  range(name: string, first = 0n, last = ALL_NUMBERS): NumberRange {
    const range = this.ranges.get(name);
    if (!range) {
      const made = { name, allocation: new Allocation(first, last) };
      this.ranges.set(name, made);
      return made;
    }
    const { allocation } = range;
    if (allocation.first === first && allocation.last === last) return range;
    range.allocation = new Allocation(first, last);
    for (const [number, holder] of allocation.holders()) range.allocation.hold(number, holder);
    for (const [number, order] of allocation.releases()) range.allocation.remember({ number, order });
    return range;
  }

  heldNumber(owner: string, range: string): bigint | undefined {
    return this.#numbersOfOwner.get(owner)?.get(range);
  }

  numbersOf(owner: string): [NumberRange, bigint][] {
    return Array.from(this.#numbersOfOwner.get(owner) ?? [], ([range, number]) => [this.ranges.get(range)!, number]);
  }

  noteNumber(owner: string, range: string, number: bigint): void {
    note(this.#numbersOfOwner, owner, range, number);
  }

  dropNumber(owner: string, range: string, number: bigint): void {
    if (this.heldNumber(owner, range) === number) forget(this.#numbersOfOwner, owner, range);
  }
}

export type { NumberRange };

/** Leases that are durable, in the order of their numbers. */
export function durable(allocation: Allocation): [bigint, Holder][] {
  return [...allocation.holders()]
    .filter(([, { role, revision }]) => role === undefined && revision !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function byPlace(a: Pool, b: Pool): number {
  return comparePrefixes(a.subnet, b.subnet) || (a.space < b.space ? -1 : 1);
}

function hintKey({ base, length }: Base): string {
  return `${formatPrefix(base)} ${length}`;
}

function note(map: Map<string, Map<string, bigint>>, owner: string, scope: string, value: bigint): void {
  const own = map.get(owner) ?? new Map<string, bigint>();
  map.set(owner, own.set(scope, value));
}

function forget(map: Map<string, Map<string, bigint>>, owner: string, scope: string): void {
  const own = map.get(owner);
  own?.delete(scope);
  if (own?.size === 0) map.delete(owner);
}
