// Timers of a thread that blocks in the kernel: a heap by due time. Prevented ones stay in it until they are due. Pure but for the
// clock, which is given.
import type { Clock } from '@weft/dns';

interface Timer {
  readonly at: number;
  run: (() => void) | undefined;
}

export class Timers implements Clock {
  readonly now: () => number;
  readonly #heap: Timer[] = [];

  constructor(now: () => number) {
    this.now = now;
  }

  after(ms: number, run: () => void): () => void {
    const timer: Timer = { at: this.now() + ms, run };
    this.#push(timer);
    return () => {
      timer.run = undefined;
    };
  }

  /** Milliseconds until the next is due; Infinity when there is none. */
  waitMs(): number {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.run !== undefined) return Math.max(0, first.at - this.now());
      this.#pop();
    }
    return Infinity;
  }

  /** Runs those that are due. */
  run(): void {
    const now = this.now();
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#pop();
      first.run?.();
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Timer;
      if (parent.at <= timer.at) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && (heap[below + 1] as Timer).at < (heap[below] as Timer).at) below++;
      const child = heap[below] as Timer;
      if (child.at >= last.at) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}
