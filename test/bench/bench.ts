// What every part of the benchmark is given: how thorough to be, where to report, and a place to say what must be undone.
import { type Host, makeHost } from '../lib/host.ts';
import type { Report } from './report.ts';

export interface Bench {
  /** Fewer rounds: to see that it works, not to be quoted. */
  readonly isQuick: boolean;
  readonly report: Report;
  /** A host that is removed when the part is over, whatever happens. */
  host(): Host;
  /** Runs when the part is over, last said first, whatever happens. */
  after(undo: () => Promise<unknown>): void;
}

/** A part of the benchmark, chosen with --only. */
export interface Part {
  readonly name: string;
  run(bench: Bench): Promise<void>;
}

/** What a run has to undo; `all` is safe to call twice, also while it is at it, and goes on when one thing fails. */
export class Undo {
  #undos: (() => Promise<unknown>)[] = [];
  #under: Promise<void> = Promise.resolve();

  add(undo: () => Promise<unknown>): void {
    this.#undos.push(undo);
  }

  host(): Host {
    const host = makeHost();
    this.add(() => host.remove());
    return host;
  }

  all(): Promise<void> {
    // Who ends the process must not do so before what another one began is over.
    this.#under = this.#under.then(() => this.#each());
    return this.#under;
  }

  async #each(): Promise<void> {
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) {
      await undo().catch((error: unknown) => process.stderr.write(`cannot undo: ${String(error)}\n`));
    }
  }
}
