// One change under way: what the store is to do, and how the index follows. Deciding code fills it while it already
// takes what it needs in the index, so that nobody else can; the doing code then commits it, or rolls it back.
// The rule that makes this safe: what is TAKEN is taken at once, what is GIVEN BACK is given back only by `commit`.
// So no draft ever stands on another one that may still fail.
import type { Compare, Op } from '@weft/store';

export class Draft {
  readonly compares: Compare[] = [];
  readonly ops: Op[] = [];
  readonly #onCommit: ((revision: bigint) => void)[] = [];
  readonly #onRollback: (() => void)[] = [];

  /** Runs once the store has committed, with the revision. */
  onCommit(follow: (revision: bigint) => void): void {
    this.#onCommit.push(follow);
  }

  /** Runs, last first, if the change is not to be. */
  onRollback(undo: () => void): void {
    this.#onRollback.push(undo);
  }

  commit(revision: bigint): void {
    for (const follow of this.#onCommit) follow(revision);
  }

  rollback(): void {
    for (const undo of this.#onRollback.reverse()) undo();
  }
}
