// The pools of one address space: prefixes that do not overlap, in order. Finding an overlap is O(log n). Pure.
import { comparePrefixes, overlaps, type Prefix } from '@weft/address';

export class PrefixSet<T extends { readonly subnet: Prefix }> {
  readonly #items: T[] = [];

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  /** One that overlaps the prefix, if any. */
  overlapping(prefix: Prefix): T | undefined {
    // Disjoint prefixes in order: only the neighbours of the place where it belongs can overlap it.
    const place = this.#place(prefix);
    return [this.#items[place - 1], this.#items[place]].find((item) => item && overlaps(item.subnet, prefix));
  }

  /** Adds one that overlaps none. */
  add(item: T): void {
    this.#items.splice(this.#place(item.subnet), 0, item);
  }

  remove(item: T): void {
    const place = this.#place(item.subnet);
    if (this.#items[place] === item) this.#items.splice(place, 1);
  }

  /** The first index whose prefix is not before this one. */
  #place(prefix: Prefix): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comparePrefixes(this.#items[middle]!.subnet, prefix) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
