// What every action of the controller works with, and how it waits for hosts.
import { type FaultError, fault, Reason } from '@weft/fault';
import type { Log } from '@weft/process';
import type { DiscoveryServiceClient } from '@weft/proto/discovery';
import type { IpamServiceClient } from '@weft/proto/ipam';
import { type Host, HostState } from '@weft/proto/model';
import { traced } from '@weft/telemetry';
import type { DriverDirectory } from '../plan/drivers.ts';
import type { ItemKey } from '../plan/items.ts';
import type { Planner } from '../plan/planner.ts';
import type { Progress } from '../plan/progress.ts';
import type { Registry } from '../replicas/registry.ts';
import type { Share } from '../replicas/share.ts';
import type { Ledger } from '../state/ledger.ts';
import type { PortDesk } from './port-desk.ts';
import { becauseLost, untilSeen } from './until-seen.ts';

export interface Context {
  readonly ledger: Ledger;
  readonly planner: Planner;
  readonly progress: Progress;
  readonly drivers: DriverDirectory;
  readonly discovery: DiscoveryServiceClient;
  readonly ports: PortDesk;
  /** This controller among its replicas. */
  readonly registry: Registry;
  readonly share: Share;
  readonly ipam: IpamServiceClient;
  readonly log: Log;
  readonly now: () => Date;
  /** A new 64-hex id. */
  readonly newId: () => string;
  /** Aborts when the controller stops. */
  readonly stopping: AbortSignal;
}

/** How long a caller waits for hosts, and whether he is still there. */
export interface Waiting {
  /** Aborts when the call is over. */
  readonly call: AbortSignal;
  /** Milliseconds; undefined waits as long as the call lasts. */
  readonly ms: number | undefined;
}

export interface Applied {
  readonly applied: boolean;
  /** Why it is accepted and not applied, where a host is lost. */
  readonly because?: string;
  readonly failure?: FaultError;
  /** Which items failed, and why; `failure` is what the others fail for want of. */
  readonly failures?: ReadonlyMap<ItemKey, FaultError>;
}

/** @throws DEADLINE_PASSED or CANCELLED if the caller is gone: nothing has been done yet */
export function assertCallerThere({ call }: Waiting): void {
  if (call.aborted) throw fault(Reason.DEADLINE_PASSED, 'the call was over before the change was made');
}

/** A signal that aborts when the caller stops waiting. */
export function patience(context: Context, { call, ms }: Waiting): AbortSignal {
  const signals = [call, context.stopping];
  if (ms !== undefined) signals.push(AbortSignal.timeout(ms));
  return AbortSignal.any(signals);
}

/** Waits until hosts that are not lost have applied a revision, then says whether any of these items failed there. */
export const whenApplied: typeof lookWhenApplied = (...all) => traced('wait for hosts', () => lookWhenApplied(...all));

async function lookWhenApplied(
  context: Context,
  hostIds: readonly string[],
  revision: bigint,
  items: readonly ItemKey[],
  waiting: Waiting,
  /** What had failed before, by `failingOf`: no reason to take a change back. */
  older: ReadonlySet<string> = new Set(),
): Promise<Applied> {
  await context.planner.planned(revision);
  const signal = patience(context, waiting);
  for (const item of items) {
    // A service that is away is no answer: what was committed is compiled when it is back.
    if (waiting.ms !== 0) await context.planner.trouble.untilServed(item, signal);
    const failure = context.planner.trouble.of(item);
    if (failure?.reason === Reason.SERVICE_UNAVAILABLE) return { applied: false, because: failure.text };
    if (failure !== undefined) return { applied: false, failure };
  }
  if (waiting.ms === 0) return { applied: false };
  await context.planner.planned(revision);
  const news = (hostId: string, keys: readonly string[]) => keys.filter((key) => !older.has(`${hostId} ${key}`));
  const unseen: string[] = [];
  for (const hostId of hostIds) {
    if (isRemoved(context, hostId)) continue;
    const table = context.planner.table(hostId);
    const due = table.revision < revision ? table.revision : revision;
    if (!(await untilSeen(context, hostId, due, signal))) {
      if (signal.aborted) return { applied: false, because: becauseLost(context, [...unseen, hostId]) };
      if (!isRemoved(context, hostId)) unseen.push(hostId);
      continue;
    }
    const failures = new Map<ItemKey, FaultError>();
    for (const item of items) {
      const [why] = context.progress.failures(hostId, news(hostId, table.keysOf(item)));
      if (why !== undefined) failures.set(item, why);
    }
    const keys = [...failures.keys()].flatMap((item) => news(hostId, table.keysOf(item)));
    const [failure] = context.progress.failures(hostId, keys);
    if (failure !== undefined) return { applied: false, failure, failures };
  }
  return { applied: unseen.length === 0, because: becauseLost(context, unseen) };
}

/** The objects of an item that fail on these hosts now. */
export function failingOf({ planner, progress }: Context, hostIds: readonly string[], item: ItemKey): Set<string> {
  return new Set(
    hostIds.flatMap((hostId) =>
      planner
        .table(hostId)
        .keysOf(item)
        .filter((key) => progress.failing(hostId).has(key))
        .map((key) => `${hostId} ${key}`),
    ),
  );
}

/** Waits until hosts have forgotten what was withdrawn at a revision; false if the signal aborts first. */
export async function whenForgotten(
  context: Context,
  hostIds: readonly string[],
  revision: bigint,
  signal: AbortSignal,
): Promise<boolean> {
  await context.planner.planned(revision);
  for (const hostId of hostIds) {
    if (isRemoved(context, hostId)) continue;
    const table = context.planner.table(hostId);
    const due = table.revision < revision ? table.revision : revision;
    if (!(await context.progress.until(hostId, due, signal)) && !isRemoved(context, hostId)) return false;
  }
  return true;
}

/** Removed for good, or about to be: it must Reset before it serves again, so nobody waits for it. */
export function isRemoved({ ledger }: Context, hostId: string): boolean {
  const state = ledger.view.hosts.get(hostId)?.value.state;
  return state === undefined || state === HostState.REMOVING;
}

/** Hosts whose agent is connected; one that is drained serves what it has. */
export function joinedHosts({ ledger }: Context): string[] {
  const { hosts, replicas } = ledger.view;
  const isJoined = ({ id, state }: Host) =>
    state === HostState.JOINED || (state === HostState.DRAINED && replicas.isAlive(id));
  return [...hosts.values()].flatMap(({ value }) => (isJoined(value) ? [value.id] : []));
}

/** Every host there is, and stays. */
export function allHosts(context: Context): string[] {
  return [...context.ledger.view.hosts.ids()].filter((id) => !isRemoved(context, id));
}
