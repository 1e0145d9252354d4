// The store's promises about watching and compaction.
import { BEFORE_ALL, type Revision, type Store } from '@weft/store';
import { expect, it } from 'vitest';
import { brief, bytes, take } from './store-kit.ts';

export function storeWatchConformance(open: () => Store): void {
  it('reads the past after a revision, exclusive, in whole transactions and in order', async () => {
    const store = open();
    const first = await store.transact([], [{ put: 'a', value: bytes('1') }]);
    const second = await store.transact(
      [],
      [
        { put: 'a', value: bytes('2') },
        { put: 'b', value: bytes('2') },
      ],
    );
    const third = await store.transact([], [{ delete: 'a' }, { put: 'c', value: bytes('3') }]);
    const items = await take(store, '', first.revision, 2);
    expect(items.map(brief)).toEqual([
      ['put a=2', 'put b=2'],
      ['delete a', 'put c=3'],
    ]);
    expect(items.map((item) => 'revision' in item && item.revision)).toEqual([second.revision, third.revision]);
    expect((await take(store, '', BEFORE_ALL, 1)).map(brief)).toEqual([['put a=1']]);
  });

  it('tells what was before', async () => {
    const store = open();
    const made = await store.transact([], [{ put: 'a', value: bytes('1') }]);
    const changed = await store.transact([], [{ put: 'a', value: bytes('2') }]);
    const gone = await store.transact([], [{ delete: 'a' }]);
    const one = { key: 'a', value: bytes('1'), createRevision: made.revision, modRevision: made.revision };
    const two = { ...one, value: bytes('2'), modRevision: changed.revision };
    expect(await take(store, 'a', BEFORE_ALL, 3)).toEqual([
      { revision: made.revision, events: [{ type: 'put', ...one }] },
      { revision: changed.revision, events: [{ type: 'put', ...two, previous: one }] },
      { revision: gone.revision, events: [{ type: 'delete', key: 'a', previous: two }] },
    ]);
  });

  it('goes on live, without a gap, also while it is read', async () => {
    const store = open();
    const from = await store.revision();
    const count = 40;
    const reading = take(store, 'n/', from, count);
    for (let index = 0; index < count; index++) {
      await store.transact([], [{ put: `n/${index % 7}`, value: bytes(String(index)) }]);
    }
    expect((await reading).flatMap(brief)).toEqual(
      Array.from({ length: count }, (_, index) => `put n/${index % 7}=${index}`),
    );
  });

  it('speaks of its prefix only', async () => {
    const store = open();
    const from = await store.revision();
    const reading = take(store, 'x/', from, 2);
    await store.transact([], [{ put: 'y', value: bytes('0') }]);
    await store.transact(
      [],
      [
        { put: 'x/1', value: bytes('1') },
        { put: 'x', value: bytes('1') },
      ],
    );
    await store.transact([], [{ put: 'x0', value: bytes('2') }]);
    await store.transact([], [{ deletePrefix: 'x' }]);
    expect((await reading).map(brief)).toEqual([['put x/1=1'], ['delete x/1']]);
  });

  it('starts where a list ended', async () => {
    const store = open();
    await store.transact([], [{ put: 'a', value: bytes('1') }]);
    const { revision } = await store.list('');
    await store.transact([], [{ put: 'a', value: bytes('2') }]);
    expect((await take(store, '', revision, 1)).map(brief)).toEqual([['put a=2']]);
  });

  it('tells a fact only once it can be read', async () => {
    const store = open();
    const abort = new AbortController();
    const watching = (async () => {
      for await (const item of store.watch('f', await store.revision(), abort.signal)) {
        if ('compacted' in item) throw new Error('compacted');
        expect((await store.get('f'))?.modRevision).toBeGreaterThanOrEqual(item.revision);
        expect(await store.revision()).toBeGreaterThanOrEqual(item.revision);
        if (item.events.some(({ type }) => type === 'delete')) return;
      }
    })().catch((cause: unknown) => cause);
    for (let index = 0; index < 5; index++) await store.transact([], [{ put: 'f', value: bytes(String(index)) }]);
    abort.abort();
    expect(await watching).toBeUndefined();
  });

  it('ends quietly when aborted, at once and while it waits', async () => {
    const store = open();
    const abort = new AbortController();
    const watcher = store.watch('', await store.revision(), abort.signal)[Symbol.asyncIterator]();
    const waiting = watcher.next();
    abort.abort();
    expect((await waiting).done).toBe(true);
    const late = store.watch('', BEFORE_ALL, AbortSignal.abort())[Symbol.asyncIterator]();
    expect((await late.next()).done).toBe(true);
  });

  it('ends with `closed` when the store is closed', async () => {
    const store = open();
    const watcher = store.watch('', await store.revision(), new AbortController().signal)[Symbol.asyncIterator]();
    const waiting = expect(watcher.next()).rejects.toMatchObject({ reason: 'closed' });
    await store.close();
    await waiting;
  });

  it('says when what it should read was compacted, and keeps the values', async () => {
    const store = open();
    const revisions: Revision[] = [];
    for (let index = 0; index < 6; index++) {
      revisions.push((await store.transact([], [{ put: 'a', value: bytes(String(index)) }])).revision);
    }
    await store.compact(revisions[3]!);
    const [told] = await take(store, '', revisions[0]!, 1);
    expect(told).toHaveProperty('compacted');
    const from = (told as { compacted: Revision }).compacted;
    expect(from).toBeLessThan(revisions[3]!);
    // From the revision just before the first one kept, everything kept is told.
    const kept = await take(store, '', (revisions[3]! - 1n) as Revision, 3);
    expect(kept.map(brief)).toEqual([['put a=3'], ['put a=4'], ['put a=5']]);
    expect((await store.get('a'))?.modRevision).toBe(revisions[5]);
  });

  it('compacts again and all, but not the future', async () => {
    const store = open();
    const { revision } = await store.transact([], [{ put: 'a', value: bytes('1') }]);
    const last = await store.transact([], [{ put: 'a', value: bytes('2') }]);
    await store.compact(last.revision);
    await store.compact(last.revision);
    await store.compact(revision);
    await store.compact((last.revision + 1n) as Revision);
    await expect(store.compact((last.revision + 2n) as Revision)).rejects.toMatchObject({ reason: 'invalid' });
    const reading = take(store, '', last.revision, 1);
    await store.transact([], [{ put: 'a', value: bytes('3') }]);
    expect((await reading).map(brief)).toEqual([['put a=3']]);
  });
}
