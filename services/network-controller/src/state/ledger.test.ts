// The ledger on a store as a cluster's is: its revisions count others' changes too, and it may be away.
import { Reason } from '@weft/fault';
import { openSqliteStore, type Store, StoreError } from '@weft/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Ledger, openLedger } from './ledger.ts';

const mark = 'name/network/web';
const nothing = new Uint8Array();
let inner: Store;
let ledger: Ledger;
/** What the next transaction fails with. */
let failure: StoreError | undefined;

beforeEach(async () => {
  inner = openSqliteStore({ file: ':memory:' });
  failure = undefined;
  const shared: Store = {
    ...inner,
    async transact(compares, ops) {
      if (failure !== undefined) throw failure;
      const { committed, revision } = await inner.transact(compares, ops);
      // Nothing of this store happened at the revision, and nothing may for long.
      return { committed, revision: (committed ? revision : revision + 1000n) as typeof revision };
    },
  };
  ledger = await openLedger(shared, () => 0);
});
afterEach(() => ledger.close());

it('says that another writer was faster once it knows what he wrote, whatever the revision', async () => {
  const { revision } = await inner.transact([], [{ put: mark, value: nothing }]);
  const late = ledger.commit([{ key: mark, modRevision: 0n }], [{ put: mark, value: nothing }]);
  await expect(late).rejects.toMatchObject({ reason: Reason.CONFLICT });
  expect(ledger.view.marks.get(mark)).toBe(revision);
  await inner.transact([], [{ delete: mark }]);
  const later = ledger.commit([{ key: mark, modRevision: revision }], [{ put: mark, value: nothing }]);
  await expect(later).rejects.toMatchObject({ reason: Reason.CONFLICT });
  expect(ledger.view.marks.has(mark)).toBe(false);
});

it.each([
  ['unavailable', Reason.SERVICE_UNAVAILABLE],
  ['unknown', Reason.SERVICE_UNAVAILABLE],
  ['full', Reason.STORE_FAILED],
  ['closed', Reason.STOPPING],
] as const)('says that the store is %s', async (why, reason) => {
  failure = new StoreError(why, 'etcd http://h:2379: no');
  await expect(ledger.commit([], [{ put: mark, value: nothing }])).rejects.toMatchObject({
    // A fault's own text begins with the code: unavailable is said once.
    ...{ reason, message: `${why === 'unavailable' ? '' : `[${why}] `}etcd http://h:2379: no` },
  });
});
