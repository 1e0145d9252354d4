// A pool as it is kept in memory: a subnet, and who holds its addresses. Pure.
import {
  type Address,
  addressBits,
  containsAddress,
  formatAddress,
  formatCidr,
  formatPrefix,
  lastValue,
  makeAddress,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '@weft/address';
import { Pool as PoolMessage, type StoredPool } from '@weft/proto/ipam';
import { Allocation } from './allocation.ts';

const UINT64_MAX = 2n ** 64n - 1n;

export interface Pool {
  readonly stored: StoredPool;
  readonly id: string;
  readonly owner: string;
  readonly space: string;
  readonly subnet: Prefix;
  readonly addresses: Allocation;
  /** The store's revision of its record. */
  revision: bigint;
}

/** The pool of a record, with its gateway and auxiliary addresses held and no leases. */
export function poolOf(stored: StoredPool, revision: bigint): Pool {
  const message = stored.pool ?? PoolMessage.create();
  const subnet = parsePrefix(message.subnet);
  const range = message.ipRange === '' ? undefined : parsePrefix(message.ipRange);
  if (!subnet) throw new Error(`the store has a pool without a subnet: ${message.id}`);
  const addresses = choosable(subnet, range);
  const reserve = (text: string, role: string) => {
    const address = parseAddress(text);
    if (address) addresses.take(address.value, { owner: message.owner, role });
  };
  if (message.gateway !== '') reserve(message.gateway, 'gateway');
  for (const [name, text] of Object.entries(message.auxAddresses)) reserve(text, `auxiliary address ${name}`);
  return {
    ...{ stored, id: message.id, owner: message.owner, space: message.addressSpace, subnet, addresses, revision },
  };
}

/** An allocation over the part of a subnet that addresses are chosen from. */
export function choosable(subnet: Prefix, range: Prefix | undefined): Allocation {
  const reserved = reservedIn(subnet);
  const part = range ?? subnet;
  let [first, last] = [part.value, lastValue(part)];
  if (reserved.has(first)) first += 1n;
  if (reserved.has(last)) last -= 1n;
  return new Allocation(first, last);
}

/**
 * Addresses nobody may hold: an IPv4 subnet's network and broadcast address (not of a /31, RFC 3021, or a /32), and
 * the subnet-router anycast address of IPv6 (not of a /127, RFC 6164, or a /128).
 */
export function reservedIn(subnet: Prefix): ReadonlyMap<bigint, string> {
  if (addressBits(subnet.family) - subnet.length <= 1) return new Map();
  if (subnet.family === 6) return new Map([[subnet.value, 'subnet-router anycast address']]);
  return new Map([
    [subnet.value, 'network address'],
    [lastValue(subnet), 'broadcast address'],
  ]);
}

/** Whether the address lies in the pool, reserved or not. */
export function isInPool(pool: Pool, address: Address): boolean {
  return containsAddress(pool.subnet, address);
}

export function addressText(pool: Pool, value: bigint): string {
  return formatAddress(makeAddress(pool.subnet.family, value)!);
}

/** The address with the pool's length. */
export function cidrText(pool: Pool, value: bigint): string {
  return formatCidr(makeAddress(pool.subnet.family, value)!, pool.subnet.length);
}

/** How a fault names a pool: its subnet and its owner. */
export function poolName(pool: Pool): string {
  return `${formatPrefix(pool.subnet)} of ${pool.owner}`;
}

/** The pool as it is shown, with its counts. */
export function poolMessage(pool: Pool): PoolMessage {
  const used = BigInt(pool.addresses.held + reservedIn(pool.subnet).size);
  const { free } = pool.addresses;
  return { ...pool.stored.pool!, used, free: free > UINT64_MAX ? UINT64_MAX : free };
}
