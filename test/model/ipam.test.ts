// ipam against a naive model that scans every address: random pools, leases, releases and restarts must look the same.
// No address has two owners (I1); the order is lowest fresh first, then oldest release first; an allocation is
// exhausted exactly when the model's is.
import { type FaultError, reasonName } from '@weft/fault';
import { createIpam, type Ipam } from '@weft/ipam';
import { AllocatePoolsRequest, LeaseRequest, PoolRequest } from '@weft/proto/ipam';
import { openSqliteStore, type Store } from '@weft/store';
import fc from 'fast-check';
import { expect, it } from 'vitest';

/** The pools there can be: network number to the last byte of its addresses that may be chosen, and that exist. */
const NETWORKS = [
  { request: { subnet: '10.0.0.0/29' }, choosable: [2, 3, 4, 5, 6], all: [2, 3, 4, 5, 6] },
  { request: { subnet: '10.0.1.0/31', noGateway: true }, choosable: [0, 1], all: [0, 1] },
  {
    request: { subnet: '10.0.2.0/28', ipRange: '10.0.2.8/30', gateway: '10.0.2.1', auxAddresses: { x: '10.0.2.9' } },
    choosable: [8, 10, 11],
    all: [2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14],
  },
  { request: { subnet: '10.0.3.4/30' }, choosable: [6], all: [6] },
];
const OWNERS = ['a', 'b', 'c', 'd', 'e', 'f'];

interface ModelPool {
  readonly held: Map<number, string>;
  /** Oldest first. */
  released: number[];
}
/** By network; absent: not allocated. */
type Model = Map<number, ModelPool>;
interface System {
  readonly store: Store;
  ipam: Ipam;
  readonly poolIds: Map<number, string>;
}

const text = (network: number, last: number) => `10.0.${network}.${last}`;
const outcome = (work: Promise<string[]>) => work.catch((error: FaultError) => [`refused ${reasonName(error.reason)}`]);
const next = (network: number, pool: ModelPool): number | undefined =>
  NETWORKS[network]!.choosable.find((last) => !pool.held.has(last) && !pool.released.includes(last)) ??
  pool.released[0];

/** What the naive model answers, and does, for one lease. */
function modelLease(model: Model, network: number, owner: string, wanted: number | undefined): string[] {
  const pool = model.get(network);
  if (!pool) return ['refused POOL_NOT_FOUND'];
  const length = NETWORKS[network]!.request.subnet.split('/')[1];
  const held = [...pool.held].find(([, other]) => other === owner)?.[0];
  if (held !== undefined) {
    return wanted === undefined || wanted === held ? [`${text(network, held)}/${length}`] : ['refused IN_USE'];
  }
  const last = wanted ?? next(network, pool);
  if (last === undefined) return ['refused POOL_EXHAUSTED'];
  if (pool.held.has(last)) return ['refused ADDRESS_IN_USE'];
  pool.held.set(last, owner);
  pool.released = pool.released.filter((other) => other !== last);
  return [`${text(network, last)}/${length}`];
}

type Step =
  | { readonly do: 'allocate' | 'remove'; readonly network: number }
  | { readonly do: 'lease'; readonly network: number; readonly owner: string; readonly pick: number | undefined }
  | { readonly do: 'crowd'; readonly network: number }
  | { readonly do: 'release'; readonly owners: readonly string[] }
  | { readonly do: 'restart' };

const lease = (system: System, network: number, owner: string, address: string) =>
  system.ipam
    .lease(LeaseRequest.fromPartial({ owner, items: [{ poolId: system.poolIds.get(network) ?? 'none', address }] }))
    .then((leases) => leases.map(({ cidr }) => cidr));

async function run(step: Step, model: Model, system: System): Promise<void> {
  switch (step.do) {
    case 'allocate': {
      const pools = [PoolRequest.fromPartial({ family: 4, ...NETWORKS[step.network]!.request })];
      const owner = `network/${step.network}`;
      const [pool] = await system.ipam.allocatePools(AllocatePoolsRequest.fromPartial({ owner, pools }));
      // Saying it twice changes nothing.
      if (model.has(step.network)) expect(pool!.id).toBe(system.poolIds.get(step.network));
      else model.set(step.network, { held: new Map(), released: [] });
      system.poolIds.set(step.network, pool!.id);
      return;
    }
    case 'remove':
      model.delete(step.network);
      return system.ipam.releasePools(`network/${step.network}`);
    case 'lease': {
      const { all } = NETWORKS[step.network]!;
      const wanted = step.pick === undefined ? undefined : all[step.pick % all.length]!;
      const address = wanted === undefined ? '' : text(step.network, wanted);
      const got = outcome(lease(system, step.network, step.owner, address));
      expect(await got).toEqual(modelLease(model, step.network, step.owner, wanted));
      return;
    }
    case 'crowd': {
      // Everybody at once; decided in the order in which they came.
      const got = OWNERS.map((owner) => outcome(lease(system, step.network, owner, '')));
      expect(await Promise.all(got)).toEqual(OWNERS.map((owner) => modelLease(model, step.network, owner, undefined)));
      return;
    }
    case 'release':
      for (const owner of new Set(step.owners)) {
        for (const [network, pool] of model) {
          const held = [...pool.held].find(([, other]) => other === owner)?.[0];
          if (held === undefined) continue;
          pool.held.delete(held);
          if (NETWORKS[network]!.choosable.includes(held)) pool.released.push(held);
        }
      }
      return system.ipam.release(step.owners);
    case 'restart':
      system.ipam = await createIpam({ store: system.store });
  }
}

async function check(model: Model, { ipam, poolIds }: System): Promise<void> {
  const expected = [...model].flatMap(([network, { held }]) =>
    [...held].map(([last, owner]) => `${text(network, last)} ${owner}`),
  );
  const listed = (await ipam.listLeases('', '')).map(({ cidr, owner }) => `${cidr.split('/')[0]} ${owner}`);
  expect(listed.sort()).toEqual(expected.sort());
  for (const [network, { held }] of model) {
    const { choosable, all } = NETWORKS[network]!;
    const [pool] = await ipam.listPools(`network/${network}`);
    expect(pool!.id).toBe(poolIds.get(network));
    expect(pool!.free).toBe(BigInt(choosable.filter((last) => !held.has(last)).length));
    const width = 2 ** (32 - Number(NETWORKS[network]!.request.subnet.split('/')[1]));
    expect(pool!.used).toBe(BigInt(width - all.length + held.size));
  }
}

const network = fc.nat(NETWORKS.length - 1);
const owner = fc.constantFrom(...OWNERS);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('allocate' as const), network }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), network }) },
  {
    weight: 8,
    arbitrary: fc.record({
      ...{ do: fc.constant('lease' as const), network, owner },
      pick: fc.option(fc.nat(20), { nil: undefined, freq: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crowd' as const), network }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('release' as const), owners: fc.array(owner, { maxLength: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

it('behaves as the model', { timeout: 120_000 }, async () => {
  const all: Step[] = NETWORKS.map((_, index) => ({ do: 'allocate', network: index }));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
      const store = openSqliteStore({ file: ':memory:' });
      const system: System = { store, ipam: await createIpam({ store }), poolIds: new Map() };
      const model: Model = new Map();
      try {
        for (const one of [...all, ...steps]) {
          await run(one, model, system);
          await check(model, system);
        }
      } finally {
        await store.close();
      }
    }),
    { numRuns: 150 },
  );
});
