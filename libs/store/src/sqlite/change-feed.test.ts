import { describe, expect, it } from 'vitest';
import { BEFORE_ALL, openSqliteStore, type Revision, type Store, type WatchBatch } from '../index.ts';

/** More than the changes kept in memory, so that the log table is read too. */
const COUNT = 3000;

async function write(store: Store, count: number, start = 0): Promise<void> {
  const keyOf = (index: number) => (index % 1000 === 0 ? 'rare' : `often/${index}`);
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      store.transact([], [{ put: keyOf(start + index), value: new Uint8Array(1) }]),
    ),
  );
}

async function read(store: Store, prefix: string, from: Revision, count: number): Promise<WatchBatch[]> {
  const items: WatchBatch[] = [];
  for await (const item of store.watch(prefix, from, new AbortController().signal)) {
    if ('compacted' in item) throw new Error(`compacted ${item.compacted}`);
    items.push(item);
    if (items.length === count) break;
  }
  return items;
}

describe('a watcher', () => {
  it('that is far behind reads the log, then memory, then live, without a gap', async () => {
    const store = openSqliteStore({ file: ':memory:' });
    await write(store, COUNT);
    const [all] = await Promise.all([read(store, '', BEFORE_ALL, COUNT + 50), write(store, 50, COUNT)]);
    expect(all.map(({ revision }) => revision)).toEqual(Array.from({ length: COUNT + 50 }, (_, i) => BigInt(i + 1)));
    const rare = await read(store, 'rare', BEFORE_ALL, 4);
    expect(rare.map(({ revision }) => revision)).toEqual([1n, 1001n, 2001n, 3001n]);
    await store.close();
  });

  it('that stops reading holds nothing up, and later goes on where it was', async () => {
    const store = openSqliteStore({ file: ':memory:' });
    const watcher = store.watch('', BEFORE_ALL, new AbortController().signal)[Symbol.asyncIterator]();
    await write(store, 1);
    expect((await watcher.next()).value).toMatchObject({ revision: 1n });
    await write(store, COUNT, 1);
    for (let index = 2n; index <= COUNT + 1; index++) {
      expect((await watcher.next()).value).toMatchObject({ revision: index });
    }
    await store.close();
  });

  it('that waits for a rare key survives the compaction of all others', async () => {
    const store = openSqliteStore({ file: ':memory:' });
    const watcher = store.watch('rare', BEFORE_ALL, new AbortController().signal)[Symbol.asyncIterator]();
    const waiting = watcher.next();
    await write(store, 900, 1);
    await store.compact(901n as Revision);
    await write(store, 1);
    expect((await waiting).value).toMatchObject({ revision: 901n });
    await store.close();
  });

  it('that stopped reading before a compaction is told so', async () => {
    const store = openSqliteStore({ file: ':memory:' });
    await write(store, 3);
    const watcher = store.watch('', BEFORE_ALL, new AbortController().signal)[Symbol.asyncIterator]();
    await watcher.next();
    await write(store, 3, 3);
    await watcher.next();
    await watcher.next();
    await store.compact(6n as Revision);
    expect(await watcher.next()).toEqual({ done: false, value: { compacted: 5n } });
    expect((await watcher.next()).done).toBe(true);
    await store.close();
  });
});
