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
      this.#away.delete(item);
      return;
    }
    this.#away.add(item);
    if (!isTold) this.#lacking.add(item);
  }

  end(item: ItemKey): void {
    this.#failures.delete(item);
    this.#away.delete(item);
    this.#lacking.delete(item);
  }
}
