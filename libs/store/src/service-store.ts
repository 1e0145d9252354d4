// A service's store where its flags say: below a root of its own on etcd, or in a file of the data directory. Refuses what
// would look like an empty weft to a machine that has networks, and a store that an import did not finish.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fault, Reason } from '@weft/fault';
import type { EtcdAccess } from './etcd/access.ts';
import { openEtcdStore } from './etcd/etcd-store.ts';
import { measured } from './measured.ts';
import { openSqliteStore } from './sqlite/sqlite-store.ts';
import type { Store } from './store.ts';
import { storeFault } from './store-fault.ts';

/** There from an import's first transaction to its last. */
export const importingKey = 'importing';

export interface ServiceStoreOptions {
  /** The service: names the file and the root. */
  readonly name: string;
  /** Absent: the file. */
  readonly access: EtcdAccess | undefined;
  /** Made if absent. Needed without etcd; with it, looked into for what was left behind. */
  readonly dataDir: string | undefined;
  /** How much of the file's history is kept: see SqliteStoreOptions. */
  readonly retainRevisions?: number;
  /** How much of the history is kept; on etcd, of the whole cluster. */
  readonly retainMs?: number;
}

export const etcdRoot = (service: string): string => `/weft/${service}/`;
export const storeFile = (dataDir: string, service: string): string => join(dataDir, `${service}.db`);

/** @throws MISSING_FIELD, CONFLICTING_FIELDS, SERVICE_UNAVAILABLE, STORE_FAILED */
export async function openServiceStore(options: ServiceStoreOptions): Promise<Store> {
  const store = await open(options).catch((cause: unknown) => {
    throw storeFault(cause);
  });
  try {
    if (await store.get(importingKey)) {
      const because = `an import into the store of ${options.name} did not come to its end`;
      throw fault(Reason.STORE_FAILED, `${because}: run weft store import again`, { store: options.name });
    }
    if (options.access !== undefined) await assertNothingLeft(store, options);
    return measured(store, options.name);
  } catch (cause) {
    await store.close();
    throw storeFault(cause);
  }
}

async function open({ name, access, dataDir, retainMs, retainRevisions }: ServiceStoreOptions): Promise<Store> {
  const keep = retainMs === undefined ? {} : { retainMs };
  if (access !== undefined) return await openEtcdStore({ access, root: etcdRoot(name), ...keep });
  if (dataDir === undefined) {
    throw fault(Reason.MISSING_FIELD, 'a store needs --data-dir DIRECTORY or --etcd URL,...', { field: '--data-dir' });
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const revisions = retainRevisions === undefined ? {} : { retainRevisions };
  return openSqliteStore({ file: storeFile(dataDir, name), ...keep, ...revisions });
}

async function assertNothingLeft(store: Store, { name, dataDir }: ServiceStoreOptions): Promise<void> {
  const file = storeFile(dataDir ?? '', name);
  if (dataDir === undefined || !existsSync(file)) return;
  const { keyValues } = await store.list('', { limit: 1 });
  if (keyValues.length > 0) return;
  throw fault(
    Reason.CONFLICTING_FIELDS,
    `etcd holds nothing of ${name} yet, and ${file} does: move it with weft store export and import, or move the file away`,
    { field: '--etcd', file },
  );
}
