// What a controller does with what others left: at its start, and whenever one is gone. ALLOCATING is undone, DELETING is finished,
// leases without a record are released (I2). Several may do it at once, and the one that is thought gone may wake up: so a record is
// TAKEN first, by a compared put that spoils its maker's commit, and its leases are released only AFTER that.

import { isFault, Reason } from '@weft/fault';
import {
  type Endpoint,
  type Host,
  HostState,
  type Network,
  Phase,
  type Sandbox,
  type Service,
} from '@weft/proto/model';
import type { Op } from '@weft/store';
import { prefix } from '../state/keys.ts';
import { encodeNetwork, encodeSandbox, encodeService, type Stored } from '../state/records.ts';
import type { Context } from './context.ts';
import type { Finisher } from './finish.ts';
import { undoNetwork } from './network.ts';
import { endpointOwner, networkOwner, serviceOwner } from './owners.ts';
import type { HostRemoval } from './remove-host.ts';
import { undoService } from './service.ts';
import { undoAttach } from './take-back.ts';
import { untilAnswered } from './until-answered.ts';

type Made = Endpoint | Network | Sandbox | Service;

export interface TakeOver {
  /** Resolves when everything half-made that nobody is at is undone; half-removed things are finished, and leases without a record released, after that. */
  run(): Promise<void>;
  close(): void;
}

export function createTakeOver(context: Context, finisher: Finisher, removal: HostRemoval): TakeOver {
  const { registry, log, ledger } = context;
  const { view } = ledger;
  let running: Promise<void> | undefined;
  let again = false;

  /** One after the other: who asks while it runs gets a run of his own. */
  function run(): Promise<void> {
    again = running !== undefined;
    running ??= (async () => {
      try {
        do {
          again = false;
          await undoHalfMade(context);
          // Asked of all leases there are: one replica is enough.
          if (registry.isOldest() || !registry.hasOthers()) collectGarbage();
          finishHalfRemoved(context, finisher, removal);
        } while (again);
      } finally {
        running = undefined;
      }
    })();
    return running;
  }

  let collecting = Promise.resolve();
  /** Behind everybody's back: what has no record harms nobody but by being taken, and looking at all leases takes its time. */
  function collectGarbage(): void {
    collecting = collecting
      .then(() => untilAnswered(context, () => releaseGarbage(context)))
      .catch((error: unknown) => {
        if (!context.stopping.aborted) log.error({ err: error }, 'leases without a record could not be released');
      });
  }

  const unsubscribe = view.onChange((change) => {
    if (context.stopping.aborted || ![...change.replicas].some((id) => !registry.isThere(id))) return;
    log.warn({ replicas: [...change.replicas] }, 'a controller is gone: finishing what it was at');
    untilAnswered(context, run).catch((error: unknown) => {
      if (!context.stopping.aborted) log.error({ err: error }, 'what another controller was at could not be finished');
    });
  });
  return { run, close: unsubscribe };
}

/** Rows in a phase whose replica is gone. */
function left<T extends Made>({ registry }: Context, rows: Iterable<Stored<T>>, phase: Phase): Stored<T>[] {
  return [...rows].filter(({ value: { desired } }) => desired?.phase === phase && !registry.isThere(desired.replica));
}

async function undoHalfMade(context: Context): Promise<void> {
  const { view } = context.ledger;
  for (const row of left(context, view.endpoints.values(), Phase.ALLOCATING)) {
    const mine = await take(context, row, prefix.endpoint, (one) => view.portLists.puts(one));
    if (mine !== undefined) await undoAttach(context, undefined, [mine]);
  }
  for (const row of left(context, view.sandboxes.values(), Phase.ALLOCATING)) {
    const mine = await take(context, row, prefix.sandbox, putting(prefix.sandbox, encodeSandbox));
    if (mine !== undefined) await undoAttach(context, mine, []);
  }
  for (const row of left(context, view.services.values(), Phase.ALLOCATING)) {
    const mine = await take(context, row, prefix.service, putting(prefix.service, encodeService));
    if (mine !== undefined) await undoService(context, mine);
  }
  for (const row of left(context, view.networks.values(), Phase.ALLOCATING)) {
    const mine = await take(context, row, prefix.network, putting(prefix.network, encodeNetwork));
    if (mine !== undefined) await undoNetwork(context, mine);
  }
}

const putting =
  <T extends Made>(lead: string, encode: (one: T) => Uint8Array) =>
  (one: T): Op[] => [{ put: `${lead}${one.id}`, value: encode(one) }];

/** The record as this replica's; undefined if somebody else was faster. From then on its maker cannot commit it. */
async function take<T extends Made>(
  { ledger, registry }: Context,
  { value, revision }: Stored<T>,
  lead: string,
  puts: (one: T) => Op[],
): Promise<Stored<T> | undefined> {
  const mine = { ...value, desired: { ...value.desired, replica: registry.id } } as T;
  try {
    const taken = await ledger.commit([{ key: `${lead}${value.id}`, modRevision: revision }], puts(mine));
    return { value: mine, revision: taken };
  } catch (error) {
    if (!isFault(error, Reason.CONFLICT)) throw error;
    return undefined;
  }
}

function finishHalfRemoved(context: Context, finisher: Finisher, removal: HostRemoval): void {
  const { view } = context.ledger;
  const { registry } = context;
  const leftHosts = [...view.hosts.values()].filter(
    ({ value }: Stored<Host>) => value.state === HostState.REMOVING && !registry.isThere(value.replica),
  );
  const tasks = [
    ...left(context, view.endpoints.values(), Phase.DELETING).map(({ value }) => finisher.endpoint(value.id)),
    ...left(context, view.services.values(), Phase.DELETING).map(({ value }) => finisher.service(value.id)),
    ...left(context, view.sandboxes.values(), Phase.DELETING).map(({ value }) => finisher.sandbox(value.id)),
    ...left(context, view.networks.values(), Phase.DELETING).map(({ value }) => finisher.network(value.id)),
    ...left(context, view.endpoints.values(), Phase.READY)
      .filter(({ value }) => (value.desired?.knownBy.length ?? 0) > 0)
      .map(({ value }) => finisher.left(value.id)),
    ...leftHosts.map(({ value }) => removal.finish(value.id)),
  ];
  for (const task of tasks)
    task.catch((error: unknown) => {
      if (!context.stopping.aborted) context.log.error({ err: error }, 'a deletion could not be finished');
    });
}

/** Leases and pools whose owner has no record are garbage by definition: record first, lease second. */
async function releaseGarbage(context: Context): Promise<void> {
  await releaseLeases(context, endpointOwner(''), prefix.endpoint);
  await releaseLeases(context, serviceOwner(''), prefix.service);
  const { pools } = await context.ipam.listPools({});
  const owned = pools.map(({ owner }) => owner).filter((owner) => owner.startsWith(networkOwner('')));
  for (const owner of await withoutRecord(context, owned, networkOwner(''), prefix.network)) {
    context.log.warn({ owner }, 'releasing pools without a record');
    await context.ipam.releasePools({ owner });
  }
  const { numbers } = await context.ipam.listNumbers({ ownerPrefix: networkOwner('') });
  const holders = numbers.map(({ owner }) => owner);
  const owners = await withoutRecord(context, holders, networkOwner(''), prefix.network);
  if (owners.length === 0) return;
  context.log.warn({ networks: owners.length }, 'releasing numbers without a record');
  await context.ipam.release({ owners });
}

/** @param lead what the owners of these leases begin with */
async function releaseLeases(context: Context, lead: string, recordPrefix: string): Promise<void> {
  const { leases } = await context.ipam.listLeases({ ownerPrefix: lead });
  const listed = leases.map(({ owner }) => owner);
  const owners = await withoutRecord(context, listed, lead, recordPrefix);
  if (owners.length === 0) return;
  context.log.warn({ owners: owners.length }, 'releasing leases without a record');
  await context.ipam.release({ owners });
}

/** Each once. The view may lag behind another replica's record, so the store has the last word, AFTER the leases were listed. */
async function withoutRecord(
  { ledger }: Context,
  owners: readonly string[],
  lead: string,
  recordPrefix: string,
): Promise<string[]> {
  const { view, store } = ledger;
  const known: Record<string, { get(id: string): unknown }> = {
    [prefix.endpoint]: view.endpoints,
    [prefix.service]: view.services,
    [prefix.network]: view.networks,
  };
  const found: string[] = [];
  for (const owner of new Set(owners)) {
    const id = owner.slice(lead.length);
    if (known[recordPrefix]?.get(id) === undefined && (await store.get(`${recordPrefix}${id}`)) === undefined)
      found.push(owner);
  }
  return found;
}
