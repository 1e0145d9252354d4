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

/** Into how many shares numbers are divided among those who choose at once. */
export const LANES = 16n;
/** How many numbers of a share are looked at: the cost is not to grow with what is held. */
const SEARCHED = 64n;

export interface Holder {
  readonly owner: string;
  /** What it is reserved as ("gateway"); undefined for a lease. */
  readonly role?: string;
  /** The store's revision of the lease; undefined while it is taken and not durable, and for what is reserved with its pool. */
  readonly revision?: bigint;
  /** While it is not durable: the order of the release that the number had, and has again if the lease is not to be. */
  released?: bigint | undefined;
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
    (a, b) => a.order < b.order || (a.order === b.order && a.number < b.number),
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

  /** As `choose`, among one of `LANES` shares of the numbers where that is possible, so that two who choose at once do not meet. */
  chooseIn(lane: number): bigint | undefined {
    const lowest = this.#lowestFresh();
    if (lowest === undefined) return this.#oldest.peekNear(lane)?.number;
    const from = this.#frontier + ((((BigInt(lane) - this.#frontier) % LANES) + LANES) % LANES);
    for (let number = from; number < from + SEARCHED * LANES && number <= this.last; number += LANES) {
      if (this.#isFresh(number)) return number;
    }
    return lowest;
  }

  /** Holds a free number for one who will hear soon whether it is durable; `putBack` undoes it. */
  take(number: bigint, holder: Holder): void {
    const released = this.#released.get(number);
    if (released !== undefined) holder.released = released;
    this.hold(number, holder);
  }

  /** The number is this holder's, whoever had it. */
  hold(number: bigint, holder: Holder): void {
    if (!this.#held.has(number) && this.contains(number)) this.#heldInside += 1n;
    this.#released.delete(number);
    this.#held.set(number, holder);
  }

  /** Undoes `take`, unless somebody else has the number by now: it is again as fresh, or as long released, as it was. */
  putBack(number: bigint, holder: Holder): void {
    if (this.#held.get(number) !== holder) return;
    this.drop(number);
    if (holder.released !== undefined) this.remember({ number, order: holder.released });
  }

  /** Nobody holds the number any more: it is fresh. */
  drop(number: bigint): void {
    if (this.#held.delete(number) && this.contains(number)) this.#heldInside -= 1n;
    this.#refresh(number);
  }

  /** Counts the number as released with this order, once nobody holds it; nothing if it lies outside. */
  remember({ number, order }: Release): void {
    if (!this.contains(number)) return;
    const holder = this.#held.get(number);
    if (holder) {
      if (holder.role === undefined) holder.released = order;
      return;
    }
    this.#released.set(number, order);
    this.#oldest.push({ number, order });
  }

  /** The release counts no more: the number is fresh, once nobody holds it. */
  forget(number: bigint): void {
    const holder = this.#held.get(number);
    if (holder) holder.released = undefined;
    this.#released.delete(number);
    this.#refresh(number);
  }

  /** The oldest release counts no more: the number is fresh. It was free before, so nobody minds if it is chosen at once. */
  forgetOldest(): Release | undefined {
    const oldest = this.#oldest.peek();
    if (oldest) this.forget(oldest.number);
    return oldest;
  }

  /** Undoes `forgetOldest`, unless the number was released again meanwhile. */
  unforget(release: Release): void {
    if (!this.#released.has(release.number)) this.remember(release);
  }

  /** A number that was passed over is to be found again, if it is fresh. */
  #refresh(number: bigint): void {
    if (this.contains(number) && number < this.#frontier && this.#isFresh(number)) this.#freshAgain.push(number);
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
