// How much history is kept. It decides from the oldest events on, a slice at a time, so its cost follows what it
// lets go; `retention` is pure, `createTrimmer` does.
import type { Revision } from '../store.ts';
import type { StoreError } from '../store-error.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { Tables } from './tables.ts';

/** Events that one commit deletes from the log, about: a longer delete would hold up the others. */
export const SLICE = 256;

export interface Retention {
  /** Keep the last so many revisions. */
  readonly revisions?: number | undefined;
  /** Keep what is younger, in milliseconds. */
  readonly ms?: number | undefined;
}

/** Whether an event may be forgotten: nobody wants it kept any more. `at`, `now` in Unix milliseconds. */
export function mayForget(
  keep: Retention,
  event: { revision: bigint; at: number },
  last: bigint,
  now: number,
): boolean {
  const young = keep.ms !== undefined && event.at > now - keep.ms;
  const recent = keep.revisions !== undefined && event.revision > last - BigInt(keep.revisions);
  return !young && !recent;
}

export interface Trimmer {
  /** History up to and including it is gone. */
  forgotten(): Revision;
  /** Forgets up to and including `upTo`: at once for readers, then slice by slice on the disk. */
  forget(upTo: Revision): Promise<void>;
  /** Call it with the number of revisions committed; now and then it trims in the background. */
  onCommit(revisions: number): void;
}

export function createTrimmer(queue: CommitQueue, tables: Tables, keep: Retention, now: () => number): Trimmer {
  let forgotten = tables.forgotten();
  let sinceTrim = 0;
  let trimming = false;

  async function forget(upTo: Revision): Promise<void> {
    for (let more = true; more; ) {
      const done = await queue.submit(() => {
        const target = upTo > forgotten ? upTo : forgotten;
        tables.setForgotten(target);
        const end = tables.nthOldest(SLICE)?.revision;
        const slice = end === undefined || end > target ? target : end;
        tables.trim(slice);
        return { value: { target, more: slice < target }, events: [] };
      });
      if (done.target > forgotten) forgotten = done.target;
      more = done.more;
    }
  }

  async function trim(): Promise<void> {
    while (true) {
      const event = tables.nthOldest(SLICE);
      if (!event || !mayForget(keep, event, queue.revision(), now())) return;
      await forget(event.revision);
    }
  }

  return {
    forgotten: () => forgotten,
    forget,
    onCommit(revisions): void {
      sinceTrim += revisions;
      if (trimming || sinceTrim < SLICE) return;
      sinceTrim = 0;
      trimming = true;
      trim()
        // Trimming is tried again after the next slice; whoever writes is told what is wrong with the store.
        .catch((_: StoreError) => undefined)
        .finally(() => {
          trimming = false;
        });
    },
  };
}
