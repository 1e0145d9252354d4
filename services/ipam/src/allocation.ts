// Who holds which number (an address, a VNI), and which number is chosen next from `first..last`: the lowest that is
// fresh; when none is, the one released longest ago. Pure. Time is O(log n) amortised in what is held and remembered,
// never in the width of the interval: an IPv6 /64 costs what a /30 costs.
// Refuses nothing: callers look with `holder` BEFORE they `take`.
import { Heap } from './heap.ts';

/**
 * How many releases an allocation remembers. Beyond it the oldest released number counts as fresh again, so that a
 * wide pool with much coming and going stays small. It covers an IPv4 /16: there the order is exact.
 */
export const REMEMBERED_RELEASES = 65_536;

export interface Holder {
  readonly owner: string;
  /** What it is reserved as ("gateway"); undefined for a lease. */
  readonly role?: string;
  /** The store's revision of the lease; undefined until it is durable, and for what is reserved with its pool. */
  revision?: bigint;
}

interface Release {
  readonly number: bigint;
  readonly order: bigint;
}

export class Allocation {
  readonly first: bigint;
  /** Inclusive; below `first` when there is nothing to choose from. */
  readonly last: bigint;
  readonly #held = new Map<bigint, Holder>();
  /** Numbers with the order of their release; only those inside. */
  readonly #released = new Map<bigint, bigint>();
  readonly #oldest = new Heap<Release>(
    (a, b) => a.order < b.order,
    ({ number, order }) => this.#released.get(number) === order,
  );
  /** Fresh numbers below `#frontier`, and some that were. */
  readonly #freshAgain = new Heap<bigint>(
    (a, b) => a < b,
    (number) => this.#isFresh(number),
  );
  /** No number from here on was ever passed over: all fresh ones below are in `#freshAgain`. */
  #frontier: bigint;
  #heldInside = 0n;

  constructor(first: bigint, last: bigint) {
    this.first = first;
    this.last = last;
    this.#frontier = first;
  }

  /** How many numbers are held, inside and outside of the interval. */
  get held(): number {
    return this.#held.size;
  }

  /** How many numbers can still be chosen. */
  get free(): bigint {
    return this.last < this.first ? 0n : this.last - this.first + 1n - this.#heldInside;
  }

  get remembered(): number {
    return this.#released.size;
  }

  holder(number: bigint): Holder | undefined {
    return this.#held.get(number);
  }

  holders(): IterableIterator<[bigint, Holder]> {
    return this.#held.entries();
  }

  releases(): IterableIterator<[bigint, bigint]> {
    return this.#released.entries();
  }

  contains(number: bigint): boolean {
    return number >= this.first && number <= this.last;
  }

  /** The number to take next; undefined when none is free. It is not taken yet. */
  choose(): bigint | undefined {
    return this.#lowestFresh() ?? this.#oldest.peek()?.number;
  }

  /** Holds a free number. Returns the order of its last release if that was remembered, for `putBack`. */
  take(number: bigint, holder: Holder): bigint | undefined {
    const order = this.#released.get(number);
    this.#released.delete(number);
    this.#held.set(number, holder);
    if (this.contains(number)) this.#heldInside += 1n;
    return order;
  }

  /** Undoes `take`: the number is again as fresh, or as long released, as it was. */
  putBack(number: bigint, order: bigint | undefined): void {
    this.#drop(number);
    if (order === undefined) this.refresh(number);
    else this.remember({ number, order });
  }

  /** Lets go of a held number. From now on it can be chosen, after all fresh ones and all released before it. */
  release(number: bigint, order: bigint): void {
    this.#drop(number);
    this.remember({ number, order });
  }

  /** Counts the number as released with this order; nothing if it lies outside. */
  remember({ number, order }: Release): void {
    if (!this.contains(number)) return;
    this.#released.set(number, order);
    this.#oldest.push({ number, order });
  }

  /** Removes the oldest release: its number can be chosen again only after `remember` or `refresh`. */
  forgetOldest(): Release | undefined {
    const oldest = this.#oldest.peek();
    if (oldest) this.#released.delete(oldest.number);
    return oldest;
  }

  /** Counts a number that is neither held nor released as fresh. */
  refresh(number: bigint): void {
    if (this.contains(number) && number < this.#frontier) this.#freshAgain.push(number);
  }

  #drop(number: bigint): void {
    if (this.#held.delete(number) && this.contains(number)) this.#heldInside -= 1n;
  }

  #isFresh(number: bigint): boolean {
    return !this.#held.has(number) && !this.#released.has(number);
  }

  #lowestFresh(): bigint | undefined {
    const again = this.#freshAgain.peek();
    if (again !== undefined) return again;
    while (this.#frontier <= this.last && !this.#isFresh(this.#frontier)) this.#frontier += 1n;
    return this.#frontier <= this.last ? this.#frontier : undefined;
  }
}
