// What could not be compiled, and why: it is tried again, and whoever waits for it is told.
import { type FaultError, Reason } from '@weft/fault';
import type { ItemKey } from './items.ts';

export class Trouble {
  readonly #failures = new Map<ItemKey, FaultError>();
  /** Of these, those that fail because a service is away. */
  readonly #away = new Set<ItemKey>();
  /**
   * Items that nobody could compile yet since the planner began, because a service is away. A host that was told all but them would
   * remove what it has of them.
   */
  readonly #lacking = new Set<ItemKey>();
  /** Who waits until a service is back, by item. */
  readonly #waiting = new Map<ItemKey, Set<() => void>>();

  /** Why an item could not be compiled, if it could not. */
  of(item: ItemKey): FaultError | undefined {
    return this.#failures.get(item);
  }

  /** Something could not be compiled because a service is away: others may know more. */
  get isPartial(): boolean {
    return this.#away.size > 0;
  }

  /** Something could not be compiled even once. */
  get isLacking(): boolean {
    return this.#lacking.size > 0;
  }

  /** @param isTold a host has been told something of it */
  fail(item: ItemKey, failure: FaultError, isTold: boolean): void {
    this.#failures.set(item, failure);
    if (failure.reason !== Reason.SERVICE_UNAVAILABLE) {
      this.#notAway(item);
      return;
    }
    this.#away.add(item);
    if (!isTold) this.#lacking.add(item);
  }

  end(item: ItemKey): void {
    this.#failures.delete(item);
    this.#lacking.delete(item);
    this.#notAway(item);
  }

  /** Resolves when an item does not fail any more because a service is away, or the signal aborts. */
  async untilServed(item: ItemKey, signal: AbortSignal): Promise<void> {
    if (!this.#away.has(item) || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const waiting = this.#waiting.get(item) ?? new Set();
      this.#waiting.set(item, waiting);
      const done = () => {
        waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #notAway(item: ItemKey): void {
    this.#away.delete(item);
    const waiting = this.#waiting.get(item) ?? [];
    this.#waiting.delete(item);
    for (const done of [...waiting]) done();
  }
}
