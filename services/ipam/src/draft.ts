// One change under way: what the store is to do, and what is taken meanwhile. Deciding code fills it while it already
// takes what it needs in the index, so that nobody else can; the doing code then commits it, or rolls it back.
// The rule that makes this safe: what is TAKEN is taken at once, what is GIVEN BACK is given back only when the index follows the store.
// So no draft ever stands on another one that may still fail.
import type { Compare, Op } from '@weft/store';

export class Draft {
  readonly compares: Compare[] = [];
  readonly ops: Op[] = [];
  readonly #onRollback: (() => void)[] = [];

  /** Runs, last first, if the change is not to be. By then another replica may have what was taken: look BEFORE undoing. */
  onRollback(undo: () => void): void {
    this.#onRollback.push(undo);
  }

  rollback(): void {
    for (const undo of this.#onRollback.reverse()) undo();
  }
}
