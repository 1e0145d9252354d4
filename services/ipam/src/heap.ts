// A binary min-heap whose entries may become void: push and pop in O(log n) amortised, void entries never pile up.

export class Heap<T> {
  #items: T[] = [];
  #sweepAt = 64;
  readonly #isBefore: (a: T, b: T) => boolean;
  readonly #isValid: (item: T) => boolean;

  /** An item that is not valid is thrown away when it is met; who makes it valid again pushes it again. */
  constructor(isBefore: (a: T, b: T) => boolean, isValid: (item: T) => boolean) {
    this.#isBefore = isBefore;
    this.#isValid = isValid;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The first valid item. */
  peek(): T | undefined {
    while (this.#items.length > 0 && !this.#isValid(this.#items[0]!)) this.#pop();
    return this.#items[0];
  }

  /** One of the first, a different one for each of a few places where there are so many; the first if that one is void. */
  peekNear(place: number): T | undefined {
    const near = this.#items[place];
    return near !== undefined && this.#isValid(near) ? near : this.peek();
  }

  push(item: T): void {
    if (this.#items.length >= this.#sweepAt) this.#sweep();
    const items = this.#items;
    let index = items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(item, items[parent]!)) break;
      items[index] = items[parent]!;
      index = parent;
    }
    items[index] = item;
  }

  /** Throws all void items away; what is left doubles before the next time. */
  #sweep(): void {
    // A sorted array is a heap.
    this.#items = this.#items.filter(this.#isValid).sort((a, b) => (this.#isBefore(a, b) ? -1 : 1));
    this.#sweepAt = Math.max(64, this.#items.length * 2);
  }

  #pop(): void {
    const items = this.#items;
    const item = items.pop();
    if (item === undefined || items.length === 0) return;
    let index = 0;
    while (true) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#isBefore(items[child + 1]!, items[child]!)) child++;
      if (!this.#isBefore(items[child]!, item)) break;
      items[index] = items[child]!;
      index = child;
    }
    items[index] = item;
  }
}
