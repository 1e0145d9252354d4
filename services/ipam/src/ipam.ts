// The doing side: takes turns, lets the deciding code fill a draft, commits it, and answers only then.
// Several processes may do so on one store. What is WRITTEN is fenced: a transaction compares all it stands on. What is SAID
// without writing (lists, "you have it already", refusals) is said by an index that has caught up since the request came.
import { randomBytes, randomInt } from 'node:crypto';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { fault, Reason } from '@weft/fault';
import type {
  AllocatePoolsRequest,
  Lease,
  LeaseNumberRequest,
  LeaseRequest,
  NumberLease,
  Pool as PoolMessage,
} from '@weft/proto/ipam';
import { type Op, type Store, StoreError, storeFault } from '@weft/store';
import { allocatePools } from './allocate-pools.ts';
import { LANES } from './allocation.ts';
import { type Base, defaultBases } from './default-pools.ts';
import { Draft } from './draft.ts';
import { followStore } from './follow.ts';
import { durable } from './ipam-index.ts';
import { goneKey, lastKey } from './keys.ts';
import { type Choose, leaseAddresses, leaseNumber } from './lease.ts';
import { isOwner } from './owner.ts';
import { cidrText, poolMessage } from './pool.ts';
import { markGone, releaseOwners, releasePool } from './release.ts';
import { startSweeping } from './sweep.ts';
import { createTurns } from './turns.ts';

/** Each is lost to another writer's success. */
const MOST_ATTEMPTS = 32;
/** For how long after a collision numbers are chosen in a lane, in ms. */
const spreadMs = 5_000;

export interface IpamOptions {
  readonly store: Store;
  /** What --default-address-pool named; replaces Docker's defaults of the families it has. */
  readonly localBases?: readonly Base[];
}

export type Ipam = Awaited<ReturnType<typeof createIpam>>;

type InTurn = <T>(work: () => Promise<T>) => Promise<T>;
/** `aborted`: the caller does not wait any more. A process that was paused may come to a request late: it then does nothing. */
type Caller = Pick<AbortSignal, 'aborted'>;
const waiting: Caller = { aborted: false };

/** Reads the store and follows it until it is closed. Every method throws a FaultError, and then nothing was changed. */
export async function createIpam({ store, localBases = [] }: IpamOptions) {
  const turns = createTurns();
  const follower = await followStore(store, defaultBases(store.id, localBases), (work) => turns.exclusive(work));
  const lanes = createLanes();
  const { isShared } = store;
  if (isShared) startSweeping(store, (cause) => cause instanceof StoreError && cause.reason === 'closed');

  /** False: another writer was faster, or nobody knows whether we were. */
  async function commit(draft: Draft): Promise<boolean> {
    const ops: Op[] = [...draft.ops, { put: lastKey, value: new Uint8Array(0) }];
    try {
      const { committed, revision } = await store.transact(draft.compares, ops);
      if (committed) follower.committed(ops, revision);
      else draft.rollback();
      return committed;
    } catch (cause) {
      draft.rollback();
      // It may have happened, or yet happen: what is decided anew compares with what the store says then.
      if (cause instanceof StoreError && cause.reason === 'unknown') return false;
      throw storeFault(cause);
    }
  }

  /** Lets `attempt` try until it has an answer, BETWEEN attempts the index catches up: never in a turn, since it may be rebuilt. */
  async function untilAnswered<T>(
    inTurn: InTurn,
    caller: Caller,
    attempt: (isCaughtUp: boolean) => Promise<{ readonly answer: T } | undefined>,
    mustKnow = false,
  ): Promise<T> {
    if (mustKnow) await follower.caughtUp();
    for (let attempts = 1; attempts <= MOST_ATTEMPTS; attempts++) {
      const done = await inTurn(async () => {
        // A process that wakes up reads requests and their cancellations in one go: the latter are to be heard BEFORE it decides.
        if (caller !== waiting && !caller.aborted) await turnOfLoop();
        if (caller.aborted) throw fault(Reason.CANCELLED, 'the caller does not wait any more');
        return await attempt(mustKnow || attempts > 1);
      });
      if (done) return done.answer;
      await follower.caughtUp();
    }
    throw fault(Reason.CONFLICT, `other writers were faster ${MOST_ATTEMPTS} times: try again`);
  }

  /** Decides and commits; the answer comes after the commit. `notCommitted` may end it with a fault, instead of another attempt. */
  function perform<T>(
    inTurn: InTurn,
    caller: Caller,
    decide: (draft: Draft) => T,
    mustKnow = false,
    notCommitted?: () => Promise<void>,
  ): Promise<T> {
    const attempt = async (isCaughtUp: boolean) => {
      const draft = new Draft();
      let answer: T;
      try {
        answer = decide(draft);
      } catch (cause) {
        draft.rollback();
        if (isCaughtUp) throw cause;
        return undefined;
      }
      if (draft.ops.length === 0) return isCaughtUp ? { answer } : undefined;
      if (await commit(draft)) return { answer };
      await notCommitted?.();
      lanes.collided();
      return undefined;
    };
    return untilAnswered(inTurn, caller, attempt, mustKnow);
  }

  /**
   * As perform, for what an owner is to get. Where others write too, a request may have waited in a process that was paused while its caller
   * asked another one, and released what he got: who was released gets nothing any more.
   */
  async function give<T>(owner: string, inTurn: InTurn, caller: Caller, decide: (draft: Draft) => T): Promise<T> {
    if (!isShared) return await perform(inTurn, caller, decide);
    const fenced = (draft: Draft) => {
      const answer = decide(draft);
      draft.compares.push({ key: goneKey(owner), modRevision: 0n });
      return answer;
    };
    return await perform(inTurn, caller, fenced, false, async () => {
      const mark = await store.get(goneKey(owner)).catch((cause: unknown) => {
        throw storeFault(cause);
      });
      if (mark === undefined) return;
      throw fault(Reason.CANCELLED, `${owner} was released meanwhile: this request comes too late`, { owner });
    });
  }

  async function giveBack(owners: readonly string[], caller: Caller, marks: boolean): Promise<void> {
    const attempt = async () => {
      const outcomes = await Promise.allSettled(releaseOwners(follower.index, owners, { marks }).map(commit));
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      return outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value)
        ? { answer: undefined }
        : undefined;
    };
    return await untilAnswered((work) => turns.shared(owners, work), caller, attempt, true);
  }

  async function giveBackPools(owner: string, caller: Caller, marks: boolean): Promise<void> {
    const decide = (draft: Draft) => {
      for (const pool of follower.index.poolsOfOwner(owner)) releasePool(pool, draft);
      if (marks && isOwner(owner)) markGone(owner, draft);
    };
    return await perform(turns.exclusive, caller, decide, true);
  }

  /** What was taken between the look and the mark is found by a look AFTER the mark. */
  async function surely(work: (marks: boolean) => Promise<void>): Promise<void> {
    await work(isShared);
    if (isShared) await work(false);
  }

  return {
    allocatePools(request: AllocatePoolsRequest, caller = waiting): Promise<PoolMessage[]> {
      const newId = () => randomBytes(8).toString('hex');
      return give(request.owner, turns.exclusive, caller, (draft) =>
        allocatePools(follower.index, request, draft, newId),
      );
    },
    releasePools(owner: string, caller = waiting): Promise<void> {
      return surely((marks) => giveBackPools(owner, caller, marks));
    },
    lease(request: LeaseRequest, caller = waiting): Promise<Lease[]> {
      const inTurn: InTurn = (work) => turns.shared([request.owner], work);
      const decide = (draft: Draft) => leaseAddresses(follower.index, request, draft, lanes.choose);
      return give(request.owner, inTurn, caller, decide);
    },
    leaseNumber(request: LeaseNumberRequest, caller = waiting): Promise<bigint> {
      const inTurn: InTurn = (work) => turns.shared([request.owner], work);
      const decide = (draft: Draft) => leaseNumber(follower.index, request, draft, lanes.choose);
      return give(request.owner, inTurn, caller, decide);
    },
    release(owners: readonly string[], caller = waiting): Promise<void> {
      return surely((marks) => giveBack(owners, caller, marks));
    },
    /** What there is as far as it has been followed, for those who count: no other replica's last writes. */
    known(): { readonly pools: readonly PoolMessage[]; readonly numbers: number } {
      const { index } = follower;
      const numbers = [...index.ranges.values()].reduce((sum, { allocation }) => sum + durable(allocation).length, 0);
      return { pools: index.allPools().map(poolMessage), numbers };
    },
    async listPools(owner: string): Promise<PoolMessage[]> {
      await follower.caughtUp();
      return follower.index
        .allPools()
        .filter((pool) => pool.revision > 0n && (owner === '' || pool.owner === owner))
        .map(poolMessage);
    },
    async listLeases(ownerPrefix: string, poolId: string): Promise<Lease[]> {
      await follower.caughtUp();
      return follower.index
        .allPools()
        .filter(({ id }) => poolId === '' || id === poolId)
        .flatMap((pool) =>
          durable(pool.addresses)
            .filter(([, { owner }]) => owner.startsWith(ownerPrefix))
            .map(([value, { owner }]) => ({ owner, poolId: pool.id, cidr: cidrText(pool, value) })),
        );
    },
    async listNumbers(ownerPrefix: string, range: string): Promise<NumberLease[]> {
      await follower.caughtUp();
      return [...follower.index.ranges.values()]
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

/** While writers collide, each chooses in a lane of its own, another one after each collision. */
function createLanes() {
  let until = Number.NEGATIVE_INFINITY;
  let lane = 0;
  return {
    choose: ((allocation) =>
      performance.now() < until ? allocation.chooseIn(lane) : allocation.choose()) satisfies Choose as Choose,
    collided(): void {
      until = performance.now() + spreadMs;
      lane = randomInt(Number(LANES));
    },
  };
}
