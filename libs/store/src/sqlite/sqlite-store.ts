// The store on one SQLite file, needing nothing but Node. Everything is decided inside the commit, on one thread.
// Refuses a second process: whoever else wants the data asks the service that owns the file.
import { checkTransaction } from '../check-transaction.ts';
import { checkKey, checkPrefix } from '../keys.ts';
import { LIMITS, type Op, type Revision, type Store, type TransactResult, type WatchBatch } from '../store.ts';
import { StoreError } from '../store-error.ts';
import { applyOps, holds } from './apply-transaction.ts';
import { createChangeFeed } from './change-feed.ts';
import { createCommitQueue } from './commit-queue.ts';
import { createLeases } from './leases.ts';
import { openDatabase } from './open-database.ts';
import { createTrimmer } from './retention.ts';
import { storeErrorOf } from './sqlite-error.ts';
import { createTables } from './tables.ts';

/** Kept when the options name neither revisions nor time. */
const DEFAULT_RETAINED_REVISIONS = 10_000;

export interface SqliteStoreOptions {
  /** The database file, made if absent (its directory must exist); `:memory:` for tests. */
  readonly file: string;
  /** Keep at least the last so many revisions of history, for watches to resume from. */
  readonly retainRevisions?: number;
  /** Keep at least the history of the last so many milliseconds. With both, whatever either wants is kept. */
  readonly retainMs?: number;
  /** Operations a transaction may have, default `LIMITS.listLength`. More is SQLite only: no cluster will take it. */
  readonly maxOperations?: number;
}

/**
 * Opens the store, or throws a StoreError: `locked` (with the holder's pid if it can be had), `corrupt`, `newer`,
 * `full` or `failed`. Nothing is changed in a file that cannot be opened.
 */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  const { file } = options;
  const db = openDatabase(file);
  const tables = createTables(db);
  const limits = { ...LIMITS, listLength: options.maxOperations ?? LIMITS.listLength };
  const keepsAll = options.retainMs === undefined && options.retainRevisions === undefined;
  const keep = {
    revisions: keepsAll ? DEFAULT_RETAINED_REVISIONS : options.retainRevisions,
    ms: options.retainMs,
  };

  let lastAt = tables.lastAt();
  /** Unix milliseconds that never decrease, whatever is done to the clock. */
  const now = () => {
    lastAt = Math.max(lastAt, Date.now());
    return lastAt;
  };
  const onCommit = (batches: WatchBatch[]) => {
    feed.publish(batches);
    trimmer.onCommit(batches.length);
  };
  const queue = createCommitQueue(db, tables, file, onCommit);
  const trimmer = createTrimmer(queue, tables, keep, now);
  const feed = createChangeFeed({
    ...{ tables, revision: queue.revision, forgotten: trimmer.forgotten, check: queue.check },
  });
  const leases = createLeases(queue, tables, now);
  let isOpen = true;

  function read<T>(work: () => T): T {
    queue.check();
    try {
      return work();
    } catch (cause) {
      throw storeErrorOf(cause, file);
    }
  }

  return {
    id: tables.storeId(),
    isShared: false,
    async get(key) {
      checkKey(key);
      return read(() => tables.get(key));
    },
    async list(prefix, listOptions = {}) {
      checkPrefix(prefix);
      const { limit } = listOptions;
      if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
        throw new StoreError('invalid', `a list's limit is a whole number above 0, not ${limit}`);
      }
      return read(() => ({ keyValues: tables.list(prefix, listOptions), revision: queue.revision() }));
    },
    async transact(compares, ops) {
      checkTransaction(compares, ops, limits);
      // Copied: the caller may reuse its lists and buffers before the commit.
      const [wanted, work] = [compares.map((compare) => ({ ...compare })), ops.map(copyOp)];
      return queue.submit<TransactResult>((last) => {
        if (!holds(tables, wanted)) return { value: { committed: false, revision: last }, events: [] };
        const next = (last + 1n) as Revision;
        const events = applyOps(tables, work, next, now());
        return { value: { committed: true, revision: events.length > 0 ? next : last }, events };
      });
    },
    async *watch(prefix, from, signal) {
      checkPrefix(prefix);
      yield* feed.watch(prefix, from, signal);
    },
    lease: (ttlSeconds) => leases.grant(ttlSeconds),
    async compact(before) {
      queue.check();
      if (before > queue.revision() + 1n) {
        throw new StoreError('invalid', `compact before ${before}: the last revision is ${queue.revision()}`);
      }
      await trimmer.forget((before - 1n) as Revision);
    },
    async revision() {
      queue.check();
      return queue.revision();
    },
    async close() {
      if (!isOpen) return;
      isOpen = false;
      leases.close();
      queue.close();
      feed.close();
      db.close();
    },
  };
}

function copyOp(op: Op): Op {
  return 'put' in op ? { ...op, value: op.value.slice() } : { ...op };
}
