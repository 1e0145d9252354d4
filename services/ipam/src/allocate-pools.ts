// Decides which subnets an owner gets. Explicit ones may not overlap a pool of their address space; chosen ones avoid
// every pool there is, the explicit ones of the same request, and what the caller excludes.
import { formatAddress, formatPrefix, overlaps, type Prefix, parseAddress, parseCidr, prefixOf } from '@weft/address';
import { type FaultError, fault, joinFaults, Reason } from '@weft/fault';
import { type AllocatePoolsRequest, Pool as PoolMessage, PoolRequest, StoredPool } from '@weft/proto/ipam';
import type { Revision } from '@weft/store';
import { chooseSubnet } from './choose-subnet.ts';
import { type Base, LOCAL } from './default-pools.ts';
import type { Draft } from './draft.ts';
import type { IpamIndex } from './ipam-index.ts';
import { poolKey, spaceKey } from './keys.ts';
import { checkOwner } from './owner.ts';
import { addressText, choosable, type Pool, poolMessage, poolName, poolOf, reservedIn } from './pool.ts';
import { readSubnetRequest, type SubnetRequest } from './subnet-request.ts';

/** Releasing them takes four operations each, in one transaction. */
const MOST_POOLS = 30;
const OVERLAP = 'invalid pool request: Pool overlaps with other one on this address space';

/** The owner's pools, as they are or as the draft makes them. `newId` gives a new pool id at each call. */
export function allocatePools(
  index: IpamIndex,
  request: AllocatePoolsRequest,
  draft: Draft,
  newId: () => string,
): PoolMessage[] {
  const { owner } = request;
  checkOwner(owner);
  if (request.pools.length > MOST_POOLS) {
    throw fault(Reason.REQUEST_TOO_LARGE, `${request.pools.length} pools in one request: at most ${MOST_POOLS}`);
  }
  const spaceName = request.addressSpace || LOCAL;
  const space = index.spaces.get(spaceName);
  if (!space) {
    const known = [...index.spaces.keys()].join(' and ');
    throw fault(Reason.INVALID_VALUE, `invalid address space ${spaceName}: there are ${known}`, {
      field: 'address_space',
    });
  }
  const held = index.poolsOfOwner(owner);
  if (held.length > 0) return sameAgain(held, spaceName, request.pools);

  const wanted = readAll(request.pools);
  const excluded = readExcluded(request.exclude);
  const explicit = wanted.map(({ subnet }) => (typeof subnet === 'object' ? subnet : undefined));
  checkApart(explicit);
  for (const subnet of explicit) {
    const other = subnet && space.pools.overlapping(subnet);
    if (other) throw overlapFault(Reason.POOL_OVERLAP, subnet, poolName(other), other.owner);
  }
  const avoid = [...explicit.filter((subnet) => subnet !== undefined), ...excluded];
  const pools = wanted.map((one, place) => {
    const subnet = explicit[place] ?? chooseFor(index, spaceName, one, avoid);
    const pool = makePool({ id: newId(), owner, space: spaceName, place }, request.pools[place]!, one, subnet);
    avoid.push(subnet);
    return pool;
  });
  record(index, pools, draft);
  return pools.map(poolMessage);
}

/** The pools the owner has, if it asks for the same again. */
function sameAgain(held: readonly Pool[], space: string, requests: readonly PoolRequest[]): PoolMessage[] {
  const isSame =
    held.length === requests.length &&
    held.every((pool, place) => pool.space === space && sameRequest(pool.stored.request, requests[place]!));
  if (isSame) return held.map(poolMessage);
  const { owner } = held[0]!;
  const has = held.map(({ subnet }) => formatPrefix(subnet)).join(', ');
  throw fault(Reason.IN_USE, `${owner} holds other pools already (${has}): release them first`, { holder: owner });
}

function sameRequest(a: PoolRequest | undefined, b: PoolRequest): boolean {
  return a !== undefined && canonical(a) === canonical(b);
}

function canonical(request: PoolRequest): string {
  const auxiliary = Object.entries(request.auxAddresses).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ ...PoolRequest.fromPartial(request), auxAddresses: auxiliary });
}

function readAll(requests: readonly PoolRequest[]): SubnetRequest[] {
  const faults: FaultError[] = [];
  const wanted = requests.map(readSubnetRequest).filter((one): one is SubnetRequest => {
    if (Array.isArray(one)) faults.push(...one);
    return !Array.isArray(one);
  });
  if (faults.length > 0) throw joinFaults('invalid network config', faults);
  return wanted;
}

function readExcluded(texts: readonly string[]): Prefix[] {
  return texts.map((text) => {
    const address = parseAddress(text);
    const prefix = address ? prefixOf(address, address.family === 4 ? 32 : 128) : parseCidr(text)?.prefix;
    if (prefix) return prefix;
    throw fault(Reason.INVALID_VALUE, `exclude ${text}: invalid CIDR block notation`, { field: 'exclude' });
  });
}

function checkApart(subnets: readonly (Prefix | undefined)[]): void {
  for (const [place, subnet] of subnets.entries()) {
    const other = subnet && subnets.slice(0, place).find((earlier) => earlier && overlaps(earlier, subnet));
    if (other) throw overlapFault(Reason.SUBNETS_OVERLAP, subnet, `${formatPrefix(other)} of the same request`, '');
  }
}

function overlapFault(reason: Reason, subnet: Prefix, other: string, holder: string): FaultError {
  const metadata = { field: 'subnet', ...(holder !== '' && { holder }) };
  return fault(reason, `${OVERLAP}: ${formatPrefix(subnet)} overlaps ${other}`, metadata);
}

function chooseFor(index: IpamIndex, space: string, wanted: SubnetRequest, avoid: readonly Prefix[]): Prefix {
  const { family } = wanted;
  const size = typeof wanted.subnet === 'number' ? wanted.subnet : undefined;
  const bases = index.bases.get(space)!.filter(({ base }) => base.family === family);
  for (const { base, length } of bases) {
    const chosen = chooseIn(index, { base, length: size ?? length }, avoid);
    if (chosen) return chosen;
  }
  const kind = `${size === undefined ? '' : `/${size} `}IPv${family}`;
  const from = bases.map(({ base }) => formatPrefix(base)).join(', ');
  throw fault(
    Reason.POOLS_EXHAUSTED,
    `all predefined address pools have been fully subnetted: no ${kind} subnet is free in ${from}`,
  );
}

function chooseIn(index: IpamIndex, base: Base, avoid: readonly Prefix[]): Prefix | undefined {
  const byPool = (candidate: Prefix) => index.poolOverlapping(candidate)?.subnet;
  const byAny = (candidate: Prefix) => byPool(candidate) ?? avoid.find((other) => overlaps(other, candidate));
  const free = chooseSubnet(base.base, base.length, index.hint(base), byPool);
  if (!free) return undefined;
  index.setHint(base, free.value);
  return chooseSubnet(base.base, base.length, free.value, byAny);
}

interface NewPool {
  readonly id: string;
  readonly owner: string;
  readonly space: string;
  readonly place: number;
}

function makePool(
  { id, owner, space, place }: NewPool,
  request: PoolRequest,
  wanted: SubnetRequest,
  subnet: Prefix,
): Pool {
  const message = PoolMessage.fromPartial({
    ...{ id, owner, addressSpace: space, family: wanted.family, subnet: formatPrefix(subnet) },
    ...(wanted.range && { ipRange: formatPrefix(wanted.range) }),
    auxAddresses: Object.fromEntries(wanted.auxiliary.map(([name, address]) => [name, formatAddress(address)])),
  });
  const bare = poolOf({ pool: message, request, place }, 0n);
  message.gateway = gatewayOf(bare, wanted);
  return poolOf(StoredPool.fromPartial({ pool: message, request, place }), 0n);
}

/** The gateway's address after the auxiliary ones were put in their places; '' if there is none. */
function gatewayOf(bare: Pool, wanted: SubnetRequest): string {
  const reserved = reservedIn(bare.subnet);
  const range = choosable(bare.subnet, wanted.range);
  const taken = new Map<bigint, string>(reserved);
  const claim = (value: bigint, what: string, role: string) => {
    const holder = taken.get(value);
    if (holder !== undefined) {
      throw fault(Reason.ADDRESS_IN_USE, `${what}: Address already in use: it is the ${holder} of the subnet`, {
        ...{ address: addressText(bare, value), holder },
      });
    }
    taken.set(value, role);
    if (!range.holder(value)) range.take(value, { owner: '' });
  };
  const { gateway } = wanted;
  if (typeof gateway === 'object')
    claim(gateway.value, `failed to allocate gateway (${formatAddress(gateway)})`, 'gateway');
  for (const [name, address] of wanted.auxiliary) {
    const what = `failed to allocate secondary ip address (${name}:${formatAddress(address)})`;
    claim(address.value, what, `auxiliary address ${name}`);
  }
  if (gateway === 'none') return '';
  if (typeof gateway === 'object') return formatAddress(gateway);
  const chosen = range.choose();
  if (chosen !== undefined) return addressText(bare, chosen);
  throw fault(
    Reason.POOL_EXHAUSTED,
    `failed to allocate gateway (): no available addresses on this pool: ${poolName(bare)}`,
  );
}

function record(index: IpamIndex, pools: readonly Pool[], draft: Draft): void {
  const [first] = pools;
  if (!first) return;
  // All spaces: a subnet that is chosen overlaps no pool of any.
  for (const [name, { revision }] of index.spaces) {
    draft.compares.push({ key: spaceKey(name), modRevision: revision as Revision });
  }
  draft.ops.push({ put: spaceKey(first.space), value: new Uint8Array(0) });
  for (const pool of pools) {
    draft.compares.push({ key: poolKey(pool.id), modRevision: 0n });
    draft.ops.push({ put: poolKey(pool.id), value: StoredPool.encode(pool.stored).finish() });
    index.addPool(pool);
    draft.onRollback(() => index.removePool(pool));
  }
}
