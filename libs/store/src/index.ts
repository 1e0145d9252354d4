// The public door: the contract, its error, and the SQLite implementation.
export { openSqliteStore, type SqliteStoreOptions } from './sqlite/sqlite-store.ts';
export {
  BEFORE_ALL,
  type Compare,
  type KeyValue,
  type Lease,
  LIMITS,
  type ListOptions,
  type ListResult,
  type Op,
  type Revision,
  type Store,
  type StoreEvent,
  type TransactResult,
  type WatchBatch,
  type WatchCompacted,
} from './store.ts';
export { StoreError, type StoreErrorReason } from './store-error.ts';
