import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '@weft/store';
import { storeConformance } from './store.ts';

storeConformance('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weft-store-'));
  const store = openSqliteStore({ file: join(directory, 'store.db') });
  return {
    store,
    async dispose() {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});

storeConformance('SQLite in memory', async () => {
  const store = openSqliteStore({ file: ':memory:' });
  return { store, dispose: () => store.close() };
});
