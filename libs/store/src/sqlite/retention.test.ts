import { afterEach, describe, expect, it, vi } from 'vitest';
import { BEFORE_ALL, openSqliteStore, type Store } from '../index.ts';
import { mayForget, SLICE } from './retention.ts';

afterEach(() => vi.restoreAllMocks());

describe('mayForget', () => {
  it.each([
    [{ revisions: 10 }, 90n, 0, true],
    [{ revisions: 10 }, 91n, 0, false],
    [{ ms: 50 }, 1n, 950, true],
    [{ ms: 50 }, 1n, 951, false],
    [{ revisions: 10, ms: 50 }, 90n, 951, false],
    [{ revisions: 10, ms: 50 }, 91n, 950, false],
    [{ revisions: 10, ms: 50 }, 90n, 950, true],
  ])('%o lets go of revision %s of time %s: %s', (keep, revision, at, answer) => {
    expect(mayForget(keep, { revision, at }, 100n, 1000)).toBe(answer);
  });
});

/** The first revision that a watch from the beginning is told, or that it is told was compacted. */
async function oldest(store: Store): Promise<bigint> {
  for await (const item of store.watch('', BEFORE_ALL, new AbortController().signal)) {
    return 'compacted' in item ? item.compacted + 1n : item.revision;
  }
  throw new Error('the watch ended');
}

async function write(store: Store, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await store.transact([], [{ put: 'a', value: new Uint8Array(1) }]);
}

describe('a store', () => {
  it('keeps at least the revisions it was asked to, and not many more', async () => {
    const store = openSqliteStore({ file: ':memory:', retainRevisions: 100 });
    await write(store, 10 * SLICE);
    await vi.waitFor(async () => {
      await write(store, SLICE);
      const kept = (await store.revision()) - (await oldest(store)) + 1n;
      expect(kept).toBeGreaterThanOrEqual(100n);
      expect(kept).toBeLessThanOrEqual(100n + 2n * BigInt(SLICE));
    }, 20_000);
    await store.close();
  });

  it('keeps what is young', async () => {
    const clock = vi.spyOn(Date, 'now').mockReturnValue(1_000_000);
    const store = openSqliteStore({ file: ':memory:', retainMs: 1000 });
    await write(store, 4 * SLICE);
    expect(await oldest(store)).toBe(1n);
    clock.mockReturnValue(1_001_001);
    await vi.waitFor(async () => {
      await write(store, SLICE);
      expect(await oldest(store)).toBeGreaterThanOrEqual(BigInt(3 * SLICE));
    }, 20_000);
    expect(await oldest(store)).toBeLessThanOrEqual(BigInt(4 * SLICE) + 1n);
    await store.close();
  });

  it('is not confused by a clock set back', async () => {
    const clock = vi.spyOn(Date, 'now').mockReturnValue(1_000_000);
    const store = openSqliteStore({ file: ':memory:', retainMs: 1000 });
    await write(store, SLICE);
    clock.mockReturnValue(0);
    await write(store, 4 * SLICE);
    expect(await oldest(store)).toBe(1n);
    await store.close();
  });
});
