// The contract of a store: etcd's data model and nothing more, so that SQLite (one machine) and etcd (a cluster) can
// both keep it. One global revision counts the transactions that changed something; a watch reads them aloud in order.
// Refuses what etcd 3.4 could not promise: queries, reads of the past, transactions larger than `LIMITS`.

declare const revisionBrand: unique symbol;
/** A point in one store's history. It only grows; it compares with revisions of the same store id only. */
export type Revision = bigint & { readonly [revisionBrand]: true };

/** Before everything: a watch from here reads the whole history, if it is still kept. */
export const BEFORE_ALL = 0n as Revision;

/** Every implementation takes this much; the conformance suite holds it to that. More is refused (`invalid`). */
export const LIMITS = {
  /** Compares in a transaction, and operations in a transaction (etcd's `--max-txn-ops` default, for each list). */
  listLength: 128,
  /** UTF-8 bytes of all keys and values of a transaction (etcd's `--max-request-bytes` default is 1.5 MiB). */
  transactionBytes: 1024 * 1024,
  /** UTF-8 bytes of a key. */
  keyBytes: 1024,
} as const;

export interface KeyValue {
  readonly key: string;
  /** Opaque bytes. Shared with other readers: never write to them. */
  readonly value: Uint8Array;
  /** The revision that made the key, since it was last absent. */
  readonly createRevision: Revision;
  /** The revision that last put the key. */
  readonly modRevision: Revision;
  readonly leaseId?: bigint;
}

/** Holds when the key's last put is this revision, or when the key is absent (`0n`). */
export interface Compare {
  readonly key: string;
  readonly modRevision: Revision | 0n;
}

/** A key that is put may not be named by another operation of the same transaction (etcd refuses that too). */
export type Op =
  | { readonly put: string; readonly value: Uint8Array; readonly lease?: bigint }
  | { readonly delete: string }
  | { readonly deletePrefix: string };

export interface TransactResult {
  /** False: a compare did not hold, and nothing was done. */
  readonly committed: boolean;
  /** The revision made; if nothing changed (not committed, or only absent keys deleted), the store's current one. */
  readonly revision: Revision;
}

/** `previous` is the key's state before, absent if there was none (or, in a cluster, if it was compacted away). */
export type StoreEvent =
  | ({ readonly type: 'put'; readonly previous?: KeyValue } & KeyValue)
  | { readonly type: 'delete'; readonly key: string; readonly previous?: KeyValue };

/** All that one transaction did below the watched prefix: never half of it, and each key at most once. */
export interface WatchBatch {
  readonly revision: Revision;
  readonly events: readonly StoreEvent[];
}

/** History up to and including `compacted` is gone: list anew, then watch from the list's revision. Ends the watch. */
export interface WatchCompacted {
  readonly compacted: Revision;
}

export interface ListOptions {
  /** At most so many keys, in key order (order of UTF-8 bytes). */
  readonly limit?: number;
  /** Only keys after this one. Each page is a snapshot of its own revision. */
  readonly startAfter?: string;
}

export interface ListResult {
  readonly keyValues: KeyValue[];
  /** The state of all keys at this revision: watch from it to lose nothing. */
  readonly revision: Revision;
}

/** A promise to be alive. When its TTL passes without `keepAlive`, its keys are deleted in an ordinary revision. */
export interface Lease {
  readonly id: bigint;
  readonly ttlSeconds: number;
  /** Starts the TTL again. Rejects with `lease gone` after expiry or revocation. */
  keepAlive(): Promise<void>;
  /** Deletes the attached keys and the lease in one revision; does nothing when it is gone. */
  revoke(): Promise<void>;
}

/** Every method rejects with a `StoreError`, and after `close` with its reason `closed`. */
export interface Store {
  /** Made once with the store's data, and never again. */
  readonly id: string;
  /** Other processes may write it too. */
  readonly isShared: boolean;
  get(key: string): Promise<KeyValue | undefined>;
  /** All keys that start with `prefix` (the empty prefix: all keys), in key order. */
  list(prefix: string, options?: ListOptions): Promise<ListResult>;
  /** All operations or none, atomically with the compares. Resolves AFTER it is durable. */
  transact(compares: readonly Compare[], ops: readonly Op[]): Promise<TransactResult>;
  /**
   * Everything after `from` (exclusive) in order, then live, each batch only AFTER it is durable.
   * Aborting the signal ends the iteration quietly; closing the store ends it with `closed`.
   */
  watch(prefix: string, from: Revision, signal: AbortSignal): AsyncIterable<WatchBatch | WatchCompacted>;
  /** Grants a lease of whole seconds, at least 1 (a cluster may round short ones up). */
  lease(ttlSeconds: number): Promise<Lease>;
  /** Lets go of all revisions below `before`, which is at most `revision() + 1`. Values are kept, history is not. */
  compact(before: Revision): Promise<void>;
  revision(): Promise<Revision>;
  /** Waits for transactions under way; leases live on and get their full TTL at the next open. */
  close(): Promise<void>;
}
