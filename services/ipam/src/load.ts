// Builds the index from the store: at the start, and after a transaction met something it did not expect.
import { parseAddress } from '@weft/address';
import { StoredLease, StoredPool, StoredRelease } from '@weft/proto/ipam';
import type { KeyValue, Store } from '@weft/store';
import type { Bases } from './default-pools.ts';
import { IpamIndex } from './ipam-index.ts';
import { PREFIXES, spaceKey, splitKey } from './keys.ts';
import { poolOf } from './pool.ts';

/** Keys read at a time: a long list must not hold up the process. */
const PAGE = 1000;

export async function loadIndex(store: Store, bases: Bases): Promise<IpamIndex> {
  const index = new IpamIndex(bases);
  for (const [name, space] of index.spaces) {
    space.revision = (await store.get(spaceKey(name)))?.modRevision ?? 0n;
  }
  for await (const { value, modRevision } of all(store, PREFIXES.pools)) {
    index.addPool(poolOf(StoredPool.decode(value), modRevision));
  }
  for await (const { key, value, modRevision } of all(store, PREFIXES.leases)) {
    const [poolId, text] = splitKey(key);
    const { owner } = StoredLease.decode(value);
    const number = addressValue(key, text);
    index.pools.get(poolId)?.addresses.take(number, { owner, revision: modRevision });
    index.noteLease(owner, poolId, number);
  }
  for await (const { key, value } of all(store, PREFIXES.releases)) {
    const [poolId, text] = splitKey(key);
    const { order } = StoredRelease.decode(value);
    index.pools.get(poolId)?.addresses.remember({ number: addressValue(key, text), order });
    index.sawOrder(order);
  }
  await loadNumbers(store, index);
  return index;
}

async function loadNumbers(store: Store, index: IpamIndex): Promise<void> {
  for await (const { key, value, modRevision } of all(store, PREFIXES.numbers)) {
    const [name, text] = splitKey(key);
    const { owner } = StoredLease.decode(value);
    index.range(name).allocation.take(BigInt(text), { owner, revision: modRevision });
    index.noteNumber(owner, name, BigInt(text));
  }
  for await (const { key, value } of all(store, PREFIXES.spent)) {
    const [name, text] = splitKey(key);
    const { order } = StoredRelease.decode(value);
    index.range(name).allocation.remember({ number: BigInt(text), order });
    index.sawOrder(order);
  }
}

async function* all(store: Store, prefix: string): AsyncGenerator<KeyValue> {
  let startAfter: string | undefined;
  do {
    const page: KeyValue[] = (
      await store.list(prefix, { limit: PAGE, ...(startAfter !== undefined && { startAfter }) })
    ).keyValues;
    yield* page;
    startAfter = page.length === PAGE ? page.at(-1)?.key : undefined;
  } while (startAfter !== undefined);
}

function addressValue(key: string, text: string): bigint {
  const address = parseAddress(text);
  if (!address) throw new Error(`the store has a key of another schema: ${key}`);
  return address.value;
}
