// The public door: the contract, its error, and its two implementations.
export { type EtcdAccess, type EtcdFlags, etcdAccess } from './etcd/access.ts';
export { type EtcdStoreOptions, openEtcdStore } from './etcd/etcd-store.ts';
export { countsOf, type Dump, digestOf, dumpOf, linesOf } from './move/dump.ts';
export { fillStores, readStores, type Stores } from './move/move.ts';
export { etcdRoot, importingKey, openServiceStore, type ServiceStoreOptions, storeFile } from './service-store.ts';
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
export { storeFault } from './store-fault.ts';
