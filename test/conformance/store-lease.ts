// The store's promises about leases. Time passes for real here (a cluster's clock cannot be set), one second a test.
import type { Store } from '@weft/store';
import { expect, it } from 'vitest';
import { brief, bytes, take } from './store-kit.ts';

export function storeLeaseConformance(open: () => Store): void {
  it('marks the keys that it holds', async () => {
    const store = open();
    const lease = await store.lease(60);
    await store.transact([], [{ put: 'a', value: bytes(''), lease: lease.id }]);
    expect((await store.get('a'))?.leaseId).toBe(lease.id);
    await store.transact([], [{ put: 'a', value: bytes('') }]);
    expect((await store.get('a'))?.leaseId).toBeUndefined();
  });

  it('deletes its keys in one ordinary revision when it expires', async () => {
    const store = open();
    const lease = await store.lease(1);
    const { revision } = await store.transact(
      [],
      [
        { put: 'a', value: bytes('1'), lease: lease.id },
        { put: 'b', value: bytes('2'), lease: lease.id },
      ],
    );
    await store.transact([], [{ put: 'stays', value: bytes('') }]);
    const items = await take(store, '', revision, 2);
    expect(items.map(brief)).toEqual([['put stays='], ['delete a', 'delete b']]);
    expect((await store.list('')).keyValues.map(({ key }) => key)).toEqual(['stays']);
    await expect(lease.keepAlive()).rejects.toMatchObject({ reason: 'lease gone' });
  });

  it('lives on while it is kept alive, and longer than one that is not', async () => {
    const store = open();
    const [kept, lost] = [await store.lease(2), await store.lease(2)];
    const { revision } = await store.transact(
      [],
      [
        { put: 'kept', value: bytes(''), lease: kept.id },
        { put: 'lost', value: bytes(''), lease: lost.id },
      ],
    );
    const timer = setInterval(() => void kept.keepAlive(), 300);
    expect((await take(store, '', revision, 1)).map(brief)).toEqual([['delete lost']]);
    clearInterval(timer);
    expect(await store.get('kept')).toBeDefined();
  });

  it('deletes its keys when revoked, and may be revoked twice', async () => {
    const store = open();
    const lease = await store.lease(60);
    await store.transact([], [{ put: 'a', value: bytes(''), lease: lease.id }]);
    await store.transact([], [{ put: 'was', value: bytes(''), lease: lease.id }]);
    await store.transact([], [{ put: 'was', value: bytes('') }]);
    await lease.revoke();
    await lease.revoke();
    expect((await store.list('')).keyValues.map(({ key }) => key)).toEqual(['was']);
  });

  it('refuses a put once it is gone, and the whole transaction with it', async () => {
    const store = open();
    const lease = await store.lease(60);
    await lease.revoke();
    const before = await store.revision();
    const late = store.transact(
      [],
      [
        { put: 'a', value: bytes('') },
        { put: 'b', value: bytes(''), lease: lease.id },
      ],
    );
    await expect(late).rejects.toMatchObject({ reason: 'lease gone' });
    expect((await store.list('')).keyValues).toEqual([]);
    expect(await store.revision()).toBe(before);
  });

  it('spoils no other transaction of the same moment', async () => {
    const store = open();
    const lease = await store.lease(60);
    await lease.revoke();
    const put = (key: string, id?: bigint) =>
      store.transact(
        [],
        [
          { put: `${key}/1`, value: bytes('') },
          { put: key, value: bytes(''), ...(id && { lease: id }) },
        ],
      );
    const results = await Promise.allSettled([put('a'), put('b', lease.id), put('c'), put('d', lease.id), put('e')]);
    expect(results.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
    ]);
    expect((await store.list('')).keyValues.map(({ key }) => key)).toEqual(['a', 'a/1', 'c', 'c/1', 'e', 'e/1']);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses to last %s seconds', async (ttl) => {
    await expect(open().lease(ttl)).rejects.toMatchObject({ reason: 'invalid' });
  });
}
