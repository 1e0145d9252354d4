// What changes of the store's keys mean for the index. Pure. The changes of one revision, in whatever order they are named;
// what a draft under way has taken gives way to what is durable.
import { parseAddress } from '@weft/address';
import { StoredLease, StoredPool, StoredRelease } from '@weft/proto/ipam';
import type { Allocation } from './allocation.ts';
import type { IpamIndex } from './ipam-index.ts';
import { PREFIXES, splitKey } from './keys.ts';
import { poolOf } from './pool.ts';

export interface Change {
  readonly key: string;
  /** Undefined: the key is gone. */
  readonly value: Uint8Array | undefined;
  /** The store's revision of it. */
  readonly revision: bigint;
}

/** Where the leases below one prefix go: the addresses of a pool, or the numbers of a range. */
interface Scope {
  readonly allocation: Allocation;
  readonly heldBy: (owner: string) => bigint | undefined;
  readonly note: (owner: string, number: bigint) => void;
  readonly drop: (owner: string, number: bigint) => void;
}

/** All of them at once: a reader sees the index as it was before, or after. */
export function applyChanges(index: IpamIndex, changes: readonly Change[]): void {
  // What is gone makes room for what comes; leases come into pools.
  for (const change of changes) if (change.value === undefined) apply(index, change);
  for (const change of changes) if (change.value !== undefined && isPool(change)) apply(index, change);
  for (const change of changes) if (change.value !== undefined && !isPool(change)) apply(index, change);
}

const isPool = ({ key }: Change) => key.startsWith(PREFIXES.pools);

function apply(index: IpamIndex, change: Change): void {
  const kind = change.key.slice(0, change.key.indexOf('/') + 1);
  if (kind === PREFIXES.pools) applyPool(index, change);
  else if (kind === PREFIXES.spaces) applySpace(index, change);
  else if (kind === PREFIXES.leases || kind === PREFIXES.releases) {
    const [poolId, text] = splitKey(change.key);
    const scope = poolScope(index, poolId);
    // Absent: of a pool that went in the same transaction, or since.
    if (scope) applyNumber(index, kind === PREFIXES.leases, scope, addressValue(change.key, text), change);
  } else if (kind === PREFIXES.numbers || kind === PREFIXES.spent) {
    const [range, text] = splitKey(change.key);
    applyNumber(index, kind === PREFIXES.numbers, rangeScope(index, range), BigInt(text), change);
  }
}

function applyNumber(index: IpamIndex, isLease: boolean, scope: Scope, number: bigint, change: Change): void {
  if (isLease) applyLease(scope, number, change);
  else applyRelease(index, scope, number, change);
}

function applySpace(index: IpamIndex, { key, value, revision }: Change): void {
  const space = index.spaces.get(key.slice(PREFIXES.spaces.length));
  if (space) space.revision = value === undefined ? 0n : revision;
}

function applyPool(index: IpamIndex, { key, value, revision }: Change): void {
  const known = index.pools.get(key.slice(PREFIXES.pools.length));
  if (value === undefined) {
    if (known) index.removePool(known);
  } else if (known) known.revision = revision;
  else index.addPool(poolOf(StoredPool.decode(value), revision));
}

function applyLease({ allocation, heldBy, note, drop }: Scope, number: bigint, change: Change): void {
  const before = allocation.holder(number);
  if (change.value === undefined) {
    // A draft under way took it as free: it was gone before already.
    if (before?.revision === undefined) return;
    allocation.drop(number);
    drop(before.owner, number);
    return;
  }
  const { owner } = StoredLease.decode(change.value);
  if (before && before.owner !== owner) drop(before.owner, number);
  allocation.hold(number, { owner, revision: change.revision });
  // A late word of a lease that is gone already: the owner has a later one.
  const noted = heldBy(owner);
  const isLate = noted !== undefined && (allocation.holder(noted)?.revision ?? 0n) > change.revision;
  if (!isLate) note(owner, number);
}

function applyRelease(index: IpamIndex, { allocation }: Scope, number: bigint, { value }: Change): void {
  if (value === undefined) {
    allocation.forget(number);
    return;
  }
  const { order } = StoredRelease.decode(value);
  index.sawOrder(order);
  allocation.remember({ number, order });
}

function poolScope(index: IpamIndex, poolId: string): Scope | undefined {
  const pool = index.pools.get(poolId);
  return (
    pool && {
      allocation: pool.addresses,
      heldBy: (owner) => index.heldAddress(owner, poolId),
      note: (owner, number) => index.noteLease(owner, poolId, number),
      drop: (owner, number) => index.dropLease(owner, poolId, number),
    }
  );
}

function rangeScope(index: IpamIndex, name: string): Scope {
  const { allocation } = index.ranges.get(name) ?? index.range(name);
  return {
    allocation,
    heldBy: (owner) => index.heldNumber(owner, name),
    note: (owner, number) => index.noteNumber(owner, name, number),
    drop: (owner, number) => index.dropNumber(owner, name, number),
  };
}

function addressValue(key: string, text: string): bigint {
  const address = parseAddress(text);
  if (!address) throw new Error(`the store has a key of another schema: ${key}`);
  return address.value;
}
