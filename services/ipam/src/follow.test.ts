// A watch that fell behind what was compacted: the store is read anew, while requests come.
import { AllocatePoolsRequest, LeaseRequest } from '@weft/proto/ipam';
import { openSqliteStore, type Store } from '@weft/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createIpam, type Ipam } from './ipam.ts';

let store: Store;
/** Each watch that was begun, and whether the history was gone. */
let watches: ('began' | 'compacted')[];
let gate: Promise<void>;
let open: () => void;
let behind: Ipam;
let other: Ipam;
let poolId: string;

const shut = () => {
  const made = Promise.withResolvers<void>();
  gate = made.promise;
  open = made.resolve;
};
const lease = (ipam: Ipam, owner: string) =>
  ipam.lease(LeaseRequest.fromPartial({ owner, items: [{ poolId }] })).then((leases) => leases[0]!.cidr);
const holders = async (ipam: Ipam) => (await ipam.listLeases('', '')).map(({ cidr, owner }) => `${cidr} ${owner}`);

beforeEach(async () => {
  const inner = openSqliteStore({ file: ':memory:' });
  store = { ...inner, isShared: true };
  watches = [];
  gate = Promise.resolve();
  behind = await createIpam({
    store: {
      ...store,
      async *watch(prefix, from, signal) {
        watches.push('began');
        // Shut: nothing is read of the history.
        await gate;
        for await (const item of store.watch(prefix, from, signal)) {
          if ('compacted' in item) watches.push('compacted');
          yield item;
          await gate;
        }
      },
    },
  });
  other = await createIpam({ store });
  const [pool] = await other.allocatePools(
    AllocatePoolsRequest.fromPartial({ owner: 'network/n', pools: [{ family: 4, subnet: '10.1.0.0/24' }] }),
  );
  poolId = pool!.id;
  for (const owner of ['e/1', 'e/2', 'e/3']) await lease(behind, owner);
});
afterEach(async () => await store.close());

it('a compacted history is no loss: what others did meanwhile is known, what was under way is answered', async () => {
  shut();
  // One item may be on its way: the gate is behind it.
  await lease(other, 'e/4');
  const from = await store.revision();
  await other.release(['e/1', 'e/2']);
  for (const owner of ['e/5', 'e/6']) await lease(other, owner);
  const [gone] = await other.allocatePools(
    AllocatePoolsRequest.fromPartial({ owner: 'network/gone', pools: [{ family: 4, subnet: '10.2.0.0/24' }] }),
  );
  await other.releasePools('network/gone');
  await store.compact(await store.revision());
  expect(await store.revision()).toBeGreaterThan(from);
  // It knows nothing of these yet: the lowest that it takes for free is another's.
  const underWay = [lease(behind, 'e/7'), lease(behind, 'e/3'), behind.release(['e/4'])];
  open();
  const [seventh, third] = await Promise.all(underWay);
  expect(third).toBe('10.1.0.4/24');
  expect(watches).toEqual(['began', 'compacted', 'began']);
  const seen = await holders(other);
  expect(seen).toEqual(expect.arrayContaining([`${seventh} e/7`, '10.1.0.4/24 e/3']));
  expect(seen.map((one) => one.split(' ')[1]).sort()).toEqual(['e/3', 'e/5', 'e/6', 'e/7']);
  expect(await holders(behind)).toEqual(seen);
  expect((await behind.listPools('')).map(({ id, free }) => [id, free])).toEqual([[poolId, 249n]]);
  await expect(behind.lease(LeaseRequest.fromPartial({ owner: 'e/8', items: [{ poolId: gone!.id }] }))).rejects.toThrow(
    'cannot find address pool',
  );
  // The order of releases too: fresh ones first.
  expect(await lease(behind, 'e/9')).toBe(await lease(other, 'e/9'));
});
