// Leases: when they end. Their rows and keys live in the tables; deadlines live here, on a monotonic clock.
// After a restart every lease gets its full TTL again (as etcd does), because nobody could keep it alive meanwhile.
// Refuses to end a lease whose keepAlive came before its expiry was committed.
import type { Lease, Revision } from '../store.ts';
import { StoreError } from '../store-error.ts';
import { applyOps } from './apply-transaction.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { Tables } from './tables.ts';

/** setTimeout's limit is 2^31-1 ms; a longer wait is begun anew. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;
/** After an expiry that could not be committed (a full disk, say). */
const RETRY_MS = 1000;

export interface Leases {
  grant(ttlSeconds: number): Promise<Lease>;
  close(): void;
}

/** `endsMs` in milliseconds of performance.now(). */
interface Deadline {
  readonly ttlMs: number;
  endsMs: number;
  isEnding: boolean;
}

export function createLeases(queue: CommitQueue, tables: Tables, now: () => number): Leases {
  const deadlines = new Map<bigint, Deadline>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function begin(id: bigint, ttlSeconds: number): void {
    const ttlMs = ttlSeconds * 1000;
    deadlines.set(id, { ttlMs, endsMs: performance.now() + ttlMs, isEnding: false });
    schedule();
  }

  function schedule(): void {
    clearTimeout(timer);
    let next = Number.POSITIVE_INFINITY;
    for (const { endsMs, isEnding } of deadlines.values()) if (!isEnding && endsMs < next) next = endsMs;
    if (isClosed || next === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(Math.max(0, Math.ceil(next - performance.now())), LONGEST_WAIT_MS);
    // unref: a lease alone does not keep the process running.
    timer = setTimeout(endExpired, wait).unref();
  }

  function endExpired(): void {
    for (const [id, deadline] of deadlines) {
      if (deadline.isEnding || deadline.endsMs > performance.now()) continue;
      deadline.isEnding = true;
      end(id, 'if expired')
        .catch(() => {
          deadline.endsMs = performance.now() + RETRY_MS;
        })
        .finally(() => {
          deadline.isEnding = false;
          schedule();
        });
    }
    schedule();
  }

  async function end(id: bigint, when: 'now' | 'if expired'): Promise<void> {
    const ended = await queue.submit((last) => {
      const deadline = deadlines.get(id);
      const stays = !deadline || (when === 'if expired' && deadline.endsMs > performance.now());
      if (stays) return { value: false, events: [] };
      const ops = tables.keysOfLease(id).map(({ key }) => ({ delete: key }));
      const events = applyOps(tables, ops, (last + 1n) as Revision, now());
      tables.dropLease(id);
      return { value: true, events };
    });
    if (ended) deadlines.delete(id);
  }

  for (const { id, ttlSeconds } of tables.leases()) begin(id, ttlSeconds);

  return {
    async grant(ttlSeconds): Promise<Lease> {
      if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1) {
        throw new StoreError('invalid', `a lease lasts whole seconds, at least 1, not ${ttlSeconds}`);
      }
      const id = await queue.submit(() => ({ value: tables.grantLease(ttlSeconds), events: [] }));
      begin(id, ttlSeconds);
      return {
        id,
        ttlSeconds,
        async keepAlive(): Promise<void> {
          queue.check();
          const entry = deadlines.get(id);
          if (!entry) throw new StoreError('lease gone', `keep alive: lease ${id} expired or was revoked`);
          // The timer may stay: when it fires it finds the later end and waits for that.
          entry.endsMs = performance.now() + entry.ttlMs;
        },
        revoke: () => end(id, 'now'),
      };
    },
    close(): void {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
