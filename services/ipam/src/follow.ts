// Keeps the index equal to the store: reads all of it once, then follows the watch, which tells what other replicas do. What
// this process commits enters at once and is not entered again when the watch tells it. A store that nobody else writes is not watched.
// Refuses nothing: `caughtUp` waits, and says when it cannot.
import { setTimeout as sleep } from 'node:timers/promises';
import { fault, Reason } from '@weft/fault';
import { BEFORE_ALL, type Op, type Revision, type Store, StoreError, storeFault, type WatchBatch } from '@weft/store';
import { applyChanges, type Change } from './apply.ts';
import type { Bases } from './default-pools.ts';
import { IpamIndex } from './ipam-index.ts';
import { lastKey } from './keys.ts';

/** How long a request waits for the watch, in ms: a change of etcd's member takes one or two seconds. */
const patienceMs = 10_000;
/** Before the store is read again after that failed, in ms. */
const retryMs = 200;

export interface Follower {
  readonly index: IpamIndex;
  /** Enters what this process has committed, unless the watch has told more already. */
  committed(ops: readonly Op[], revision: bigint): void;
  /** Resolves when the index knows all that was durable when this was called. @throws FaultError when it cannot */
  caughtUp(): Promise<void>;
  /** Resolves with the cause when the store cannot be followed any more: it was closed, or is not the one it was. */
  readonly ended: Promise<unknown>;
}

interface Waiter {
  readonly revision: bigint;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * @param rebuild runs what it is given while no draft is under way: the index is another one afterwards
 * @throws FaultError when the store cannot be read. It ends when the store is closed.
 */
export async function followStore(
  store: Store,
  bases: Bases,
  rebuild: (work: () => Promise<void>) => Promise<void>,
): Promise<Follower> {
  let index: IpamIndex;
  let watched = BEFORE_ALL;
  let waiters: Waiter[] = [];
  let ended: { readonly cause: unknown } | undefined;
  /** By key: the revision of what was entered before the watch told it. */
  const ahead = new Map<string, bigint>();
  let aheadQueue: { readonly revision: bigint; readonly keys: readonly string[] }[] = [];

  async function load(): Promise<void> {
    // One list, so one revision: pages of several could hold pools that overlap.
    const { keyValues, revision } = await store.list('');
    index = new IpamIndex(bases);
    const changes = keyValues.map(({ key, value, modRevision }) => ({ key, value, revision: modRevision }));
    applyChanges(index, changes);
    ahead.clear();
    aheadQueue = [];
    reached(revision);
  }

  function reached(revision: Revision): void {
    watched = revision;
    let kept = 0;
    while (kept < aheadQueue.length && aheadQueue[kept]!.revision <= revision) {
      const { revision: at, keys } = aheadQueue[kept]!;
      for (const key of keys) if (ahead.get(key) === at) ahead.delete(key);
      kept++;
    }
    if (kept > 0) aheadQueue.splice(0, kept);
    for (const waiter of waiters) if (waiter.revision <= revision) waiter.resolve();
    waiters = waiters.filter((waiter) => waiter.revision > revision);
  }

  const isNews = (key: string, revision: bigint) => (ahead.get(key) ?? 0n) < revision;

  function follow({ revision, events }: WatchBatch): void {
    const changes = events
      .filter(({ key }) => isNews(key, revision))
      .map((event): Change => ({ key: event.key, value: event.type === 'put' ? event.value : undefined, revision }));
    applyChanges(index, changes);
    reached(revision);
  }

  async function run(): Promise<void> {
    for (;;) {
      for await (const item of store.watch('', watched, new AbortController().signal)) {
        if ('compacted' in item) break;
        follow(item);
      }
      await rebuild(async () => {
        while (!(await load().then(() => true, mayPass))) await sleep(retryMs);
      });
    }
  }

  await load().catch((cause: unknown) => {
    throw storeFault(cause);
  });
  const { isShared } = store;
  const never = new Promise<never>(() => undefined);
  const running = (isShared ? run() : never).catch((cause: unknown) => {
    ended = { cause };
    for (const waiter of waiters) waiter.reject(cause);
    return cause;
  });

  function until(revision: bigint): Promise<void> {
    if (ended) return Promise.reject(ended.cause);
    if (revision <= watched) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiters = waiters.filter((other) => other !== waiter);
        reject(fault(Reason.SERVICE_UNAVAILABLE, `the store's watch is behind for ${patienceMs / 1000} s: try again`));
      }, patienceMs).unref();
      const done = (settle: () => void) => () => {
        clearTimeout(timer);
        settle();
      };
      const waiter: Waiter = {
        revision,
        resolve: done(resolve),
        reject: (cause) => done(() => reject(cause))(),
      };
      waiters.push(waiter);
    });
  }

  const lastRevision = shareNext(async () => (await store.get(lastKey))?.modRevision ?? 0n);

  return {
    ended: running,
    get index() {
      return index;
    },
    committed(ops, revision) {
      if (revision <= watched) return;
      // Answers may come in another order than commits.
      const changes = ops.flatMap((op) => changeOf(op, revision)).filter((change) => isNews(change.key, revision));
      applyChanges(index, changes);
      const keys = changes.map(({ key }) => key);
      if (!isShared) return;
      for (const key of keys) ahead.set(key, revision);
      aheadQueue.push({ revision, keys });
    },
    async caughtUp() {
      if (!isShared) return;
      try {
        await until(await lastRevision());
      } catch (cause) {
        throw storeFault(cause);
      }
    },
  };
}

/** False: read again. @throws what does not pass */
function mayPass(cause: unknown): false {
  if (cause instanceof StoreError && cause.reason === 'unavailable') return false;
  throw cause;
}

/** A pool that goes takes with it what lies below, in the index as in the store. */
function changeOf(op: Op, revision: bigint): Change[] {
  if ('put' in op) return [{ key: op.put, value: op.value, revision }];
  return 'delete' in op ? [{ key: op.delete, value: undefined, revision }] : [];
}

/** A call under way may have begun too early to be joined; all who come meanwhile share the next one. */
function shareNext<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= running.then(() => {
      next = undefined;
      const now = work();
      running = now.catch(() => undefined);
      return now;
    });
    return next;
  };
}
