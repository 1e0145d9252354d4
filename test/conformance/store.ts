// What every Store must do, whatever it stands on: run it with `storeConformance(name, factory)`.
// It tests promises only (store.ts): nothing here may be true of SQLite and false of etcd.
import { LIMITS, type Store } from '@weft/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytes, text } from './store-kit.ts';
import { storeLeaseConformance } from './store-lease.ts';
import { storeWatchConformance } from './store-watch.ts';

/** Makes an empty store; `dispose` closes it if the test did not, and removes what was made for it. */
export type StoreFactory = () => Promise<{ store: Store; dispose(): Promise<void> }>;

export function storeConformance(name: string, factory: StoreFactory): void {
  describe(`${name} keeps the store's contract`, () => {
    let store: Store;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      ({ store, dispose } = await factory());
    });
    afterEach(() => dispose());
    describe('keys', () => keyConformance(() => store));
    describe('transact', () => transactConformance(() => store));
    describe('watch', () => storeWatchConformance(() => store));
    describe('lease', () => storeLeaseConformance(() => store));
  });
}

function keyConformance(open: () => Store): void {
  it('are absent until put, and then carry the revision that made and that last put them', async () => {
    const store = open();
    expect(await store.get('a')).toBeUndefined();
    const first = await store.transact([], [{ put: 'a', value: bytes('1') }]);
    const second = await store.transact([], [{ put: 'a', value: bytes('2') }]);
    expect(first.committed && second.committed).toBe(true);
    expect(second.revision).toBeGreaterThan(first.revision);
    expect(await store.get('a')).toEqual({
      ...{ key: 'a', value: bytes('2'), createRevision: first.revision, modRevision: second.revision },
    });
    expect(await store.revision()).toBe(second.revision);
  });

  it('start a new life after a delete', async () => {
    const store = open();
    await store.transact([], [{ put: 'a', value: bytes('1') }]);
    await store.transact([], [{ delete: 'a' }]);
    expect(await store.get('a')).toBeUndefined();
    const { revision } = await store.transact([], [{ put: 'a', value: bytes('2') }]);
    expect(await store.get('a')).toMatchObject({ createRevision: revision, modRevision: revision });
  });

  it('hold any bytes, also none', async () => {
    const store = open();
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    await store.transact(
      [],
      [
        { put: 'all', value: all },
        { put: 'none', value: bytes('') },
      ],
    );
    expect((await store.get('all'))?.value).toEqual(all);
    expect((await store.get('none'))?.value).toEqual(new Uint8Array(0));
  });

  it('are listed by prefix in the order of their UTF-8 bytes', async () => {
    const store = open();
    // U+10FFFF and U+FFFF: JavaScript's own order would swap them.
    const keys = ['a', 'a/', 'a/1', 'a/10', 'a/2', 'a/\uffff', 'a/\u{10ffff}', 'a/\u{10ffff}x', 'a0', 'b'];
    await store.transact(
      [],
      [...keys].reverse().map((key) => ({ put: key, value: bytes(key) })),
    );
    const { keyValues, revision } = await store.list('a/');
    expect(keyValues.map(({ key }) => key)).toEqual(keys.slice(1, 8));
    expect(keyValues.map(({ value }) => text(value))).toEqual(keys.slice(1, 8));
    expect(revision).toBe(await store.revision());
    expect((await store.list('')).keyValues.map(({ key }) => key)).toEqual(keys);
    expect((await store.list('a/\u{10ffff}')).keyValues.map(({ key }) => key)).toEqual(keys.slice(6, 8));
    expect((await store.list('\u{10ffff}')).keyValues).toEqual([]);
  });

  it('are listed page by page', async () => {
    const store = open();
    const keys = Array.from({ length: 7 }, (_, index) => `p/${index}`);
    await store.transact(
      [],
      ['a', ...keys, 'q'].map((key) => ({ put: key, value: bytes('') })),
    );
    const seen: string[] = [];
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const { keyValues } = await store.list('p/', { limit: 3, ...(after !== undefined && { startAfter: after }) });
      if (keyValues.length === 0) break;
      expect(keyValues.length).toBeLessThanOrEqual(3);
      seen.push(...keyValues.map(({ key }) => key));
    }
    expect(seen).toEqual(keys);
    expect((await store.list('p/', { startAfter: 'a' })).keyValues).toHaveLength(7);
    expect((await store.list('p/', { startAfter: 'p/5x' })).keyValues).toHaveLength(1);
    expect((await store.list('p/', { startAfter: 'q' })).keyValues).toEqual([]);
    await expect(store.list('p/', { limit: 0 })).rejects.toMatchObject({ reason: 'invalid' });
  });

  it.each(['', 'a\0b', '\ud800', 'x'.repeat(LIMITS.keyBytes + 1), 'é'.repeat(LIMITS.keyBytes / 2 + 1)])(
    'refuse to be %j',
    async (key) => {
      const store = open();
      await expect(store.transact([], [{ put: key, value: bytes('') }])).rejects.toMatchObject({ reason: 'invalid' });
      await expect(store.transact([], [{ delete: key }])).rejects.toMatchObject({ reason: 'invalid' });
      await expect(store.transact([{ key, modRevision: 0n }], [])).rejects.toMatchObject({ reason: 'invalid' });
      await expect(store.get(key)).rejects.toMatchObject({ reason: 'invalid' });
    },
  );

  it('say no more once the store is closed', async () => {
    const store = open();
    await store.close();
    await store.close();
    const closed = { reason: 'closed' };
    await expect(store.get('a')).rejects.toMatchObject(closed);
    await expect(store.list('')).rejects.toMatchObject(closed);
    await expect(store.transact([], [{ put: 'a', value: bytes('') }])).rejects.toMatchObject(closed);
    await expect(store.lease(10)).rejects.toMatchObject(closed);
    await expect(store.revision()).rejects.toMatchObject(closed);
  });
}

function transactConformance(open: () => Store): void {
  it('does nothing when a compare does not hold', async () => {
    const store = open();
    const { revision } = await store.transact([{ key: 'a', modRevision: 0n }], [{ put: 'a', value: bytes('1') }]);
    const late = await store.transact(
      [
        { key: 'b', modRevision: 0n },
        { key: 'a', modRevision: 0n },
      ],
      [
        { put: 'a', value: bytes('2') },
        { put: 'b', value: bytes('2') },
      ],
    );
    expect(late).toEqual({ committed: false, revision });
    expect(text((await store.get('a'))!.value)).toBe('1');
    expect(await store.get('b')).toBeUndefined();
    const next = await store.transact([{ key: 'a', modRevision: revision }], [{ delete: 'a' }]);
    expect(next.committed).toBe(true);
  });

  it('gives all its keys one revision', async () => {
    const store = open();
    await store.transact([], [{ put: 'old', value: bytes('') }]);
    const ops = [{ put: 'a', value: bytes('') }, { put: 'b', value: bytes('') }, { delete: 'old' }];
    const { revision } = await store.transact([], ops);
    const { keyValues } = await store.list('');
    expect(keyValues.map(({ key, modRevision }) => [key, modRevision])).toEqual([
      ['a', revision],
      ['b', revision],
    ]);
  });

  it('makes no revision when nothing changes', async () => {
    const store = open();
    const { revision } = await store.transact([], [{ put: 'a', value: bytes('') }]);
    const nothing = await store.transact([], [{ delete: 'b' }, { deletePrefix: 'c/' }]);
    expect(nothing).toEqual({ committed: true, revision });
    expect(await store.transact([{ key: 'a', modRevision: revision }], [])).toEqual({ committed: true, revision });
  });

  it('deletes a prefix, and nothing beside it', async () => {
    const store = open();
    const keys = ['d', 'd/1', 'd/2', 'd/\u{10ffff}', 'd0', 'e'];
    await store.transact(
      [],
      keys.map((key) => ({ put: key, value: bytes('') })),
    );
    await store.transact([], [{ deletePrefix: 'd/' }]);
    expect((await store.list('')).keyValues.map(({ key }) => key)).toEqual(['d', 'd0', 'e']);
    await store.transact([], [{ deletePrefix: '' }]);
    expect((await store.list('')).keyValues).toEqual([]);
  });

  it('has one winner when many want the same key', async () => {
    const store = open();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        store.transact([{ key: 'one', modRevision: 0n }], [{ put: 'one', value: bytes(String(index)) }]),
      ),
    );
    expect(results.filter(({ committed }) => committed)).toHaveLength(1);
  });

  it('loses no update made by compare and retry', async () => {
    const store = open();
    await store.transact([], [{ put: 'count', value: bytes('0') }]);
    const increment = async (): Promise<void> => {
      const now = (await store.get('count'))!;
      const value = bytes(String(Number(text(now.value)) + 1));
      const done = await store.transact([{ key: 'count', modRevision: now.modRevision }], [{ put: 'count', value }]);
      if (!done.committed) await increment();
    };
    await Promise.all(Array.from({ length: 10 }, increment));
    expect(text((await store.get('count'))!.value)).toBe('10');
  });

  it('takes what LIMITS promises, and refuses more', async () => {
    const store = open();
    const puts = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ put: `k/${index}`, value: bytes('v') }));
    const absent = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ key: `k/${index}`, modRevision: 0n as const }));
    expect((await store.transact(absent(LIMITS.listLength), puts(LIMITS.listLength))).committed).toBe(true);
    const tooMany = store.transact([], puts(LIMITS.listLength + 1));
    await expect(tooMany).rejects.toMatchObject({ reason: 'invalid' });
    const tooManyCompares = store.transact(absent(LIMITS.listLength + 1), []);
    await expect(tooManyCompares).rejects.toMatchObject({ reason: 'invalid' });
    const large = new Uint8Array(LIMITS.transactionBytes - 1);
    expect((await store.transact([], [{ put: 'L', value: large }])).committed).toBe(true);
    const tooLarge = store.transact([], [{ put: 'LL', value: large }]);
    await expect(tooLarge).rejects.toMatchObject({ reason: 'invalid' });
    expect(await store.get('LL')).toBeUndefined();
  });

  it('refuses to put a key that it names twice', async () => {
    const store = open();
    const put = { put: 'a/b', value: bytes('') };
    for (const other of [put, { delete: 'a/b' }, { deletePrefix: 'a/' }, { deletePrefix: '' }]) {
      await expect(store.transact([], [put, other])).rejects.toMatchObject({ reason: 'invalid' });
      await expect(store.transact([], [other, put])).rejects.toMatchObject({ reason: 'invalid' });
    }
    expect((await store.transact([], [put, { delete: 'a' }, { delete: 'a' }, { deletePrefix: 'a/c' }])).committed).toBe(
      true,
    );
  });

  it('keeps its own copy of what it was given', async () => {
    const store = open();
    const value = bytes('before');
    const pending = store.transact([], [{ put: 'a', value }]);
    value.fill(0);
    await pending;
    expect(text((await store.get('a'))!.value)).toBe('before');
  });
}
