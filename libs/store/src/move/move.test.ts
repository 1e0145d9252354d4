import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reason } from '@weft/fault';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { importingKey, openServiceStore } from '../service-store.ts';
import { openSqliteStore } from '../sqlite/sqlite-store.ts';
import type { Store } from '../store.ts';
import { fillStores, readStores } from './move.ts';

let directory: string;
let from: Map<string, Store>;
let to: Map<string, Store>;
const open = (name: string) => openSqliteStore({ file: join(directory, name) });
const value = (size: number) => new Uint8Array(size).fill(size);

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'weft-move-'));
  from = new Map(['a', 'b'].map((name) => [name, open(name)]));
  to = new Map(['a', 'b'].map((name) => [name, open(`to-${name}`)]));
  for (let key = 0; key < 250; key++) await from.get('a')!.transact([], [{ put: `k/${key}`, value: value(key) }]);
  await from.get('b')!.transact([], [{ put: 'large', value: value(1024 * 1024 - 100) }]);
  await from.get('b')!.transact([], [{ put: 'small', value: value(1) }]);
});
afterEach(async () => {
  for (const store of [...from.values(), ...to.values()]) await store.close();
  rmSync(directory, { recursive: true });
});

it('moves every key, but what a lease holds, and no revision', async () => {
  const lease = await from.get('a')!.lease(60);
  await from.get('a')!.transact([], [{ put: 'alive', value: value(0), lease: lease.id }]);
  const dump = await readStores(from);
  await fillStores(to, dump);
  expect(await readStores(to)).toEqual(dump);
  expect(dump.get('a')).toHaveLength(250);
  expect(await to.get('a')!.get(importingKey)).toBeUndefined();
  expect(await to.get('a')!.revision()).toBeLessThan(10n);
});

it('refuses a store that is not empty, and leaves the others so', async () => {
  await to.get('b')!.transact([], [{ put: 'mine', value: value(1) }]);
  await expect(fillStores(to, await readStores(from))).rejects.toMatchObject({
    ...{ reason: Reason.IN_USE, message: expect.stringContaining('the store of b is not empty') },
  });
  expect((await to.get('a')!.list('')).keyValues).toEqual([]);
  expect((await to.get('b')!.list('')).keyValues).toHaveLength(1);
});

it('leaves nothing behind when it fails on its way', async () => {
  const inner = to.get('b')!;
  const full: Store = {
    ...inner,
    transact: (compares, ops) =>
      ops.some((op) => 'put' in op && op.put === 'small')
        ? Promise.reject(new Error('full'))
        : inner.transact(compares, ops),
  };
  await expect(fillStores(new Map([...to, ['b', full]]), await readStores(from))).rejects.toThrow('full');
  for (const store of to.values()) expect((await store.list('')).keyValues).toEqual([]);
});

it('begins again where one was broken off, and no service starts on that', async () => {
  const file = join(directory, 'to-a');
  await to.get('a')!.transact(
    [],
    [
      { put: importingKey, value: value(0) },
      { put: 'k/9', value: value(7) },
    ],
  );
  await to.get('a')!.close();
  rmSync(`${file}.db`, { force: true });
  const half = openSqliteStore({ file: `${file}.db` });
  await half.transact(
    [],
    [
      { put: importingKey, value: value(0) },
      { put: 'k/9', value: value(7) },
    ],
  );
  await half.close();
  const service = { name: 'to-a', access: undefined, dataDir: directory };
  await expect(openServiceStore(service)).rejects.toMatchObject({
    ...{ reason: Reason.STORE_FAILED, message: expect.stringContaining('run weft store import again') },
  });
  to.set('a', openSqliteStore({ file: `${file}.db` }));
  const dump = await readStores(from);
  await fillStores(to, dump);
  expect(await readStores(to)).toEqual(dump);
});

it('takes no copy of stores that are changed all the time', async () => {
  const inner = from.get('b')!;
  const busy: Store = {
    ...inner,
    async list(...args) {
      await from.get('a')!.transact([], [{ put: 'busy', value: value(1) }]);
      return await inner.list(...args);
    },
  };
  await expect(readStores(new Map([...from, ['b', busy]]))).rejects.toMatchObject({ reason: Reason.CONFLICT });
});
