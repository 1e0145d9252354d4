// Keys that say what this process is doing, and go when it is gone: all of them under one lease. One transaction is under way at a
// time; what changes meanwhile goes into the next, as it is by then. When the lease was lost (a pause, a store that was away), all
// of them are put again under a new one.
import type { Log } from '@weft/process';
import { type Lease, type Op, StoreError } from '@weft/store';
import type { Ledger } from '../state/ledger.ts';

/**
 * How long the keys of a process outlive it, in seconds, and how often it says that it is there, in ms. Longer than all stands
 * still when etcd's leader is hit (1.6 s, up to 2.9 s at load 20): a lapse is safe, but undoes what the process is making.
 */
const ttlSeconds = 3;
const renewMs = 750;
/** Between two attempts when the store does not answer, in ms. */
const retryMs = 250;
/** The most one transaction takes: keys, and bytes of their values. */
const mostKeys = 100;
const mostBytes = 512 * 1024;
/** How long a process that stops waits for its keys to go, in ms. */
const goodbyeMs = 1_000;

export interface LeasedKeys {
  /** Resolves when it is in the store. */
  set(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  /** All keys are gone then, unless the store is away, or nobody else could read them. */
  close(): Promise<void>;
}

export function createLeasedKeys(ledger: Ledger, log: Log): LeasedKeys {
  const values = new Map<string, Uint8Array>();
  const dirty = new Set<string>();
  let waiting: { keys: Set<string>; resolve: () => void }[] = [];
  let lease: Lease | undefined;
  let isClosed = false;
  let flushing: Promise<void> | undefined;

  function lost(): void {
    lease = undefined;
    for (const key of values.keys()) dirty.add(key);
  }

  /** Keys for one transaction, and what it does. */
  function nextBatch(leaseId: bigint): { keys: string[]; ops: Op[] } {
    const keys: string[] = [];
    const ops: Op[] = [];
    let bytes = 0;
    for (const key of dirty) {
      const value = values.get(key);
      bytes += value?.length ?? 0;
      if (keys.length > 0 && (keys.length >= mostKeys || bytes > mostBytes)) break;
      keys.push(key);
      ops.push(value === undefined ? { delete: key } : { put: key, value, lease: leaseId });
    }
    return { keys, ops };
  }

  async function flush(): Promise<void> {
    while (dirty.size > 0 && !isClosed) {
      try {
        lease ??= await ledger.store.lease(ttlSeconds);
        const { keys, ops } = nextBatch(lease.id);
        for (const key of keys) dirty.delete(key);
        try {
          await ledger.note([], ops);
        } catch (error) {
          for (const key of keys) dirty.add(key);
          throw error;
        }
        settle(keys);
      } catch (error) {
        if (isClosed) return;
        if (error instanceof StoreError && error.reason === 'lease gone') {
          lost();
          continue;
        }
        log.warn({ err: (error as Error).message }, 'cannot say what this controller is at; trying again');
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  function settle(keys: readonly string[]): void {
    for (const one of waiting) {
      for (const key of keys) if (!dirty.has(key)) one.keys.delete(key);
      if (one.keys.size === 0) one.resolve();
    }
    waiting = waiting.filter((one) => one.keys.size > 0);
  }

  function start(): void {
    if (flushing !== undefined || isClosed) return;
    flushing = flush().finally(() => {
      flushing = undefined;
      if (dirty.size > 0) start();
    });
  }

  async function change(key: string, value: Uint8Array | undefined): Promise<void> {
    if (isClosed) return;
    if (value === undefined) values.delete(key);
    else values.set(key, value);
    dirty.add(key);
    const done = new Promise<void>((resolve) => waiting.push({ keys: new Set([key]), resolve }));
    start();
    await done;
  }

  async function renew(): Promise<void> {
    const mine = lease;
    try {
      await mine?.keepAlive();
    } catch (error) {
      if (isClosed) return;
      if (!(error instanceof StoreError && error.reason === 'lease gone')) {
        log.warn({ err: (error as Error).message }, 'cannot renew the lease; trying again');
        return;
      }
      log.warn('the lease of this controller ran out: it was away for too long, and others may have finished its work');
      if (lease === mine) lost();
      start();
    }
  }
  let renewing = setTimeout(again, renewMs).unref();
  function again(): void {
    void renew().finally(() => {
      if (!isClosed) renewing = setTimeout(again, renewMs).unref();
    });
  }

  return {
    set: (key, value) => change(key, value),
    delete: (key) => change(key, undefined),
    async close() {
      isClosed = true;
      clearTimeout(renewing);
      for (const { resolve } of waiting) resolve();
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, goodbyeMs);
      });
      const goodbye = async () => {
        await flushing;
        if (ledger.store.isShared) await lease?.revoke();
      };
      await Promise.race([goodbye().catch(() => undefined), patience]);
      clearTimeout(timer);
    },
  };
}
