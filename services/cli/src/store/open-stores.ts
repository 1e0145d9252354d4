// The stores of a weft, where the flags say: both of them, or none.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { fault, Reason } from '@weft/fault';
import { directoryFlag } from '@weft/process';
import {
  type EtcdAccess,
  etcdRoot,
  openEtcdStore,
  openSqliteStore,
  type Store,
  storeFault,
  storeFile,
} from '@weft/store';
import { etcdOf } from '../up-options.ts';
import type { Flags } from '../usage/flag.ts';

/** The services whose stores are one weft's; each host's agent keeps its own, of its own host. */
export const moved = ['network-controller', 'ipam'] as const;

export interface OpenStores {
  readonly stores: ReadonlyMap<string, Store>;
  /** Where they are, for people. */
  readonly place: string;
  /** Closes them; `made` removes the files that were made by opening them. */
  close(made?: 'remove'): Promise<void>;
}

/** `mayMake`: a file that is not there is made. @throws INVALID_VALUE, STORE_FAILED, SERVICE_UNAVAILABLE */
export async function openStores(flags: Flags, command: string, mayMake: boolean): Promise<OpenStores> {
  const access = etcdOf(flags, `${command} `);
  if (access !== undefined && flags.given('data-dir')) {
    throw fault(Reason.CONFLICTING_FIELDS, `${command}: the stores are in --data-dir or on --etcd, not both`, {
      field: '--etcd',
    });
  }
  const dataDir = directoryFlag(flags.string('data-dir'), `${command} --data-dir`);
  const stores = new Map<string, Store>();
  const made: string[] = [];
  const close = async (what?: 'remove') => {
    for (const store of stores.values()) await store.close();
    if (what === 'remove')
      for (const file of made) for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
  };
  try {
    for (const name of moved) stores.set(name, await openOne(name, access, dataDir, mayMake, made));
  } catch (error) {
    await close('remove');
    throw storeFault(error);
  }
  const place = access === undefined ? dataDir : access.members.map(({ url }) => url).join(',');
  return { stores, place, close };
}

async function openOne(
  name: string,
  access: EtcdAccess | undefined,
  dataDir: string,
  mayMake: boolean,
  made: string[],
): Promise<Store> {
  if (access !== undefined) return await openEtcdStore({ access, root: etcdRoot(name) });
  const file = storeFile(dataDir, name);
  if (!existsSync(file)) {
    if (!mayMake)
      throw fault(Reason.INVALID_VALUE, `${file} is not there: name weft's --data-dir`, { field: '--data-dir' });
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    made.push(file);
  }
  return openSqliteStore({ file });
}
