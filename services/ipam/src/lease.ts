// Decides which address or number an owner gets. The same owner asking again gets what it has; asking for something
// else than it has is refused, because whoever asks has lost track.
import { formatAddress, parseAddress, parseMac } from '@weft/address';
import { type FaultError, fault, Reason } from '@weft/fault';
import { type Lease, type LeaseItem, type LeaseNumberRequest, type LeaseRequest, StoredLease } from '@weft/proto/ipam';
import type { Revision } from '@weft/store';
import type { Allocation, Holder } from './allocation.ts';
import type { Draft } from './draft.ts';
import type { IpamIndex } from './ipam-index.ts';
import { leasesOf, numbersOf, ownersOf, poolKey, releasesOf, spentOf, usersOf } from './keys.ts';
import { checkOwner } from './owner.ts';
import { addressText, cidrText, isInPool, type Pool, poolName, reservedIn } from './pool.ts';

/** Three compares and three operations an item must fit a transaction, and one more of each. */
const MOST_ITEMS = 40;
const RANGE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

/** Picks a free number; undefined when there is none. */
export type Choose = (allocation: Allocation) => bigint | undefined;
const lowest: Choose = (allocation) => allocation.choose();

/** All addresses of the request, or a fault and none. */
export function leaseAddresses(
  index: IpamIndex,
  { owner, items }: LeaseRequest,
  draft: Draft,
  choose: Choose = lowest,
): Lease[] {
  checkOwner(owner);
  if (items.length > MOST_ITEMS) {
    throw fault(Reason.REQUEST_TOO_LARGE, `${items.length} addresses in one request: at most ${MOST_ITEMS}`);
  }
  const seen = new Set<string>();
  return items.map((item) => {
    const pool = index.pools.get(item.poolId);
    if (!pool) throw fault(Reason.POOL_NOT_FOUND, `cannot find address pool for poolID:${item.poolId}`);
    if (seen.has(pool.id)) {
      throw fault(Reason.CONFLICTING_FIELDS, `two addresses of ${poolName(pool)} in one request`, { field: 'items' });
    }
    seen.add(pool.id);
    const value = leaseOne(index, { owner, pool, item, choose }, draft);
    return { owner, poolId: pool.id, cidr: cidrText(pool, value) };
  });
}

interface Wanted {
  readonly owner: string;
  readonly pool: Pool;
  readonly item: LeaseItem;
  readonly choose: Choose;
}

function leaseOne(index: IpamIndex, { owner, pool, item, choose }: Wanted, draft: Draft): bigint {
  if (item.macAddress !== '' && !parseMac(item.macAddress)) {
    throw fault(Reason.INVALID_MAC, `invalid MAC address ${item.macAddress}`, { field: 'mac_address' });
  }
  const wanted = item.address === '' ? undefined : readAddress(pool, item.address);
  const held = index.heldAddress(owner, pool.id);
  if (held !== undefined) {
    const key = `${leasesOf(pool.id)}${addressText(pool, held)}`;
    draft.compares.push({ key, modRevision: (pool.addresses.holder(held)?.revision ?? 0n) as Revision });
    if (wanted === undefined || wanted === held) return held;
    throw holdsOther(owner, `${addressText(pool, held)} of ${poolName(pool)}`, item.address);
  }
  const value = wanted ?? choose(pool.addresses);
  if (value === undefined) {
    throw fault(Reason.POOL_EXHAUSTED, `no available addresses on this pool: ${poolName(pool)}`);
  }
  const holder = pool.addresses.holder(value);
  if (holder) throw addressInUse(pool, value, holder);
  draft.compares.push({ key: poolKey(pool.id), modRevision: pool.revision as Revision });
  const text = addressText(pool, value);
  const keys = {
    lease: `${leasesOf(pool.id)}${text}`,
    owner: `${ownersOf(pool.id)}${owner}`,
    release: `${releasesOf(pool.id)}${text}`,
  };
  take(
    () => pool.addresses,
    value,
    owner,
    keys,
    draft,
    () => index.dropLease(owner, pool.id, value),
  );
  index.noteLease(owner, pool.id, value);
  return value;
}

function readAddress(pool: Pool, text: string): bigint {
  const address = parseAddress(text);
  if (!address) throw fault(Reason.INVALID_ADDRESS, `invalid address ${text}`, { field: 'address' });
  if (address.family !== pool.subnet.family) {
    throw fault(Reason.WRONG_FAMILY, `invalid address ${text}: ${poolName(pool)} is an IPv${pool.subnet.family} pool`, {
      field: 'address',
    });
  }
  if (!isInPool(pool, address)) {
    throw fault(Reason.INVALID_ADDRESS, `requested address is out of range: ${text} is not in ${poolName(pool)}`, {
      field: 'address',
    });
  }
  const role = reservedIn(pool.subnet).get(address.value);
  if (role === undefined) return address.value;
  throw fault(Reason.ADDRESS_IN_USE, `Address already in use: ${formatAddress(address)} is the ${role} of the subnet`, {
    ...{ address: formatAddress(address), holder: role },
  });
}

function addressInUse(pool: Pool, value: bigint, { owner, role }: Holder): FaultError {
  const address = addressText(pool, value);
  const who = role === undefined ? `${owner} holds ${address}` : `${address} is the ${role} of ${owner}`;
  return fault(Reason.ADDRESS_IN_USE, `Address already in use: ${who}`, { address, holder: owner });
}

/** The number of the request, or a fault and none. */
export function leaseNumber(
  index: IpamIndex,
  request: LeaseNumberRequest,
  draft: Draft,
  choose: Choose = lowest,
): bigint {
  const { owner, range: name, first, last } = request;
  checkOwner(owner);
  if (!RANGE_NAME.test(name)) throw fault(Reason.INVALID_NAME, `invalid range name "${name}"`, { field: 'range' });
  if (first < 1n || last < first) {
    throw fault(Reason.INVALID_VALUE, `range ${name}: ${first} to ${last} is no range of numbers from 1`, {
      field: 'first',
    });
  }
  const held = index.heldNumber(owner, name);
  const wanted = request.number === 0n ? undefined : request.number;
  if (held !== undefined) {
    if (wanted === undefined || wanted === held) return held;
    throw holdsOther(owner, `${held} of the range ${name}`, String(wanted));
  }
  if (wanted !== undefined && (wanted < first || wanted > last)) {
    throw fault(
      Reason.INVALID_VALUE,
      `requested number is out of range: ${wanted} is not in ${name} ${first}-${last}`,
      {
        field: 'number',
      },
    );
  }
  const range = index.range(name, first, last);
  const number = wanted ?? choose(range.allocation);
  if (number === undefined) {
    throw fault(Reason.POOL_EXHAUSTED, `no available numbers in the range ${name} ${first}-${last}`);
  }
  const holder = range.allocation.holder(number);
  if (holder) {
    throw fault(Reason.IN_USE, `number already in use: ${holder.owner} holds ${number} of ${name}`, {
      holder: holder.owner,
    });
  }
  const keys = {
    lease: `${numbersOf(name)}${number}`,
    owner: `${usersOf(name)}${owner}`,
    release: `${spentOf(name)}${number}`,
  };
  take(
    () => range.allocation,
    number,
    owner,
    keys,
    draft,
    () => index.dropNumber(owner, name, number),
  );
  index.noteNumber(owner, name, number);
  return number;
}

/** Takes it now; `allocation` is asked again later, because a range may be made anew meanwhile. */
function take(
  allocation: () => Allocation,
  number: bigint,
  owner: string,
  keys: { lease: string; owner: string; release: string },
  draft: Draft,
  drop: () => void,
): void {
  const holder: Holder = { owner };
  allocation().take(number, holder);
  draft.onRollback(() => {
    // Another holder, be it the same owner's: another replica leased it.
    if (allocation().holder(number) !== holder) return;
    drop();
    allocation().putBack(number, holder);
  });
  // Nobody has the number, and the owner has none here: whatever another replica did that is not known yet.
  draft.compares.push({ key: keys.lease, modRevision: 0n }, { key: keys.owner, modRevision: 0n });
  draft.ops.push({ put: keys.lease, value: StoredLease.encode({ owner }).finish() });
  draft.ops.push({ put: keys.owner, value: new Uint8Array(0) });
  // Also where no release is known: another replica may have released it meanwhile.
  draft.ops.push({ delete: keys.release });
}

function holdsOther(owner: string, held: string, wanted: string): FaultError {
  return fault(Reason.IN_USE, `${owner} holds ${held} already and asks for ${wanted}: release it first`, {
    holder: owner,
  });
}
