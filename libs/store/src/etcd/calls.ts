// One question to etcd: sent once, or until it is answered. Who may not say it twice uses `once`.
import type { ResponseHeader } from '@weft/proto/etcd';
import { StoreError } from '../store-error.ts';
import type { Cluster } from './cluster.ts';
import { etcdErrorOf, Unanswered } from './etcd-error.ts';
import type { History } from './history.ts';
import type { Member } from './member.ts';

export type Question<T> = (member: Member, options: { readonly signal: AbortSignal }) => Promise<T>;

export interface Calls {
  /**
   * Sent to one member, once.
   * @throws Unanswered: it may have happened; StoreError: it did not (`unavailable` after `leftMs` without a member), but for
   *   `failed`: etcd goes on from another place than it was at
   */
  once<T>(question: Question<T>, leftMs: number): Promise<T>;
  /** For what may be said twice. @throws StoreError, `unavailable` after `waitMs` */
  untilAnswered<T>(question: Question<T>): Promise<T>;
  /** How long a caller waits for a cluster that does not answer, in ms. */
  readonly waitMs: number;
}

/** An answer with a header is one that went through a quorum, be it read or written: its revision is looked at. */
const headerOf = (answer: unknown): ResponseHeader | undefined =>
  (answer as { readonly header?: ResponseHeader } | undefined)?.header;

/** Before a question is said again, in ms. */
const pauseMs = 20;

export function createCalls(cluster: Cluster, history: History, waitMs: number): Calls {
  async function once<T>(question: Question<T>, leftMs: number): Promise<T> {
    const use = await cluster.use(leftMs);
    history.check();
    const since = history.revision;
    try {
      const answer = await question(use.member, { signal: use.calls });
      const header = headerOf(answer);
      if (header !== undefined) history.answered(header, since);
      return answer;
    } catch (cause) {
      const error = etcdErrorOf(cause, use.member.url);
      if (error instanceof Unanswered) cluster.suspect(use);
      throw error;
    }
  }

  return {
    once,
    waitMs,
    async untilAnswered(question) {
      const end = performance.now() + waitMs;
      for (;;) {
        const left = end - performance.now();
        try {
          return await once(question, Math.max(left, 0));
        } catch (error) {
          if (!(error instanceof Unanswered)) throw error;
          if (performance.now() + pauseMs >= end) throw new StoreError('unavailable', error.message, { cause: error });
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    },
  };
}
