// Group commit: all jobs of one event-loop tick share one BEGIN IMMEDIATE..COMMIT, and so one wait for the disk.
// Each job has its own savepoint, so a job that throws undoes and rejects itself alone.
// Order: COMMIT, then `onCommit` (the words), then the answers. A failed commit rejects all and speaks of none.
import type { DatabaseSync } from 'node:sqlite';
import type { Revision, StoreEvent, WatchBatch } from '../store.ts';
import { StoreError } from '../store-error.ts';
import { isFatal, storeErrorOf } from './sqlite-error.ts';
import type { Tables } from './tables.ts';

/** Runs inside the commit with the revision before it; `events`, if any, become the next revision. */
type Job<T> = (last: Revision) => { value: T; events: StoreEvent[] };

interface Waiting {
  run(last: Revision): { answer: () => void; events: StoreEvent[] };
  reject(cause: unknown): void;
}

export interface CommitQueue {
  /** The last durable revision. */
  revision(): Revision;
  /** Resolves AFTER the commit that holds the job. */
  submit<T>(job: Job<T>): Promise<T>;
  /** Commits what waits, now, then refuses further jobs. */
  close(): void;
  /** Throws why no work is taken any more, if so. */
  check(): void;
}

export function createCommitQueue(
  db: DatabaseSync,
  tables: Tables,
  file: string,
  onCommit: (batches: WatchBatch[]) => void,
): CommitQueue {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const save = db.prepare('SAVEPOINT job');
  const release = db.prepare('RELEASE job');
  const undo = db.prepare('ROLLBACK TO job');
  const commit = db.prepare('COMMIT');
  let revision = tables.revision();
  let waiting: Waiting[] = [];
  let refusal: StoreError | undefined;

  function flush(): void {
    const jobs = waiting;
    waiting = [];
    if (jobs.length === 0) return;
    const answers: (() => void)[] = [];
    const batches: WatchBatch[] = [];
    let last = revision;
    try {
      begin.run();
      for (const job of jobs) {
        const { answer, events } = attempt(job, last);
        answers.push(answer);
        if (events.length === 0) continue;
        last = (last + 1n) as Revision;
        batches.push({ revision: last, events });
      }
      if (batches.length > 0) tables.setRevision(last);
      commit.run();
    } catch (cause) {
      fail(jobs, storeErrorOf(cause, file));
      return;
    }
    revision = last;
    if (batches.length > 0) onCommit(batches);
    for (const answer of answers) answer();
  }

  function attempt(job: Waiting, last: Revision): { answer: () => void; events: StoreEvent[] } {
    save.run();
    try {
      const done = job.run(last);
      release.run();
      return done;
    } catch (cause) {
      // On a full disk SQLite gives up the whole transaction by itself: then no other job of it stands either.
      if (!db.isTransaction || isFatal(storeErrorOf(cause, file))) throw cause;
      undo.run();
      release.run();
      return { answer: () => job.reject(storeErrorOf(cause, file)), events: [] };
    }
  }

  function fail(jobs: Waiting[], error: unknown): void {
    const isHarmless = error instanceof StoreError && error.reason === 'full';
    if (!isHarmless) refusal = error instanceof StoreError ? error : unexpected(error);
    try {
      if (db.isTransaction) db.exec('ROLLBACK');
    } catch (cause) {
      refusal = unexpected(cause);
    }
    for (const job of jobs) job.reject(error);
  }

  function unexpected(cause: unknown): StoreError {
    return new StoreError('failed', `store ${file}: ${String(cause)}: start again`, { cause });
  }

  return {
    revision: () => revision,
    submit<T>(job: Job<T>): Promise<T> {
      if (refusal) return Promise.reject(refusal);
      return new Promise<T>((resolve, reject) => {
        const run = (last: Revision) => {
          const { value, events } = job(last);
          return { answer: () => resolve(value), events };
        };
        // setImmediate, not a microtask: it runs after ALL sockets readable in this tick were read.
        if (waiting.push({ run, reject }) === 1) setImmediate(flush);
      });
    },
    close(): void {
      flush();
      refusal ??= new StoreError('closed', `store ${file}: it was closed`);
    },
    check(): void {
      if (refusal) throw refusal;
    },
  };
}
