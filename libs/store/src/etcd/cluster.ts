// Which member of the cluster is in use. It is asked for its status all the time (raft is not needed for that, so a slow disk
// does not matter): one that is dead, hangs, or sees no leader is left for the first that answers and sees one. Whoever calls
// is told by two signals; nothing is repeated here.
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StatusResponse } from '@weft/proto/etcd';
import { ClientError } from 'nice-grpc-common';
import { StoreError } from '../store-error.ts';
import type { EtcdAccess } from './access.ts';
import { type Member, openMember } from './member.ts';

/** Between two questions to the member in use, in ms. */
const askEveryMs = 250;
/** How long an answer may take, in ms. It is waited for in two halves: a stall of this process uses up only one. */
const patienceMs = 500;
/** Between two looks for a member when none will do, in ms. */
const lookEveryMs = 50;

/** How much longer a member that was named earlier may take to answer, in ms. */
const preferenceMs = 20;
/** A timer's longest, in ms; a longer wait is begun anew. */
const longestWaitMs = 2 ** 31 - 1;

/** A member while it is in use. */
export interface Use {
  readonly member: Member;
  /** Aborts when the member is left or the leader changes: an answer that is still due then may never come. */
  readonly calls: AbortSignal;
  /** Aborts when the member is left. */
  readonly left: AbortSignal;
}

export interface Cluster {
  /** Waits for a member that will do. @throws StoreError `unavailable` after `waitMs`, `closed`; what the signal aborts with */
  use(waitMs: number, signal?: AbortSignal): Promise<Use>;
  /** Look at it now: a call to it failed. */
  suspect(use: Use): void;
  /** Ends everything under way. */
  close(): void;
}

interface Held {
  readonly use: Use;
  readonly leave: AbortController;
  readonly endCalls: AbortController;
  readonly term: bigint;
}

/** `onStatus` hears where the member in use is, which may be behind the others. */
export function openCluster(access: EtcdAccess, onStatus: (revision: bigint) => void): Cluster {
  const members = access.members.map((address) => openMember(address, access.tls));
  const stop = new AbortController();
  /** Why a member will not do, by url. */
  const trouble = new Map<string, string>();
  let held: Held | undefined;
  let found = Promise.withResolvers<void>();
  let wake = () => {};

  /** Its status if it will do; else why not is noted. */
  async function ask(member: Member): Promise<StatusResponse | undefined> {
    const asking = new AbortController();
    const signal = AbortSignal.any([asking.signal, stop.signal]);
    const late = sleep(patienceMs / 2).then(() => sleep(patienceMs / 2, 'it does not answer', { ref: false }));
    const answer = await Promise.race([member.maintenance.status({}, { signal }).catch(detailsOf), late]);
    asking.abort();
    const because = typeof answer === 'string' ? answer : answer.leader === 0n ? 'it sees no leader' : undefined;
    if (because === undefined) trouble.delete(member.url);
    else trouble.set(member.url, because);
    return because === undefined ? (answer as StatusResponse) : undefined;
  }

  function hold(member: Member, term: bigint, leave = new AbortController()): void {
    const before = held;
    const endCalls = new AbortController();
    for (const { signal } of [endCalls, leave]) setMaxListeners(0, signal);
    held = { use: { member, calls: endCalls.signal, left: leave.signal }, leave, endCalls, term };
    before?.endCalls.abort();
    found.resolve();
  }

  function letGo(): void {
    const before = held;
    held = undefined;
    found = Promise.withResolvers();
    before?.leave.abort();
    before?.endCalls.abort();
  }

  /** The first of the list among those that answer at about the same time: users name the nearest one first. */
  async function look(): Promise<void> {
    const fit: (StatusResponse | undefined)[] = [];
    const asked = members.map(async (member, at) => {
      fit[at] = await ask(member);
      if (fit[at] === undefined) throw new Error(member.url);
      return at;
    });
    const first = await Promise.any(asked).catch(() => -1);
    if (first > 0) await Promise.race([Promise.allSettled(asked.slice(0, first)), sleep(preferenceMs)]);
    const at = fit.findIndex((status) => status !== undefined);
    if (stop.signal.aborted) return;
    if (at >= 0) hold(members[at]!, fit[at]!.raftTerm);
    else await sleep(lookEveryMs);
  }

  async function keepAsking({ use, leave, term }: Held): Promise<void> {
    const status = await ask(use.member);
    if (stop.signal.aborted || held?.leave !== leave) return;
    if (status === undefined) return letGo();
    onStatus(status.header!.revision);
    // What was sent to the leader before is lost now and then, and etcd tells nobody for 7 s.
    if (status.raftTerm !== term) hold(use.member, status.raftTerm, leave);
    await new Promise<void>((resolve) => {
      wake = resolve;
      setTimeout(resolve, askEveryMs).unref();
    });
  }

  const asking = (async () => {
    while (!stop.signal.aborted) await (held === undefined ? look() : keepAsking(held));
  })();
  asking.catch((error: unknown) => {
    throw error;
  });

  return {
    async use(waitMs, signal = stop.signal) {
      const end = performance.now() + waitMs;
      while (held === undefined) {
        if (stop.signal.aborted) throw new StoreError('closed', 'the store was closed');
        signal.throwIfAborted();
        const left = Math.min(end - performance.now(), longestWaitMs);
        if (left <= 0) throw unavailable(members, trouble);
        const over = new AbortController();
        const waiting = sleep(left, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(
          () => undefined,
        );
        await Promise.race([found.promise, waiting]);
        over.abort();
      }
      return held.use;
    },
    suspect(use) {
      if (held?.leave.signal === use.left) wake();
    },
    close() {
      stop.abort();
      found.resolve();
      letGo();
      wake();
      for (const member of members) member.close();
    },
  };
}

function unavailable(members: readonly Member[], trouble: ReadonlyMap<string, string>): StoreError {
  const each = members.map(({ url }) => `${url}: ${trouble.get(url) ?? 'not asked yet'}`).join('; ');
  return new StoreError('unavailable', `no member of etcd will do: ${each}`);
}

function detailsOf(cause: unknown): string {
  if (!(cause instanceof ClientError)) return cause instanceof Error ? cause.message : String(cause);
  return /Last error: (?:Error: )?(.*?)\.? Resolution note/.exec(cause.details)?.[1] ?? cause.details;
}
