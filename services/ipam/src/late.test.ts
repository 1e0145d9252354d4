// Requests that are carried out late: by a process that was paused while its caller asked another one, and gave back what he got.
import { type FaultError, Reason } from '@weft/fault';
import { AllocatePoolsRequest, LeaseNumberRequest, LeaseRequest } from '@weft/proto/ipam';
import { openSqliteStore, type Store } from '@weft/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createIpam, type Ipam } from './ipam.ts';

let store: Store;
/** What waits before its transaction, in the slow one. */
let held: (() => void)[] | undefined;
let slow: Ipam;
let quick: Ipam;
let poolId: string;

beforeEach(async () => {
  const inner = openSqliteStore({ file: ':memory:' });
  store = { ...inner, isShared: true };
  held = undefined;
  slow = await createIpam({
    store: {
      ...store,
      async transact(compares, ops) {
        if (held) await new Promise<void>((resolve) => held?.push(resolve));
        return await store.transact(compares, ops);
      },
    },
  });
  quick = await createIpam({ store });
  poolId = (await allocate(quick, 'network/n', '10.1.0.0/24'))[0]!.id;
});
afterEach(async () => await store.close());

const allocate = (ipam: Ipam, owner: string, subnet: string) =>
  ipam.allocatePools(AllocatePoolsRequest.fromPartial({ owner, pools: [{ family: 4, subnet }] }));
const lease = (ipam: Ipam, owner: string) =>
  ipam.lease(LeaseRequest.fromPartial({ owner, items: [{ poolId }] })).then((leases) => leases[0]!.cidr);
const number = (ipam: Ipam, owner: string) =>
  ipam.leaseNumber(LeaseNumberRequest.fromPartial({ owner, range: 'vni', first: 1n, last: 9n }));
const tooLate = (owner: string) => ({
  reason: Reason.CANCELLED,
  message: `${owner} was released meanwhile: this request comes too late`,
});
const all = async () => [
  await quick.listLeases('', ''),
  await quick.listNumbers('', ''),
  await slow.listLeases('', ''),
];
/** Refused in time to be looked at. */
const outcome = (work: Promise<unknown>) => work.catch(({ reason, message }: FaultError) => ({ reason, message }));

async function pause(): Promise<{ untilHeld(count: number): Promise<void>; goOn(): void }> {
  const mine: (() => void)[] = [];
  held = mine;
  return {
    untilHeld: (count) => expect.poll(() => mine.length, { interval: 1 }).toBe(count),
    goOn() {
      held = undefined;
      for (const resolve of mine) resolve();
    },
  };
}

it('are refused when the owner was released, whether it held something by then or not', async () => {
  const { untilHeld, goOn } = await pause();
  const late = [lease(slow, 'e/1'), lease(slow, 'e/2'), number(slow, 'n/1')].map(outcome);
  await untilHeld(3);
  expect(await lease(quick, 'e/1')).toBe('10.1.0.2/24');
  await quick.release(['e/1', 'e/2', 'n/1']);
  goOn();
  expect(await Promise.all(late)).toEqual([tooLate('e/1'), tooLate('e/2'), tooLate('n/1')]);
  expect(await all()).toEqual([[], [], []]);
  // Also when all has caught up.
  expect(await outcome(lease(slow, 'e/1'))).toEqual(tooLate('e/1'));
  expect(await lease(slow, 'e/3')).toMatch(/^10\.1\.0\.\d+\/24$/);
});

it('are given back when they were committed while the owner was being released', async () => {
  const { untilHeld, goOn } = await pause();
  const releasing = slow.release(['e/1']);
  await untilHeld(1);
  expect(await lease(quick, 'e/1')).toBe('10.1.0.2/24');
  goOn();
  await releasing;
  expect(await all()).toEqual([[], [], []]);
});

it('of pools are the same', async () => {
  const { untilHeld, goOn } = await pause();
  const late = outcome(allocate(slow, 'network/a', '10.2.0.0/24'));
  await untilHeld(1);
  await quick.releasePools('network/a');
  // Of the slow one's, a request that waits is alone: the other one is carried out after it.
  goOn();
  expect(await late).toEqual(tooLate('network/a'));
  const second = await pause();
  const releasing = slow.releasePools('network/b');
  await second.untilHeld(1);
  await allocate(quick, 'network/b', '10.3.0.0/24');
  second.goOn();
  await releasing;
  expect((await quick.listPools('')).map(({ owner }) => owner)).toEqual(['network/n']);
});

it('many owners that hold nothing, and names that no owner can have, are no error', async () => {
  const owners = Array.from({ length: 100 }, (_, one) => `e/${one}`);
  await quick.release([...owners, '', 'x'.repeat(2_000), 'a\0b']);
  expect((await store.list('gone/')).keyValues.map(({ key }) => key).sort()).toEqual(
    owners.map((owner) => `gone/${owner}`).sort(),
  );
});
