import type { FaultError } from '@weft/fault';
import { reasonName } from '@weft/fault';
import { AllocatePoolsRequest, LeaseNumberRequest, LeaseRequest, type Pool, type PoolRequest } from '@weft/proto/ipam';
import { openSqliteStore, type Store, StoreError } from '@weft/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseBase } from './default-pools.ts';
import { createIpam, type Ipam } from './ipam.ts';

let store: Store;
let ipam: Ipam;
beforeEach(async () => {
  store = openSqliteStore({ file: ':memory:' });
  ipam = await createIpam({ store });
});
afterEach(() => store.close());

type Extra = Partial<Omit<AllocatePoolsRequest, 'pools'>>;
const allocate = (owner: string, pools: Partial<PoolRequest>[], extra: Extra = {}) =>
  ipam.allocatePools(AllocatePoolsRequest.fromPartial({ owner, pools, ...extra }));
const pool = async (request: Partial<PoolRequest>, owner = 'network/n'): Promise<Pool> =>
  (await allocate(owner, [request]))[0]!;
const lease = async (owner: string, poolId: string, address = '') =>
  (await ipam.lease(LeaseRequest.fromPartial({ owner, items: [{ poolId, address }] })))[0]!.cidr;
const number = (owner: string, wanted: Partial<LeaseNumberRequest> = {}) =>
  ipam.leaseNumber(LeaseNumberRequest.fromPartial({ owner, range: 'vni', first: 10n, last: 12n, ...wanted }));
const subnets = (pools: readonly Pool[]) => pools.map(({ subnet }) => subnet);
/** `REASON message` of what was refused. */
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'accepted',
    (error: FaultError) => `${reasonName(error.reason)} ${error.message}`,
  );
/** The same store, read by a new process. */
const restart = async () => {
  ipam = await createIpam({ store });
};

describe('automatic pools', () => {
  it("are Docker's 31 in order, then none", async () => {
    const seen: string[] = [];
    for (let index = 0; index < 31; index++) seen.push((await pool({ family: 4 }, `network/${index}`)).subnet);
    expect(seen.slice(0, 4)).toEqual(['172.17.0.0/16', '172.18.0.0/16', '172.19.0.0/16', '172.20.0.0/16']);
    expect(seen.slice(14, 17)).toEqual(['172.31.0.0/16', '192.168.0.0/20', '192.168.16.0/20']);
    expect(seen.at(-1)).toBe('192.168.240.0/20');
    expect(await refusal(pool({ family: 4 }, 'network/32'))).toMatch(
      /^POOLS_EXHAUSTED all predefined address pools have been fully subnetted: no IPv4 subnet is free in 172/,
    );
    await ipam.releasePools('network/3');
    expect((await pool({ family: 4 }, 'network/32')).subnet).toBe('172.20.0.0/16');
  });

  it('avoid pools that were asked for, those of other address spaces, and what is excluded', async () => {
    await pool({ family: 4, subnet: '172.17.128.0/24' }, 'network/a');
    await allocate('network/b', [{ family: 4, subnet: '172.18.0.0/16' }], { addressSpace: 'GlobalDefault' });
    const exclude = ['172.19.0.53/32', '172.20.0.0/15', '172.22.0.1', 'fd00::/8', '::/0'];
    const [got] = await allocate('network/c', [{ family: 4 }], { exclude });
    expect(got!.subnet).toBe('172.23.0.0/16');
    expect(await refusal(allocate('network/d', [{ family: 6 }], { exclude }))).toMatch(/^POOLS_EXHAUSTED .*no IPv6/);
    // What one request excluded, another one gets.
    expect((await pool({ family: 4 }, 'network/e')).subnet).toBe('172.19.0.0/16');
  });

  it('avoid the other pools of their request, wherever they stand in it', async () => {
    const wanted = [{ family: 4 }, { family: 4, subnet: '172.17.0.0/24' }, { family: 4 }, { family: 6 }, { family: 6 }];
    const [a, b, c, d, e] = subnets(await allocate('network/a', wanted as Partial<PoolRequest>[]));
    expect([a, b, c]).toEqual(['172.18.0.0/16', '172.17.0.0/24', '172.19.0.0/16']);
    expect(d).toMatch(/^fd[0-9a-f:]+::\/64$/);
    expect(e).toBe(d!.replace('::/64', ':1::/64'));
  });

  it('may be asked for by size', async () => {
    expect((await pool({ family: 4, subnet: '0.0.0.0/26' }, 'network/a')).subnet).toBe('172.17.0.0/26');
    expect((await pool({ family: 4, subnet: '0.0.0.0/26' }, 'network/b')).subnet).toBe('172.17.0.64/26');
    expect((await pool({ family: 4 }, 'network/c')).subnet).toBe('172.18.0.0/16');
    expect((await pool({ family: 4, subnet: '0.0.0.0/14' }, 'network/d')).subnet).toBe('172.20.0.0/14');
    expect((await pool({ family: 6, subnet: '::/80' }, 'network/e')).subnet).toMatch(/::\/80$/);
    expect(await refusal(pool({ family: 4, subnet: '0.0.0.0/8' }, 'network/f'))).toMatch(
      /^POOLS_EXHAUSTED .*no \/8 IPv4/,
    );
  });

  it('come from the pools that the operator named', async () => {
    ipam = await createIpam({ store, localBases: [parseBase('base=10.9.0.0/29,size=30')] });
    expect((await pool({ family: 4 }, 'network/a')).subnet).toBe('10.9.0.0/30');
    expect((await pool({ family: 4 }, 'network/b')).subnet).toBe('10.9.0.4/30');
    expect(await refusal(pool({ family: 4 }, 'network/c'))).toMatch(/^POOLS_EXHAUSTED/);
  });

  it('of global networks come from 10.0.0.0/8 in /24', async () => {
    const [got] = await allocate('network/a', [{ family: 4 }], { addressSpace: 'GlobalDefault' });
    expect(got).toMatchObject({ subnet: '10.0.0.0/24', addressSpace: 'GlobalDefault' });
    expect(await refusal(allocate('network/b', [], { addressSpace: 'Mars' }))).toBe(
      'INVALID_VALUE invalid address space Mars: there are LocalDefault and GlobalDefault',
    );
  });
});

describe('pools that are asked for', () => {
  it.each(['172.28.0.0/16', '172.28.5.0/24', '172.16.0.0/12'])('may not overlap another one: %s', async (subnet) => {
    await pool({ family: 4, subnet: '172.28.0.0/16' }, 'network/first');
    expect(await refusal(pool({ family: 4, subnet }, 'network/second'))).toBe(
      `POOL_OVERLAP invalid pool request: Pool overlaps with other one on this address space: ${subnet} overlaps 172.28.0.0/16 of network/first`,
    );
    const [elsewhere] = await allocate('network/third', [{ family: 4, subnet }], { addressSpace: 'GlobalDefault' });
    expect(elsewhere!.subnet).toBe(subnet);
  });

  it('may not overlap within one request, and then none is made', async () => {
    const wanted = [{ subnet: '10.1.0.0/16' }, { subnet: '10.2.0.0/16' }, { subnet: '10.1.9.0/24' }];
    expect(
      await refusal(
        allocate(
          'network/a',
          wanted.map((one) => ({ family: 4, ...one })),
        ),
      ),
    ).toBe(
      'SUBNETS_OVERLAP invalid pool request: Pool overlaps with other one on this address space: 10.1.9.0/24 overlaps 10.1.0.0/16 of the same request',
    );
    expect(await ipam.listPools('')).toEqual([]);
  });

  it('name all that is wrong with them under one heading', async () => {
    const wanted = [
      { family: 4, subnet: '10.1.0.1/16' },
      { family: 6, subnet: 'x' },
    ];
    expect(await refusal(allocate('network/a', wanted as Partial<PoolRequest>[]))).toBe(
      'INVALID_SUBNET invalid network config:\ninvalid subnet 10.1.0.1/16: it should be 10.1.0.0/16\ninvalid subnet x: invalid CIDR block notation',
    );
  });

  it('are the same when asked for again, also after a restart, and refused when they differ', async () => {
    const wanted = [
      { family: 4, auxAddresses: { b: '10.1.0.9', a: '10.1.0.8' }, subnet: '10.1.0.0/16' },
      { family: 4 },
    ];
    const first = await allocate('network/a', wanted as Partial<PoolRequest>[]);
    expect(await allocate('network/a', wanted as Partial<PoolRequest>[])).toEqual(first);
    await restart();
    expect(await allocate('network/a', wanted as Partial<PoolRequest>[])).toEqual(first);
    expect(await refusal(allocate('network/a', [{ family: 4 }]))).toBe(
      'IN_USE network/a holds other pools already (10.1.0.0/16, 172.17.0.0/16): release them first',
    );
  });

  it('go with all their leases, and going twice is no error', async () => {
    const { id } = await pool({ family: 4 });
    await lease('endpoint/a', id);
    await ipam.releasePools('network/n');
    await ipam.releasePools('network/n');
    expect([await ipam.listPools(''), await ipam.listLeases('', '')]).toEqual([[], []]);
    expect((await store.list('')).keyValues.map(({ key }) => key)).toEqual(['last', 'space/LocalDefault']);
    expect(await refusal(lease('endpoint/a', id))).toBe(`POOL_NOT_FOUND cannot find address pool for poolID:${id}`);
  });

  it('need an owner', async () => {
    expect(await refusal(pool({ family: 4 }, ''))).toBe('MISSING_FIELD an owner is needed');
  });
});

describe('gateways and auxiliary addresses', () => {
  it.each([
    [{ subnet: '10.1.0.0/24' }, '10.1.0.1', 3n, 253n],
    [{ subnet: '10.1.0.0/24', gateway: '10.1.0.254' }, '10.1.0.254', 3n, 253n],
    [{ subnet: '10.1.0.0/24', noGateway: true }, '', 2n, 254n],
    [{ subnet: '10.1.0.0/24', ipRange: '10.1.0.128/25' }, '10.1.0.128', 3n, 126n],
    [{ subnet: '10.1.0.0/24', ipRange: '10.1.0.128/25', gateway: '10.1.0.1' }, '10.1.0.1', 3n, 127n],
    [{ subnet: '10.1.0.0/24', auxAddresses: { x: '10.1.0.1', y: '10.1.0.2' } }, '10.1.0.3', 5n, 251n],
    [{ subnet: '10.1.0.0/30' }, '10.1.0.1', 3n, 1n],
    [{ subnet: '10.1.0.0/31' }, '10.1.0.0', 1n, 1n],
    [{ subnet: '10.1.0.7/32' }, '10.1.0.7', 1n, 0n],
    [{ family: 6, subnet: 'fd00:1::/126' }, 'fd00:1::1', 2n, 2n],
    [{ family: 6, subnet: 'fd00:1::/127' }, 'fd00:1::', 1n, 1n],
    [{ family: 6, subnet: 'fd00:1::5/128' }, 'fd00:1::5', 1n, 0n],
    [{ family: 6, subnet: 'fd00:1::/48' }, 'fd00:1::1', 2n, 2n ** 64n - 1n],
  ] as const)('of %o: %s, %s used, %s free', async (request, gateway, used, free) => {
    const got = await pool({ family: 4, ...request } as Partial<PoolRequest>);
    expect(got).toMatchObject({ gateway, used, free });
    await restart();
    expect(await ipam.listPools('network/n')).toEqual([got]);
  });

  it.each([
    [{ gateway: '10.1.0.0' }, 'failed to allocate gateway (10.1.0.0)', 'network address of the subnet'],
    [{ gateway: '10.1.0.255' }, 'failed to allocate gateway (10.1.0.255)', 'broadcast address of the subnet'],
    [
      { gateway: '10.1.0.9', auxAddresses: { k: '10.1.0.9' } },
      'failed to allocate secondary ip address (k:10.1.0.9)',
      'gateway of the subnet',
    ],
    [
      { auxAddresses: { j: '10.1.0.9', k: '10.1.0.9' } },
      'failed to allocate secondary ip address (k:10.1.0.9)',
      'auxiliary address j of the subnet',
    ],
  ] as const)('may not meet: %o', async (request, doing, because) => {
    const wanted = { family: 4, subnet: '10.1.0.0/24', ...request } as Partial<PoolRequest>;
    expect(await refusal(pool(wanted))).toBe(`ADDRESS_IN_USE ${doing}: Address already in use: it is the ${because}`);
    expect(await ipam.listPools('')).toEqual([]);
  });

  it('need room', async () => {
    const wanted = {
      family: 4,
      subnet: '10.1.0.0/24',
      ipRange: '10.1.0.5/32',
      auxAddresses: { k: '10.1.0.5' },
    } as const;
    expect(await refusal(pool(wanted))).toMatch(
      /^POOL_EXHAUSTED failed to allocate gateway \(\): no available addresses/,
    );
  });
});

describe('leases', () => {
  it('are the lowest free first, released ones last, oldest release first, also after a restart', async () => {
    const { id } = await pool({ family: 4, subnet: '10.1.0.0/29' });
    expect([await lease('e/1', id), await lease('e/2', id), await lease('e/3', id)]).toEqual([
      ...['10.1.0.2/29', '10.1.0.3/29', '10.1.0.4/29'],
    ]);
    await ipam.release(['e/2']);
    await ipam.release(['e/1']);
    await restart();
    expect([await lease('e/4', id), await lease('e/5', id)]).toEqual(['10.1.0.5/29', '10.1.0.6/29']);
    await restart();
    expect([await lease('e/6', id), await lease('e/7', id)]).toEqual(['10.1.0.3/29', '10.1.0.2/29']);
    expect(await refusal(lease('e/8', id))).toBe(
      'POOL_EXHAUSTED no available addresses on this pool: 10.1.0.0/29 of network/n',
    );
    expect((await ipam.listPools(''))[0]).toMatchObject({ used: 8n, free: 0n });
    expect((await ipam.listLeases('', '')).map(({ cidr, owner }) => `${cidr} ${owner}`)).toEqual([
      ...['10.1.0.2/29 e/7', '10.1.0.3/29 e/6', '10.1.0.4/29 e/3', '10.1.0.5/29 e/4', '10.1.0.6/29 e/5'],
    ]);
  });

  it('are the same when asked for again', async () => {
    const { id } = await pool({ family: 4, subnet: '10.1.0.0/24' });
    expect(await lease('e/1', id, '10.1.0.77')).toBe('10.1.0.77/24');
    await restart();
    expect(await lease('e/1', id)).toBe('10.1.0.77/24');
    expect(await lease('e/1', id, '10.1.0.77')).toBe('10.1.0.77/24');
    expect(await refusal(lease('e/1', id, '10.1.0.78'))).toBe(
      'IN_USE e/1 holds 10.1.0.77 of 10.1.0.0/24 of network/n already and asks for 10.1.0.78: release it first',
    );
  });

  it.each([
    ['10.1.0.1', 'ADDRESS_IN_USE Address already in use: 10.1.0.1 is the gateway of network/n'],
    ['10.1.0.9', 'ADDRESS_IN_USE Address already in use: 10.1.0.9 is the auxiliary address dns of network/n'],
    ['10.1.0.0', 'ADDRESS_IN_USE Address already in use: 10.1.0.0 is the network address of the subnet'],
    ['10.1.0.255', 'ADDRESS_IN_USE Address already in use: 10.1.0.255 is the broadcast address of the subnet'],
    ['10.1.0.5', 'ADDRESS_IN_USE Address already in use: e/other holds 10.1.0.5'],
    ['10.2.0.5', 'INVALID_ADDRESS requested address is out of range: 10.2.0.5 is not in 10.1.0.0/24 of network/n'],
    ['fd00::1', 'WRONG_FAMILY invalid address fd00::1: 10.1.0.0/24 of network/n is an IPv4 pool'],
    ['10.1.0.5/24', 'INVALID_ADDRESS invalid address 10.1.0.5/24'],
  ])('of %s are refused', async (address, sentence) => {
    const { id } = await pool({ family: 4, subnet: '10.1.0.0/24', auxAddresses: { dns: '10.1.0.9' } });
    await lease('e/other', id, '10.1.0.5');
    expect(await refusal(lease('e/1', id, address))).toBe(sentence);
  });

  it('may lie outside of the ip-range when asked for, never when chosen', async () => {
    const { id } = await pool({ family: 4, subnet: '10.1.0.0/24', ipRange: '10.1.0.8/30', gateway: '10.1.0.1' });
    expect(await lease('e/x', id, '10.1.0.200')).toBe('10.1.0.200/24');
    const chosen: string[] = [];
    for (const owner of ['a', 'b', 'c', 'd']) chosen.push(await lease(owner, id));
    expect(chosen).toEqual(['10.1.0.8/24', '10.1.0.9/24', '10.1.0.10/24', '10.1.0.11/24']);
    expect(await refusal(lease('e', id))).toMatch(/^POOL_EXHAUSTED/);
    await ipam.release(['e/x']);
    expect(await refusal(lease('e', id))).toMatch(/^POOL_EXHAUSTED/);
  });

  it('of one request come all or none', async () => {
    const [four, six] = await allocate('network/n', [{ family: 4, subnet: '10.1.0.0/29' }, { family: 6 }]);
    const both = (owner: string, address = '') =>
      ipam.lease(LeaseRequest.fromPartial({ owner, items: [{ poolId: six!.id }, { poolId: four!.id, address }] }));
    expect((await both('e/1')).map(({ cidr }) => cidr)).toEqual([six!.subnet.replace('/', '2/'), '10.1.0.2/29']);
    const before = await store.revision();
    expect(await refusal(both('e/2', '10.1.0.2'))).toMatch(/^ADDRESS_IN_USE/);
    expect(await store.revision()).toBe(before);
    expect((await both('e/2'))[0]!.cidr).toBe(six!.subnet.replace('/', '3/'));
    const twice = { owner: 'e/3', items: [{ poolId: four!.id }, { poolId: four!.id }] };
    expect(await refusal(ipam.lease(LeaseRequest.fromPartial(twice)))).toMatch(/^CONFLICTING_FIELDS/);
  });

  it('take a MAC address, if it is one', async () => {
    const { id } = await pool({ family: 4 });
    const withMac = (macAddress: string) =>
      ipam.lease(LeaseRequest.fromPartial({ owner: 'e/1', items: [{ poolId: id, macAddress }] }));
    expect(await refusal(withMac('01:00:5e:00:00:01'))).toMatch(/^INVALID_MAC/);
    expect(await withMac('02:42:ac:11:00:02')).toHaveLength(1);
  });

  it('are released of many owners at once; what is not there is no error', async () => {
    const { id } = await pool({ family: 4 });
    const owners = Array.from({ length: 200 }, (_, index) => `e/${index}`);
    await Promise.all(owners.map((owner) => lease(owner, id)));
    await number('e/7');
    await ipam.release([...owners, ...owners, 'nobody']);
    expect([await ipam.listLeases('', ''), await ipam.listNumbers('', '')]).toEqual([[], []]);
    await ipam.release(owners);
    expect((await ipam.listPools(''))[0]!.used).toBe(3n);
  });

  it('are listed by owner and by pool', async () => {
    const [a, b] = await allocate('network/n', [{ family: 4 }, { family: 6 }]);
    for (const owner of ['e/1', 'e/10', 'f/1']) await lease(owner, a!.id);
    await lease('e/1', b!.id);
    expect((await ipam.listLeases('e/1', a!.id)).map(({ owner }) => owner)).toEqual(['e/1', 'e/10']);
    expect((await ipam.listLeases('e/1', '')).map(({ poolId }) => poolId)).toEqual([a!.id, a!.id, b!.id]);
  });
});

describe('numbers', () => {
  it('are leased as addresses are', async () => {
    expect([await number('n/1'), await number('n/2'), await number('n/1')]).toEqual([10n, 11n, 10n]);
    await ipam.release(['n/1']);
    await restart();
    expect([await number('n/3'), await number('n/4')]).toEqual([12n, 10n]);
    expect(await refusal(number('n/5'))).toBe('POOL_EXHAUSTED no available numbers in the range vni 10-12');
    expect((await ipam.listNumbers('n/', 'vni')).map(({ owner, number: held }) => `${held} ${owner}`)).toEqual([
      ...['10 n/4', '11 n/2', '12 n/3'],
    ]);
    expect(await number('n/5', { last: 13n })).toBe(13n);
    expect(await number('n/1', { range: 'vip' })).toBe(10n);
  });

  it.each([
    [{ number: 9n }, 'INVALID_VALUE requested number is out of range: 9 is not in vni 10-12'],
    [{ number: 10n }, 'IN_USE number already in use: n/other holds 10 of vni'],
    [{ first: 0n }, 'INVALID_VALUE range vni: 0 to 12 is no range of numbers from 1'],
    [{ last: 9n }, 'INVALID_VALUE range vni: 10 to 9 is no range of numbers from 1'],
    [{ range: 'a/b' }, 'INVALID_NAME invalid range name "a/b"'],
    [{ owner: '' }, 'MISSING_FIELD an owner is needed'],
  ])('are refused: %o', async (request, sentence) => {
    await number('n/other');
    expect(await refusal(number('n/1', request))).toBe(sentence);
  });

  it('that differ from what the owner has are refused', async () => {
    expect(await number('n/1', { number: 12n })).toBe(12n);
    expect(await refusal(number('n/1', { number: 11n }))).toBe(
      'IN_USE n/1 holds 12 of the range vni already and asks for 11: release it first',
    );
  });
});

/** A store whose transactions can be held back and made to fail. */
function unruly(inner: Store) {
  let waiting: (() => void)[] = [];
  const self = {
    holds: false,
    failure: undefined as StoreError | undefined,
    refuses: 0,
    /** So many transactions happen, and their answers do not come. */
    loses: 0,
    count: 0,
    waiting: () => waiting.length,
    letGo: () => {
      for (const go of waiting) go();
      waiting = [];
    },
    store: {
      ...inner,
      async transact(...args: Parameters<Store['transact']>) {
        self.count++;
        if (self.holds) await new Promise<void>((resolve) => waiting.push(resolve));
        if (self.failure) throw self.failure;
        if (self.refuses > 0) {
          self.refuses--;
          return { committed: false, revision: await inner.revision() };
        }
        const done = await inner.transact(...args);
        if (self.loses === 0) return done;
        self.loses--;
        throw new StoreError('unknown', 'the answer was lost');
      },
    } satisfies Store,
  };
  return self;
}

describe('with an unruly store', () => {
  it('sixteen leases are under way at once, none is answered before its commit, and all differ', async () => {
    const { id } = await pool({ family: 4 });
    const slow = unruly(store);
    ipam = await createIpam({ store: slow.store });
    slow.holds = true;
    let answered = 0;
    const all = Array.from({ length: 16 }, (_, index) =>
      lease(`e/${index}`, id).finally(() => {
        answered++;
      }),
    );
    await expect.poll(() => slow.waiting()).toBe(16);
    expect([answered, await ipam.listLeases('', '')]).toEqual([0, []]);
    slow.letGo();
    expect(new Set(await Promise.all(all)).size).toBe(16);
  });

  it('the same owner asking twice at once gets one address', async () => {
    const { id } = await pool({ family: 4 });
    const both = await Promise.all([lease('e/1', id), lease('e/1', id)]);
    expect(both).toEqual(['172.17.0.2/16', '172.17.0.2/16']);
    expect(await ipam.listLeases('', '')).toHaveLength(1);
  });

  it('an address is not free before its release is durable', async () => {
    const { id } = await pool({ family: 4, subnet: '10.1.0.0/30' });
    const slow = unruly(store);
    ipam = await createIpam({ store: slow.store });
    await lease('e/1', id);
    slow.holds = true;
    const releasing = ipam.release(['e/1']);
    await expect.poll(() => slow.waiting()).toBe(1);
    expect(await refusal(lease('e/2', id))).toMatch(/^POOL_EXHAUSTED/);
    slow.holds = false;
    slow.letGo();
    await releasing;
    expect(await lease('e/2', id)).toBe('10.1.0.2/30');
  });

  it('a failed transaction leaves nothing behind', async () => {
    const bad = unruly(store);
    ipam = await createIpam({ store: bad.store });
    const { id } = await pool({ family: 4, subnet: '10.1.0.0/29' });
    await lease('e/1', id);
    await lease('e/2', id);
    await ipam.release(['e/1']);
    await number('n/1');
    const seen = async () => [await ipam.listPools(''), await ipam.listLeases('', ''), await ipam.listNumbers('', '')];
    const before = await seen();
    bad.failure = new StoreError('full', 'no space is left');
    const full = 'STORE_FAILED [full] no space is left';
    expect(await refusal(lease('e/3', id))).toBe(full);
    expect(await refusal(lease('e/3', id, '10.1.0.2'))).toBe(full);
    expect(await refusal(ipam.release(['e/2', 'n/1']))).toBe(full);
    expect(await refusal(ipam.releasePools('network/n'))).toBe(full);
    expect(await refusal(pool({ family: 4 }, 'network/m'))).toBe(full);
    expect(await refusal(number('n/2'))).toBe(full);
    expect(await seen()).toEqual(before);
    bad.failure = undefined;
    const next: string[] = [];
    for (const owner of ['e/4', 'e/5', 'e/6', 'e/7']) next.push(await lease(owner, id));
    expect(next).toEqual(['10.1.0.4/29', '10.1.0.5/29', '10.1.0.6/29', '10.1.0.2/29']);
    expect((await pool({ family: 4 }, 'network/m')).subnet).toBe('172.17.0.0/16');
    expect(await number('n/2')).toBe(11n);
  });

  it('a lost answer is not believed in either way: the store is read, and decided on anew', async () => {
    const bad = unruly(store);
    ipam = await createIpam({ store: bad.store });
    const { id } = await pool({ family: 4, subnet: '10.1.0.0/29' });
    // It happened, and nobody was told.
    bad.loses = 1;
    expect(await lease('e/1', id)).toBe('10.1.0.2/29');
    bad.loses = 1;
    await ipam.releasePools('network/n');
    expect([await ipam.listPools(''), await ipam.listLeases('', '')]).toEqual([[], []]);
    const others = await createIpam({ store });
    expect(await others.listPools('')).toEqual([]);
  });

  it('a store that another one wrote is read anew', async () => {
    const { id } = await pool({ family: 4, subnet: '10.1.0.0/29' });
    const other = await createIpam({ store });
    expect(await lease('e/1', id)).toBe('10.1.0.2/29');
    const request = LeaseRequest.fromPartial({ owner: 'e/2', items: [{ poolId: id }] });
    expect((await other.lease(request))[0]!.cidr).toBe('10.1.0.3/29');
    await other.releasePools('network/n');
    expect(await refusal(lease('e/3', id))).toMatch(/^POOL_NOT_FOUND/);
    expect((await pool({ family: 4 }, 'network/a')).subnet).toBe('172.17.0.0/16');
    const [theirs] = await other.allocatePools(
      AllocatePoolsRequest.fromPartial({ owner: 'n', pools: [{ family: 4 }] }),
    );
    expect(theirs!.subnet).toBe('172.18.0.0/16');
  });

  it('a store that always refuses ends in a conflict, and harms nothing', async () => {
    const { id } = await pool({ family: 4, subnet: '10.1.0.0/29' });
    const bad = unruly(store);
    ipam = await createIpam({ store: bad.store });
    bad.refuses = Number.POSITIVE_INFINITY;
    expect(await refusal(lease('e/1', id))).toBe('CONFLICT other writers were faster 32 times: try again');
    bad.refuses = 1;
    // After a collision not the lowest one: others may go for that.
    const cidr = await lease('e/1', id);
    expect(await ipam.listLeases('', '')).toEqual([{ owner: 'e/1', poolId: id, cidr }]);
  });
});

describe('releases', () => {
  it('are forgotten beyond what is remembered, in the store too', async () => {
    const { id } = await pool({ family: 4, subnet: '10.1.0.0/24' });
    const { followStore } = await import('./follow.ts');
    const { releaseOwners } = await import('./release.ts');
    const { defaultBases } = await import('./default-pools.ts');
    const owners = Array.from({ length: 10 }, (_, index) => `e/${index}`);
    for (const owner of owners) await lease(owner, id);
    const follower = await followStore(store, defaultBases(store.id, []), (work) => work());
    for (const owner of owners) {
      for (const draft of releaseOwners(follower.index, [owner], { remember: 4 })) {
        const { committed, revision } = await store.transact(draft.compares, draft.ops);
        expect(committed).toBe(true);
        follower.committed(draft.ops, revision);
      }
    }
    const remembered = async () => (await store.list('released/')).keyValues.map(({ key }) => key.split('/')[2]);
    expect(await remembered()).toEqual(['10.1.0.10', '10.1.0.11', '10.1.0.8', '10.1.0.9']);
    await restart();
    expect(await lease('e/again', id)).toBe('10.1.0.2/24');
  });
});
