// What is said of objects: to who waits for a batch, or else in the report. Pure bookkeeping.
import { type FaultError, toMessage } from '@weft/fault';
import type { Entries } from './entries.ts';
import type { Outcome, Report } from './kernel-messages.ts';
import { emptyReport } from './news.ts';
import { Tickets } from './tickets.ts';

/** What a batch waits for beside its objects: that what nothing asks for is gone. No object has this key. */
export const PRUNED = '';

interface Answer {
  readonly id: number;
  readonly outcomes: Outcome[];
}

/** Changes of services, by number, and whether clients still go where they went before them. */
interface Changes {
  readonly changes: number;
  isCleanUpTo(change: number): boolean;
}

const isEmpty = ({ failed, recovered, drifts, sandboxes }: Report): boolean =>
  [failed, recovered, drifts, sandboxes].every((list) => list.length === 0);

export class Answers {
  readonly #tickets = new Tickets();
  readonly #entries: Entries;
  /** Batches that wait for nothing but the clean-up behind a change. */
  readonly #held: (Answer & { readonly upTo: number })[] = [];
  /** Ids of batches that do not wait for it. */
  readonly #atOnce = new Set<number>();
  #report = emptyReport();

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  /** A batch that waits for keys, and what is known of its other objects already; `atOnce`: it waits for no clean-up. */
  open(id: number, waiting: readonly string[], known: readonly Outcome[], atOnce: boolean): void {
    this.#tickets.open(id, waiting, known);
    if (atOnce) this.#atOnce.add(id);
  }

  pruned(): void {
    this.#tickets.settle({ key: PRUNED });
  }

  /** Takes the batches that are done: an address may be given to somebody else AFTER no flow leads to who had it. */
  takeApplied(services: Changes): Answer[] {
    for (const { id, outcomes } of this.#tickets.closed()) {
      const own = outcomes.filter(({ key }) => key !== PRUNED);
      this.#held.push({ id, outcomes: own, upTo: this.#atOnce.delete(id) ? 0 : services.changes });
    }
    const done = this.#held.filter(({ upTo }) => services.isCleanUpTo(upTo));
    for (const one of done) this.#held.splice(this.#held.indexOf(one), 1);
    return done.map(({ id, outcomes }) => ({ id, outcomes }));
  }

  failed(failed: ReadonlyMap<string, FaultError>, now: number): void {
    for (const [key, fault] of failed) {
      const isNews = this.#entries.fail(key, fault, now);
      const isAwaited = this.#tickets.settle({ key, fault: toMessage(fault) });
      if (isNews && !isAwaited) this.#report.failed.push({ key, fault: toMessage(fault) });
    }
  }

  succeeded(key: string): void {
    const hadFailed = this.#entries.failed.has(key);
    this.#entries.succeed(key);
    this.#settle(key, hadFailed);
  }

  /** The kernel has nothing of the object any more: it is forgotten. */
  gone(key: string): void {
    const hadFailed = this.#entries.failed.has(key);
    this.#entries.forget(key);
    this.#settle(key, hadFailed);
  }

  /** Takes the turn's report; undefined when there is nothing to tell. */
  takeReport(more: Pick<Report, 'drifts' | 'sandboxes'>): Report | undefined {
    const report = this.#report;
    this.#report = emptyReport();
    report.drifts.push(...more.drifts);
    report.sandboxes.push(...more.sandboxes);
    return isEmpty(report) ? undefined : report;
  }

  #settle(key: string, hadFailed: boolean): void {
    if (!this.#tickets.settle({ key }) && hadFailed) this.#report.recovered.push(key);
  }
}
