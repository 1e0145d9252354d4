// Reads several stores as of one moment, and fills empty ones: all of it, checked, or nothing.
import { fault, Reason } from '@weft/fault';
import { importingKey } from '../service-store.ts';
import type { Op, Store } from '../store.ts';
import { type Dump, digestOf, type Entry } from './dump.ts';

export type Stores = ReadonlyMap<string, Store>;

/** Reads until one is not changed while the next is read. */
const mostReads = 10;
/** Puts of one transaction. */
const putsAtOnce = 100;
const bytesAtOnce = 512 * 1024;

/**
 * What the stores hold at one moment, but for what leases hold. Two services refer to each other's keys, so a copy of one
 * before and of the other after a change would be wrong: the first is read again after the second.
 * @throws CONFLICT when they are changed all the time; what the stores throw
 */
export async function readStores(stores: Stores): Promise<Dump> {
  let before = await readOnce(stores);
  for (let reads = 1; reads < mostReads; reads++) {
    const again = await readOnce(stores);
    if (again.seen === before.seen) return again.dump;
    before = again;
  }
  throw fault(Reason.CONFLICT, 'the stores are changed while they are read: stop weft, its networks stay as they are');
}

async function readOnce(stores: Stores): Promise<{ dump: Dump; seen: string }> {
  const dump = new Map<string, Entry[]>();
  const seen: string[] = [];
  for (const [name, store] of stores) {
    const kept = (await store.list('')).keyValues.filter(({ leaseId }) => leaseId === undefined);
    dump.set(
      name,
      kept.map(({ key, value }) => ({ key, value })),
    );
    for (const { key, modRevision } of kept) seen.push(`${key} ${modRevision}`);
  }
  return { dump, seen: seen.join() };
}

/**
 * Fills the stores. What a broken off import left in them is removed first.
 * @throws IN_USE, naming the first that is not empty: nothing is changed then; after any other error they are empty again
 */
export async function fillStores(stores: Stores, dump: Dump): Promise<void> {
  for (const [name, store] of stores) await assertEmpty(name, store);
  try {
    for (const [name, store] of stores) await fill(store, dump.get(name) ?? []);
    const after = (await readOnce(stores)).dump;
    const there = new Map(
      [...after].map(([name, entries]) => [name, entries.filter(({ key }) => key !== importingKey)]),
    );
    if (digestOf(there) !== digestOf(dump)) {
      throw fault(Reason.INTERNAL, 'what was written is not what was read');
    }
    for (const store of stores.values()) await store.transact([], [{ delete: importingKey }]);
  } catch (error) {
    for (const store of stores.values()) await store.transact([], [{ deletePrefix: '' }]);
    throw error;
  }
}

async function assertEmpty(name: string, store: Store): Promise<void> {
  if (await store.get(importingKey)) await store.transact([], [{ deletePrefix: '' }]);
  const { keyValues } = await store.list('', { limit: 1 });
  if (keyValues.length === 0) return;
  throw fault(Reason.IN_USE, `the store of ${name} is not empty: an import fills an empty one, and would mix two`, {
    store: name,
  });
}

async function fill(store: Store, entries: readonly Entry[]): Promise<void> {
  await store.transact([{ key: importingKey, modRevision: 0n }], [{ put: importingKey, value: new Uint8Array() }]);
  for (const some of slices(entries)) {
    const { committed } = await store.transact(
      some.map(({ key }) => ({ key, modRevision: 0n })),
      some.map(({ key, value }): Op => ({ put: key, value })),
    );
    if (!committed) throw fault(Reason.CONFLICT, 'somebody else writes into the store');
  }
}

function* slices(entries: readonly Entry[]): Generator<Entry[]> {
  let some: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (some.length === putsAtOnce || (some.length > 0 && bytes + entry.value.length > bytesAtOnce)) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(entry);
    bytes += entry.key.length + entry.value.length;
  }
  if (some.length > 0) yield some;
}
