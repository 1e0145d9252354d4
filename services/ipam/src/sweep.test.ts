import { openSqliteStore, type Store } from '@weft/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { goneKey } from './keys.ts';
import { createSweep } from './sweep.ts';

const hour = 60 * 60_000;
let store: Store;
let nowMs: number;
beforeEach(() => {
  store = openSqliteStore({ file: ':memory:' });
  nowMs = 1_000;
});
afterEach(async () => await store.close());

const put = (owner: string) => store.transact([], [{ put: goneKey(owner), value: new Uint8Array() }]);
const marks = async () => (await store.list('')).keyValues.map(({ key }) => key);

it('drops what has been there for an hour, however much that is, and nothing that is younger', async () => {
  const { walk } = createSweep(store, () => nowMs);
  for (let one = 0; one < 1_200; one++) await put(`e/${String(one).padStart(4, '0')}`);
  await store.transact([], [{ put: 'last', value: new Uint8Array() }]);
  await walk();
  nowMs += hour - 1;
  await put('e/0007');
  await put('e/young');
  await walk();
  expect(await marks()).toHaveLength(1_202);
  nowMs += 1;
  await walk();
  expect(await marks()).toEqual(['gone/e/0007', 'gone/e/young', 'last']);
  nowMs += hour;
  await walk();
  expect(await marks()).toEqual(['last']);
});

it('one that is put again while it walks stays', async () => {
  const busy: Store = {
    ...store,
    async list(...args) {
      const listed = await store.list(...args);
      await put('e/1');
      return listed;
    },
  };
  const { walk } = createSweep(busy, () => nowMs);
  await put('e/1');
  await walk();
  nowMs += hour;
  await walk();
  expect(await marks()).toEqual(['gone/e/1']);
});
