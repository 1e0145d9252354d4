// The controller's one way to its store: reads are the view, writes are fenced transactions. Nothing else writes there.
import { fault, isFault, Reason } from '@weft/fault';
import { type Compare, LIMITS, type Op, type Revision, type Store, StoreError, storeFault } from '@weft/store';
import { prefix } from './keys.ts';
import { stampOf } from './stamp.ts';
import { View } from './view.ts';

export interface Ledger {
  readonly store: Store;
  readonly view: View;
  /**
   * Commits all or nothing; resolves when the view holds it.
   * @throws CONFLICT if a compare does not hold: read the view again and decide anew;
   *   REQUEST_TOO_LARGE if it is more than a store takes at once;
   *   SERVICE_UNAVAILABLE if a cluster does not answer: nothing is changed then, but where the text says that it is unknown;
   *   STORE_FAILED
   */
  commit(compares: readonly Compare[], ops: readonly Op[]): Promise<Revision>;
  /**
   * As commit, for what is no fact of users' and no event: who runs, who is connected, how far hosts are, who is at a request.
   * @throws what commit throws; StoreError `lease gone`
   */
  note(compares: readonly Compare[], ops: readonly Op[]): Promise<Revision>;
  /** As note: puts the key of a request that nobody is at, or whose replica is gone, as it was put at the revision. */
  takeRequest(key: string, revision: Revision | 0n, value: Uint8Array): Promise<Revision>;
  /**
   * Ends that a request's key is put only as this process knows it: absent, or as it put it last. Returns when it put it last;
   * false if it did not.
   */
  forgetRequest(key: string): Revision | false;
  close(): Promise<void>;
}

/** One less than a store takes: then one in a cluster can tell whether a transaction happened whose answer was lost. */
const mostKeys = LIMITS.listLength - 1;
/** What compares and keys that are deleted may add to a transaction's bytes. */
const headroomBytes = 64 * 1024;

/** Loads the view and keeps it fed; `now` is the clock revisions are stamped with. */
export async function openLedger(store: Store, now: () => number): Promise<Ledger> {
  const view = new View();
  const { keyValues, revision } = await store.list('');
  view.load(keyValues, revision);
  const stop = new AbortController();
  const feeding = feed(store, view, revision, stop.signal);
  feeding.catch((error: unknown) => {
    throw error; // a view that no longer follows its store is a broken invariant: end the process, the store is intact
  });

  /** When this process put the keys of requests that it is at. */
  const requests = new Map<string, Revision>();
  const requestKeys = (ops: readonly Op[]) =>
    ops.flatMap((op) => ('put' in op && op.put.startsWith(prefix.request) ? [op.put] : []));

  async function transact(compares: readonly Compare[], ops: readonly Op[]): Promise<Revision> {
    const keys = requestKeys(ops);
    const all = [...compares, ...keys.map((key) => ({ key, modRevision: requests.get(key) ?? (0n as const) }))];
    assertFits(all, ops);
    const result = await store.transact(all, ops).catch((cause: unknown) => {
      throw cause instanceof StoreError && cause.reason === 'lease gone' ? cause : storeFault(cause);
    });
    if (!result.committed) {
      await view.refutes(all, result.revision);
      const other = keys.find((key) => view.marks.has(key) && view.marks.get(key) !== requests.get(key));
      // Not CONFLICT: there is nothing to decide anew, the outcome is another's.
      if (other !== undefined) throw fault(Reason.REQUEST_ID_REUSED, 'another controller has done it', { key: other });
      throw fault(Reason.CONFLICT, 'another writer was faster');
    }
    for (const key of keys) requests.set(key, result.revision);
    await view.reached(result.revision);
    return result.revision;
  }

  return {
    store,
    view,
    commit: (compares, ops) => transact(compares, [...ops, stampOf(ops, view, now())]),
    note: transact,
    async takeRequest(key, revision, value) {
      if (revision !== 0n) requests.set(key, revision);
      try {
        return await transact([], [{ put: key, value }]);
      } catch (error) {
        requests.delete(key);
        throw error;
      }
    },
    forgetRequest(key) {
      const revision = requests.get(key) ?? false;
      requests.delete(key);
      return revision;
    },
    async close() {
      stop.abort();
      await feeding.catch(() => undefined);
      await store.close();
    },
  };
}

async function feed(store: Store, view: View, from: Revision, signal: AbortSignal): Promise<void> {
  for await (const step of store.watch('', from, signal)) {
    if ('compacted' in step) throw new Error(`the view fell behind the store: compacted at ${step.compacted}`);
    view.apply(step.revision, step.events);
  }
}

function assertFits(compares: readonly Compare[], ops: readonly Op[]): void {
  const refuse = (what: string) => fault(Reason.REQUEST_TOO_LARGE, `${what}; ask for less at once`);
  const length = Math.max(compares.length, ops.length);
  if (length > mostKeys) {
    throw refuse(`the change touches ${length} keys in one transaction, more than ${mostKeys}`);
  }
  let bytes = 0;
  for (const op of ops) if ('put' in op) bytes += op.put.length + op.value.length;
  if (bytes > LIMITS.transactionBytes - headroomBytes) {
    throw refuse(`the change writes ${bytes} bytes in one transaction, more than a store takes`);
  }
}

/** Whether another writer was faster. */
export const isConflict = (error: unknown): boolean => isFault(error, Reason.CONFLICT);

/** Runs until it does not conflict; each try reads the view anew. */
export async function untilCommitted<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error) || tries >= 50) throw error;
    }
  }
}
