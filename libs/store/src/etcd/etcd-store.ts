// The store on etcd's v3 API (3.4 and later). Many stores and many processes may share a cluster and a store: what keeps
// them apart is a root, what keeps them right are the compares. Answers come from a quorum, reads too.
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { TxnRequest } from '@weft/proto/etcd';
import { checkTransaction } from '../check-transaction.ts';
import { checkKey, checkPrefix } from '../keys.ts';
import type { ListOptions, ListResult, Revision, Store } from '../store.ts';
import { StoreError } from '../store-error.ts';
import type { EtcdAccess } from './access.ts';
import { type Calls, createCalls } from './calls.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { startCompactor } from './compaction.ts';
import { isCompacted } from './etcd-error.ts';
import { createHistory } from './history.ts';
import { after, type Layout, layoutOf, rangeEnd } from './layout.ts';
import { grantLease } from './leases.ts';
import { comparesOf, keyValueOf, modCompare, opsOf, putOp } from './messages.ts';
import { createWriters, sweepReceipts } from './receipts.ts';
import { transactOnce } from './transact.ts';
import { type Cursor, watchOn } from './watch.ts';

export interface EtcdStoreOptions {
  readonly access: EtcdAccess;
  /** Before all keys, with a slash at its end: "/weft/ipam/". */
  readonly root: string;
  /**
   * Let history go that is older than so many milliseconds: of the whole cluster, so one service at most is told this.
   * Absent: history is left to others, and to etcd's own --auto-compaction-retention.
   */
  readonly retainMs?: number;
  /** How long callers wait for an etcd that does not answer, in ms: an election takes one or two seconds. */
  readonly waitMs?: number;
}

const defaultWaitMs = 10_000;

/**
 * Keys read at a time: at first, and at most. Each page costs etcd a walk over all keys that are left, to count them, so pages grow
 * to some bytes.
 */
const firstPage = 500;
const largestPage = 20_000;
const pageBytes = 4 * 1024 * 1024;
/** Before a store is given its new id again, in ms. */
const renameAgainMs = 50;
/** How long a store that closes waits for its receipts to be removed, in ms: another one would sweep them. */
const tidyMs = 500;

/** Opens the store, and makes its id if it has none. @throws StoreError `unavailable` if etcd does not answer */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const layout = layoutOf(options.root);
  // A member may be behind; a read through a quorum tells whether it is that.
  const cluster = openCluster(options.access, (at) => {
    if (at < history.revision) void currentRevision(calls, layout).catch(() => undefined);
  });
  const history = createHistory(options.root, () => renameStore(cluster, layout, id));
  const calls = createCalls(cluster, history, options.waitMs ?? defaultWaitMs);
  let id: string;
  try {
    id = await storeId(calls, layout);
    await sweepReceipts(calls, layout, Date.now());
  } catch (error) {
    cluster.close();
    throw error;
  }

  const writers = createWriters(layout);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const underWay = new Set<Promise<unknown>>();
  const cursors = new Set<Cursor>();
  const check = () => {
    if (closing.signal.aborted) throw new StoreError('closed', `store ${options.root} on etcd: it was closed`);
  };
  /** Another process may have seen that the history is another one, while this one was paused or cut off. */
  const verify = async () => {
    const now = await storedId(calls, layout).catch((error: unknown) => {
      if (!(error instanceof StoreError && error.reason === 'unavailable')) throw error;
      return id;
    });
    if (now !== id && !closing.signal.aborted)
      history.another(now === undefined ? 'its id is gone' : `its id is ${now}, and was ${id}`);
  };
  const revision = async () => {
    check();
    return await currentRevision(calls, layout);
  };
  const forget = async (upTo: Revision) => {
    if (upTo < 1n) return;
    await calls.untilAnswered((member, call) =>
      member.kv.compact({ revision: upTo }, call).catch((error: unknown) => {
        if (!isCompacted(error)) throw error;
      }),
    );
  };
  const compactor =
    options.retainMs === undefined
      ? undefined
      : startCompactor({
          ...{ retainMs: options.retainMs, revision, forget },
          cursors: () => [...cursors].map((cursor) => cursor.revision),
        });

  return {
    id,
    isShared: true,
    async get(key) {
      checkKey(key);
      check();
      const { kvs } = await calls.untilAnswered((member, call) => member.kv.range({ key: layout.key(key) }, call));
      return kvs[0] && keyValueOf(layout, kvs[0]);
    },
    async list(prefix, listOptions = {}) {
      checkPrefix(prefix);
      const { limit } = listOptions;
      if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
        throw new StoreError('invalid', `a list's limit is a whole number above 0, not ${limit}`);
      }
      check();
      return await listAll(calls, layout, prefix, listOptions);
    },
    async transact(compares, ops) {
      checkTransaction(compares, ops);
      check();
      const request = TxnRequest.fromPartial({
        compare: comparesOf(layout, compares),
        success: opsOf(layout, ops),
      });
      const work = transactOnce(calls, writers, request);
      underWay.add(work);
      return await work.finally(() => underWay.delete(work));
    },
    async *watch(prefix, from, signal) {
      checkPrefix(prefix);
      check();
      const cursor: Cursor = { revision: from };
      cursors.add(cursor);
      try {
        const until = AbortSignal.any([signal, closing.signal, history.lost]);
        yield* watchOn(cluster, layout, prefix, cursor, history, verify, until);
        if (signal.aborted) return;
        check();
        history.check();
      } finally {
        cursors.delete(cursor);
        // Whoever hears that the history is another one may end the process.
        await history.settled();
      }
    },
    async lease(ttlSeconds) {
      check();
      const lease = await grantLease(calls, ttlSeconds);
      return {
        ...lease,
        async keepAlive() {
          check();
          await lease.keepAlive();
        },
      };
    },
    async compact(before) {
      check();
      await forget((before - 1n) as Revision);
    },
    revision,
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      compactor?.stop();
      // What is in doubt would wait for etcd for ever.
      await Promise.race([Promise.allSettled(underWay), sleep(calls.waitMs, undefined, { ref: false })]);
      const key = writers.session;
      const value = { key, rangeEnd: rangeEnd(key) };
      const tidy = TxnRequest.fromPartial({ success: [{ request: { $case: 'requestDeleteRange', value } }] });
      await calls.once((member, call) => member.kv.txn(tidy, call), tidyMs).catch(() => undefined);
      cluster.close();
    },
  };
}

/** A transaction decides whose id it is when several open a new store at once. */
async function storeId(calls: Calls, layout: Layout): Promise<string> {
  const { idKey } = layout;
  const known = await storedId(calls, layout);
  if (known !== undefined) return known;
  const made = newId();
  const request = TxnRequest.fromPartial({ compare: [modCompare(idKey, 0n)], success: [putOp(idKey, made)] });
  // Said twice it is put once; and whoever put it, it is read.
  await calls.untilAnswered((member, call) => member.kv.txn(request, call));
  return (await storedId(calls, layout))!;
}

const newId = () => Buffer.from(randomBytes(16).toString('hex'));

async function storedId(calls: Calls, { idKey }: Layout): Promise<string | undefined> {
  const { kvs } = await calls.untilAnswered((member, call) => member.kv.range({ key: idKey }, call));
  return kvs[0]?.value.toString();
}

/**
 * Gives a store whose history is another one a new id, once, whoever sees it: revisions compare only within an id, so all that was told
 * of the old one is looked at anew (agents are sent Reset).
 */
async function renameStore(cluster: Cluster, { idKey }: Layout, id: string): Promise<void> {
  const end = performance.now() + defaultWaitMs;
  for (;;) {
    const { member, calls: signal } = await cluster.use(end - performance.now());
    try {
      const { kvs } = await member.kv.range({ key: idKey }, { signal });
      if (kvs[0]?.value.toString() !== id) return;
      const compare = [modCompare(idKey, kvs[0].modRevision)];
      await member.kv.txn(TxnRequest.fromPartial({ compare, success: [putOp(idKey, newId())] }), { signal });
    } catch {
      // A lost answer does no harm: said again it finds the id changed.
      await sleep(renameAgainMs);
    }
  }
}

async function currentRevision(calls: Calls, { idKey }: Layout): Promise<Revision> {
  const { header } = await calls.untilAnswered((member, call) => member.kv.range({ key: idKey, limit: 1n }, call));
  return header!.revision as Revision;
}

/** How many keys the next page takes, if they are as large as these. */
function nextPage(kvs: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]): number {
  const bytes = kvs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  return Math.min(largestPage, Math.max(firstPage, Math.floor((pageBytes * kvs.length) / bytes)));
}

/** All pages as of the first one's revision; anew if that is compacted meanwhile. The next is on its way while one is read. */
async function listAll(calls: Calls, layout: Layout, prefix: string, options: ListOptions): Promise<ListResult> {
  const first = layout.key(prefix);
  const last = options.startAfter === undefined ? first : after(layout.key(options.startAfter));
  const start = Buffer.compare(last, first) > 0 ? last : first;
  const end = rangeEnd(first);
  if (Buffer.compare(start, end) >= 0) return { keyValues: [], revision: await currentRevision(calls, layout) };
  for (;;) {
    const keyValues: ListResult['keyValues'] = [];
    try {
      const page = (key: Buffer, revision: bigint, size: number) => {
        const request = { key, rangeEnd: end, revision, limit: BigInt(size) };
        return calls.untilAnswered((member, call) => member.kv.range(request, call));
      };
      let left = options.limit ?? Number.POSITIVE_INFINITY;
      let revision = 0n;
      for (let next = page(start, revision, Math.min(left, firstPage)); ; ) {
        const { header, kvs, more } = await next;
        if (revision === 0n) revision = header!.revision;
        left -= kvs.length;
        const isLast = !more || left === 0;
        if (!isLast) next = page(after(kvs.at(-1)!.key), revision, Math.min(left, nextPage(kvs)));
        for (const one of kvs) keyValues.push(keyValueOf(layout, one));
        if (isLast) return { keyValues, revision: revision as Revision };
      }
    } catch (error) {
      if (!isCompacted((error as Error).cause)) throw error;
    }
  }
}
