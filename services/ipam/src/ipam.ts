// The doing side: takes turns, lets the deciding code fill a draft, commits it, and answers only then.
// Refuses to let the index and the store part: a draft that fails is rolled back; one that meets a store it did not
// expect makes the index be built anew.
import { randomBytes } from 'node:crypto';
import { fault, Reason } from '@weft/fault';
import type {
  AllocatePoolsRequest,
  Lease,
  LeaseNumberRequest,
  LeaseRequest,
  NumberLease,
  Pool as PoolMessage,
} from '@weft/proto/ipam';
import { type Store, StoreError, storeFault } from '@weft/store';
import { allocatePools } from './allocate-pools.ts';
import { type Base, defaultBases } from './default-pools.ts';
import { Draft } from './draft.ts';
import { durable } from './ipam-index.ts';
import { leaseAddresses, leaseNumber } from './lease.ts';
import { loadIndex } from './load.ts';
import { cidrText, poolMessage } from './pool.ts';
import { releaseOwners, releasePool } from './release.ts';
import { createTurns } from './turns.ts';

const MOST_ATTEMPTS = 4;

export interface IpamOptions {
  readonly store: Store;
  /** What --default-address-pool named; replaces Docker's defaults of the families it has. */
  readonly localBases?: readonly Base[];
}

export type Ipam = Awaited<ReturnType<typeof createIpam>>;

/** Another writer changed what the index says, or nobody knows whether we did. */
class Surprise extends Error {}

/** Reads the store and serves from then on. Every method throws a FaultError, and then nothing was changed. */
export async function createIpam({ store, localBases = [] }: IpamOptions) {
  const bases = defaultBases(store.id, localBases);
  const turns = createTurns();
  let index = await loadIndex(store, bases).catch((cause: unknown) => {
    throw storeFault(cause);
  });

  async function commit(draft: Draft): Promise<void> {
    if (draft.ops.length === 0) return;
    const { committed, revision } = await store.transact(draft.compares, draft.ops).catch((cause: unknown) => {
      draft.rollback();
      // It may have happened, or yet happen: the store is read anew, and what is decided then compares with what it says.
      if (cause instanceof StoreError && cause.reason === 'unknown') throw new Surprise();
      throw storeFault(cause);
    });
    if (committed) draft.commit(revision);
    else {
      draft.rollback();
      throw new Surprise();
    }
  }

  /** Decides and commits; the answer comes after the commit. */
  async function perform<T>(decide: (draft: Draft) => T): Promise<T> {
    const draft = new Draft();
    let answer: T;
    try {
      answer = decide(draft);
    } catch (cause) {
      draft.rollback();
      throw cause;
    }
    await commit(draft);
    return answer;
  }

  async function despiteSurprises<T>(attempt: () => Promise<T>): Promise<T> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt();
      } catch (cause) {
        if (!(cause instanceof Surprise)) throw cause;
        if (attempts === MOST_ATTEMPTS) throw fault(Reason.CONFLICT, 'another writer was faster');
        await turns.exclusive(async () => {
          index = await loadIndex(store, bases);
        });
      }
    }
  }

  return {
    allocatePools(request: AllocatePoolsRequest): Promise<PoolMessage[]> {
      const newId = () => randomBytes(8).toString('hex');
      const work = () => perform((draft) => allocatePools(index, request, draft, newId));
      return despiteSurprises(() => turns.exclusive(work));
    },
    releasePools(owner: string): Promise<void> {
      const work = () =>
        perform((draft) => {
          for (const pool of index.poolsOfOwner(owner)) releasePool(index, pool, draft);
        });
      return despiteSurprises(() => turns.exclusive(work));
    },
    lease(request: LeaseRequest): Promise<Lease[]> {
      const work = () => perform((draft) => leaseAddresses(index, request, draft));
      return despiteSurprises(() => turns.shared([request.owner], work));
    },
    leaseNumber(request: LeaseNumberRequest): Promise<bigint> {
      const work = () => perform((draft) => leaseNumber(index, request, draft));
      return despiteSurprises(() => turns.shared([request.owner], work));
    },
    release(owners: readonly string[]): Promise<void> {
      const work = async () => {
        const outcomes = await Promise.allSettled(releaseOwners(index, owners).map(commit));
        for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      };
      return despiteSurprises(() => turns.shared(owners, work));
    },
    listPools(owner: string): PoolMessage[] {
      return index
        .allPools()
        .filter((pool) => pool.revision > 0n && (owner === '' || pool.owner === owner))
        .map(poolMessage);
    },
    listLeases(ownerPrefix: string, poolId: string): Lease[] {
      return index
        .allPools()
        .filter(({ id }) => poolId === '' || id === poolId)
        .flatMap((pool) =>
          durable(pool.addresses)
            .filter(([, { owner }]) => owner.startsWith(ownerPrefix))
            .map(([value, { owner }]) => ({ owner, poolId: pool.id, cidr: cidrText(pool, value) })),
        );
    },
    listNumbers(ownerPrefix: string, range: string): NumberLease[] {
      return [...index.ranges.values()]
        .filter(({ name }) => range === '' || name === range)
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .flatMap(({ name, allocation }) =>
          durable(allocation)
            .filter(([, { owner }]) => owner.startsWith(ownerPrefix))
            .map(([number, { owner }]) => ({ owner, range: name, number })),
        );
    },
  };
}
