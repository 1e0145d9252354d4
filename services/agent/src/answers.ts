// What is said of objects: to who waits for a batch, or else in the report. Pure bookkeeping.
import { type FaultError, toMessage } from '@weft/fault';
import type { Entries } from './entries.ts';
import type { Report } from './kernel-messages.ts';
import { emptyReport } from './news.ts';
import { Tickets } from './tickets.ts';

const isEmpty = ({ failed, recovered, drifts, sandboxes }: Report): boolean =>
  [failed, recovered, drifts, sandboxes].every((list) => list.length === 0);

export class Answers {
  readonly tickets = new Tickets();
  readonly #entries: Entries;
  #report = emptyReport();

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  failed(failed: ReadonlyMap<string, FaultError>, now: number): void {
    for (const [key, fault] of failed) {
      const isNews = this.#entries.fail(key, fault, now);
      const isAwaited = this.tickets.settle({ key, fault: toMessage(fault) });
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
    if (!this.tickets.settle({ key }) && hadFailed) this.#report.recovered.push(key);
  }
}
