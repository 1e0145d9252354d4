// Who holds which address: I1 (one owner each), I2 (each owner has a record), I6 (no new owner while an old one is known).
import { containsAddress, overlaps, parseAddress, parsePrefix } from '@weft/address';
import { WEFT_PROTOCOL } from '@weft/kernel';
import { Phase } from '@weft/proto/model';
import { reservedIn } from '../../services/ipam/src/pool.ts';
import { type Facts, short, type Verdict } from './facts.ts';
import type { KernelFacts } from './kernel.ts';

const bare = (cidr: string): string => cidr.split('/')[0] ?? '';

interface Holding {
  readonly place: string;
  readonly address: string;
  readonly holder: string;
}

function* holdings({ networks, endpoints, services, stored }: Facts): Generator<Holding> {
  for (const { id, desired } of networks) {
    for (const pool of desired?.pools ?? []) {
      if (pool.gateway !== '') yield { place: pool.poolId, address: pool.gateway, holder: `gateway of ${short(id)}` };
      for (const [name, address] of Object.entries(pool.auxAddresses))
        yield { place: pool.poolId, address, holder: `${name} of ${short(id)}` };
    }
  }
  for (const { id, desired } of endpoints)
    for (const { poolId, cidr } of desired?.addresses ?? [])
      yield { place: poolId, address: bare(cidr), holder: `endpoint/${id}` };
  for (const { id, desired } of services)
    for (const { poolId, cidr } of desired?.addresses ?? [])
      yield { place: poolId, address: bare(cidr), holder: `service/${id}` };
  for (const { poolId, address, owner } of stored?.leases ?? []) yield { place: poolId, address, holder: owner };
}

/** Addresses in the kernel, by the bridge that they are reached over. */
function* seen({ wanted }: Facts, kernel: KernelFacts): Generator<Holding> {
  for (const { spec } of wanted) {
    if (spec?.$case === 'bridge') {
      const link = kernel.host.links.find((one) => one.name === spec.value.name);
      for (const one of kernel.host.addresses)
        if (one.link === link?.index && one.protocol === WEFT_PROTOCOL)
          yield { place: spec.value.name, address: bare(one.address), holder: 'the bridge' };
    } else if (spec?.$case === 'veth') {
      const there = kernel.sandboxes.get(spec.value.sandboxId);
      const link = there?.links.find((one) => one.name === spec.value.name);
      for (const one of there?.addresses ?? [])
        if (one.link === link?.index && one.scope === 0)
          yield { place: spec.value.bridge, address: bare(one.address), holder: `endpoint/${spec.value.endpointId}` };
    }
  }
}

export function checkOwners(facts: Facts, kernel: KernelFacts): Verdict {
  const broken: string[] = [];
  let count = 0;
  for (const one of [holdings(facts), seen(facts, kernel)]) {
    const owners = new Map<string, string>();
    for (const { place, address, holder } of one) {
      const key = `${place} ${address}`;
      const other = owners.get(key);
      if (other !== undefined && other !== holder) broken.push(`${address} of ${place}: ${other} and ${holder}`);
      owners.set(key, holder);
    }
    count += owners.size;
  }
  const subnets = facts.pools.map((pool) => ({ pool, prefix: parsePrefix(pool.subnet) }));
  for (const [at, { pool, prefix }] of subnets.entries()) {
    for (const other of subnets.slice(at + 1)) {
      if (pool.addressSpace !== other.pool.addressSpace || prefix === undefined || other.prefix === undefined) continue;
      if (overlaps(prefix, other.prefix)) broken.push(`pools ${pool.subnet} and ${other.pool.subnet} overlap`);
    }
  }
  return { invariant: 'I1', count, of: 'addresses', broken };
}

/** Endpoints and services, as ipam names them. */
const leaseHolders = ({ endpoints, services }: Facts) => [
  ...endpoints.map(({ id, networkId, desired }) => ({ owner: `endpoint/${id}`, networkId, desired })),
  ...services.map(({ id, networkId, desired }) => ({ owner: `service/${id}`, networkId, desired })),
];

export function checkLeases(facts: Facts): Verdict {
  const { networks, pools, waiting, stored } = facts;
  const holders = leaseHolders(facts);
  const owners = new Set([...networks.map((one) => `network/${one.id}`), ...holders.map((one) => one.owner)]);
  const broken = pools
    .filter((pool) => !owners.has(pool.owner))
    .map((pool) => `pool ${pool.subnet} of ${pool.owner}, which has no record`);
  const held = new Map(pools.map((pool) => [pool.id, 0]));
  for (const { owner, desired } of holders.filter((one) => one.desired?.phase === Phase.READY)) {
    for (const { poolId, cidr } of desired?.addresses ?? []) {
      const has = stored?.leases.some(
        (lease) => lease.poolId === poolId && lease.address === bare(cidr) && lease.owner === owner,
      );
      if (has === false || !held.has(poolId)) broken.push(`${cidr} of ${owner.slice(0, 21)} is not leased to it`);
      held.set(poolId, (held.get(poolId) ?? 0) + 1);
    }
  }
  for (const { id, desired } of networks)
    for (const pool of desired?.phase === Phase.READY ? desired.pools : [])
      if (!held.has(pool.poolId)) broken.push(`pool ${pool.subnet} of network ${short(id)} is not in ipam`);
  let count = pools.length;
  if (stored !== undefined) {
    count += stored.leases.length;
    for (const { owner, address } of stored.leases)
      if (!owners.has(owner)) broken.push(`${address} is leased to ${owner}, which has no record`);
  } else {
    // ipam is not in the public API: its counts must be exactly what the records explain.
    const networkOf = new Map(
      networks.flatMap((one) => one.desired?.pools.map((pool) => [pool.poolId, one.id] as const) ?? []),
    );
    for (const pool of pools) {
      const prefix = parsePrefix(pool.subnet);
      if (prefix === undefined) continue;
      const isInside = (cidr: string) => {
        const address = parseAddress(bare(cidr));
        return address !== undefined && containsAddress(prefix, address);
      };
      const going = waiting.filter((one) => one.networkId === networkOf.get(pool.id) && isInside(one.cidr)).length;
      const own = new Set([pool.gateway, ...Object.values(pool.auxAddresses)].filter((one) => one !== '')).size;
      const explained = BigInt((held.get(pool.id) ?? 0) + going + own + reservedIn(prefix).size);
      count += Number(explained);
      if (pool.used !== explained)
        broken.push(`pool ${pool.subnet} holds ${pool.used} addresses, records explain ${explained}`);
    }
  }
  return { invariant: 'I2', count, of: 'pools and leases', broken };
}

export function checkReuse(facts: Facts): Verdict {
  const held = new Map<string, string>();
  for (const { owner, networkId, desired } of leaseHolders(facts)) {
    if (desired?.phase === Phase.DELETING) continue;
    for (const { cidr } of desired?.addresses ?? []) held.set(`${networkId} ${bare(cidr)}`, owner);
  }
  const broken = facts.waiting.flatMap(({ networkId, cidr }) => {
    const next = held.get(`${networkId} ${bare(cidr)}`);
    return next === undefined ? [] : [`${cidr} is held by ${next.slice(0, 21)} while hosts still know another one`];
  });
  return { invariant: 'I6', count: held.size + facts.waiting.length, of: 'held and waiting addresses', broken };
}
