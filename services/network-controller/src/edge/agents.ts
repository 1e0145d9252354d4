// weft.agent.v1.AgentService: agents register, watch what their host must have, and report what became of it. A fact
// from a report is durable before anybody who waits for it is told.

import { type Fault, fault, fromMessage, Reason, toMessage } from '@weft/fault';
import { pause } from '@weft/process';
import type { AgentServiceImplementation, ReportRequest, WatchRequest, WatchResponse } from '@weft/proto/agent';
import { StoredDrift } from '@weft/proto/controller';
import { EndpointStatus, type Host, HostFacts, HostState, SandboxStatus } from '@weft/proto/model';
import type { CallContext } from '@weft/rpc';
import type { Compare, Op, Revision } from '@weft/store';
import type { Context } from '../act/context.ts';
import { untilAnswered } from '../act/until-answered.ts';
import { isFullId } from '../admit/lookup.ts';
import { checkName } from '../admit/names.ts';
import type { HostTable } from '../plan/host-table.ts';
import { type ItemKey, itemOf, toldWith } from '../plan/items.ts';
import { mostTraces } from '../plan/round.ts';
import { prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { encodeHost } from '../state/records.ts';
import { createBackendReports } from './backend-reports.ts';

/** How long an agent may be away before its host counts as lost, in ms. */
const graceMs = 5_000;
/** The most statuses one transaction writes. */
const statusesAtOnce = 50;

export interface Agents {
  readonly service: AgentServiceImplementation;
  close(): void;
}

export function createAgents(context: Context): Agents {
  const { ledger, progress, planner } = context;
  const { view, store } = ledger;
  const watching = new Map<string, number>();
  const goodbyes = new Map<string, NodeJS.Timeout>();
  const backends = createBackendReports(context);
  /** Endpoints and sandboxes whose objects a host was told and has not reported on yet, by host. */
  const untold = new Map<string, Set<string>>();

  const untoldOf = (hostId: string): Set<string> => {
    const known = untold.get(hostId) ?? new Set<string>();
    untold.set(hostId, known);
    return known;
  };
  const unsubscribe = view.onChange((change) => {
    for (const id of change.endpoints) {
      const hostId = view.endpoints.get(id)?.value.desired?.hostId;
      if (hostId) untoldOf(hostId).add(itemOf.endpoint(id));
    }
    for (const id of change.sandboxes) {
      const hostId = view.sandboxes.get(id)?.value.desired?.hostId;
      if (hostId) untoldOf(hostId).add(itemOf.sandbox(id));
    }
  });
  for (const { value } of view.endpoints.values())
    if (value.desired?.hostId) untoldOf(value.desired.hostId).add(itemOf.endpoint(value.id));
  for (const { value } of view.sandboxes.values())
    if (value.desired?.hostId) untoldOf(value.desired.hostId).add(itemOf.sandbox(value.id));

  /** An agent says a thing once: it waits here until the store has it, or its call is over. */
  const surely = (work: () => Promise<void>) => untilAnswered(context, () => untilCommitted(work));

  async function putHost(hostId: string, change: (host: Host | undefined) => Host | undefined): Promise<void> {
    await surely(async () => {
      const row = view.hosts.get(hostId);
      const next = change(row?.value);
      if (next === undefined) return;
      const key = `${prefix.host}${hostId}`;
      await ledger.commit([{ key, modRevision: row?.revision ?? 0n }], [{ put: key, value: encodeHost(next) }]);
    });
  }

  function onWatch(hostId: string): () => void {
    watching.set(hostId, (watching.get(hostId) ?? 0) + 1);
    clearTimeout(goodbyes.get(hostId));
    return () => {
      const left = (watching.get(hostId) ?? 1) - 1;
      watching.set(hostId, left);
      if (left > 0 || context.stopping.aborted) return;
      const timer = setTimeout(() => {
        if (context.stopping.aborted) return;
        putHost(hostId, (host) =>
          host?.state === HostState.JOINED ? { ...host, state: HostState.LOST } : undefined,
        ).catch((error: unknown) => context.log.error({ err: error, hostId }, 'cannot note that a host is lost'));
      }, graceMs);
      goodbyes.set(hostId, timer.unref());
    };
  }

  const service: AgentServiceImplementation = {
    async register({ hostId, name, facts }) {
      if (!isFullId(hostId))
        throw fault(Reason.INVALID_VALUE, 'a host id has 64 hexadecimal digits', { field: 'host_id' });
      const bad = checkName(name, 'name');
      if (bad !== undefined) throw bad;
      const namesake = [...view.hosts.values()].find(({ value }) => value.name === name && value.id !== hostId);
      if (namesake !== undefined) {
        throw fault(Reason.NAME_TAKEN, `host name ${name} is taken by ${namesake.value.id.slice(0, 12)}`, {
          field: 'name',
          holder: namesake.value.id,
        });
      }
      await putHost(hostId, (host) => {
        const isSame =
          host !== undefined && host.name === name && host.state !== HostState.LOST && sameFacts(host.facts, facts);
        if (isSame) return undefined;
        const state = host === undefined || host.state === HostState.LOST ? HostState.JOINED : host.state;
        return { id: hostId, name, state, facts, created: host?.created ?? context.now(), revision: 0n };
      });
      planner.table(hostId);
      progress.reset(hostId);
      return { storeId: store.id };
    },

    async *watch(request, call) {
      if (view.hosts.get(request.hostId) === undefined) {
        throw fault(Reason.HOST_NOT_FOUND, `host ${request.hostId} has not registered`, { field: 'host_id' });
      }
      const leave = onWatch(request.hostId);
      try {
        yield* tell(context, request, call, (revision) => backends.reset(request.hostId, revision));
      } finally {
        leave();
      }
    },

    async report(request) {
      if (request.storeId !== store.id) {
        throw fault(Reason.GAP, `the report is about store ${request.storeId}, this is ${store.id}`, {
          field: 'store_id',
        });
      }
      const { hostId } = request;
      for (const { key, fault: why } of request.failed) if (why !== undefined) progress.fail(hostId, key, why);
      for (const key of request.recovered) progress.recover(hostId, key);
      if (request.names !== undefined) progress.count(hostId, request.names);
      await keep(context, request, untoldOf(hostId));
      await backends.keep(request);
      progress.advance(hostId, request.seenRevision);
      if (request.facts !== undefined) {
        const { facts } = request;
        await putHost(hostId, (host) =>
          host === undefined || sameFacts(host.facts, facts) ? undefined : { ...host, facts },
        );
      }
      return {};
    },
  };

  return {
    service,
    close() {
      unsubscribe();
      for (const timer of goodbyes.values()) clearTimeout(timer);
    },
  };
}

/** How often it is asked whether all has been compiled once, in ms: only while a driver or discovery is away at the start. */
const wholeMs = 100;

/** The stream an agent hears: what changed since it last heard, or everything after a Reset. */
async function* tell(
  context: Context,
  request: WatchRequest,
  call: CallContext,
  onReset: (revision: bigint) => void,
): AsyncGenerator<WatchResponse> {
  const { planner, ledger } = context;
  const storeId = ledger.store.id;
  const signal = AbortSignal.any([call.signal, context.stopping]);
  const table = planner.table(request.hostId);
  await planner.planned(ledger.view.revision);
  let told = request.storeId === storeId ? table.resume(request.sinceRevision) : undefined;
  while (!signal.aborted) {
    const changes = told === undefined ? undefined : table.changesFrom(told);
    if (changes === undefined && !planner.isWhole) {
      // What it does not hear of it would remove.
      await pause(wholeMs, signal);
      continue;
    }
    const { revision, end } = table;
    if (changes === undefined) {
      const objects = table.objects();
      onReset(revision);
      yield { step: { $case: 'reset', value: {} } };
      for (const object of objects) yield { step: { $case: 'put', value: object } };
    } else {
      for (const change of changes) {
        for (const key of change.deletes) yield { step: { $case: 'delete', value: key } };
        for (const object of change.puts) yield { step: { $case: 'put', value: object } };
      }
    }
    const traceParents = [...new Set((changes ?? []).flatMap((change) => change.traceParents))].slice(-mostTraces);
    yield { step: { $case: 'synced', value: { storeId, revision, traceParents } } };
    told = end;
    await changed(table, { revision, end }, signal);
  }
}

async function changed(
  table: HostTable,
  told: Pick<HostTable, 'revision' | 'end'>,
  signal: AbortSignal,
): Promise<void> {
  if (table.revision !== told.revision || table.end !== told.end || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      unsubscribe();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const unsubscribe = table.onChange(done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Makes what a report says durable: statuses that changed, sandboxes' states, drift. */
async function keep(context: Context, report: ReportRequest, untold: Set<string>): Promise<void> {
  const { planner, ledger } = context;
  const { view } = ledger;
  const table = planner.table(report.hostId);
  const items = new Set<string>();
  const isAll = report.seenRevision >= table.revision || view.revision <= report.seenRevision;
  for (const item of untold) {
    const isLater = (revisionOf(context, item) ?? 0n) > report.seenRevision;
    // One that is not in the table yet is compiled later than this report was made: the next one tells of it.
    if (isLater && (!isAll || table.keysOf(item).length === 0)) continue;
    items.add(item);
    untold.delete(item);
  }
  for (const key of [...report.failed.map((one) => one.key), ...report.recovered])
    for (const item of table.owners(key)) items.add(toldWith(item));
  for (const { sandboxId } of report.sandboxes) items.add(itemOf.sandbox(sandboxId));

  const all = [...items];
  for (let i = 0; i < all.length; i += statusesAtOnce)
    await putStatuses(context, report, all.slice(i, i + statusesAtOnce));
  if (report.drifts.length > 0) {
    const value = StoredDrift.encode({ hostId: report.hostId, drifts: report.drifts.slice(0, 100) }).finish();
    await untilAnswered(context, () => ledger.commit([], [{ put: `${prefix.drift}${report.hostId}`, value }]));
  }
}

/** Writes what a report says of items, as long as their records are what it was compared with: none outlives its record. */
async function putStatuses(context: Context, report: ReportRequest, items: readonly string[]): Promise<void> {
  const put = async () => {
    const compares: Compare[] = [];
    const ops: Op[] = [];
    const failures = failuresByItem(context, report.hostId);
    for (const item of items) {
      const op = statusOp(context, report, item, failures.get(item));
      if (op === undefined) continue;
      ops.push(op);
      compares.push({ key: item, modRevision: revisionOf(context, item) ?? 0n });
    }
    if (ops.length > 0) await context.ledger.commit(compares, ops);
  };
  await untilAnswered(context, () => untilCommitted(put));
}

/** A failure of each item that has one, of the things the status of an item tells of. */
function failuresByItem(context: Context, hostId: string): ReadonlyMap<ItemKey, Fault> {
  const table = context.planner.table(hostId);
  const found = new Map<ItemKey, Fault>();
  for (const [key, why] of context.progress.failing(hostId))
    for (const owner of table.owners(key))
      if (!found.has(toldWith(owner))) found.set(toldWith(owner), toMessage(fromMessage(why)));
  return found;
}

function revisionOf(context: Context, item: string): Revision | 0n | undefined {
  const [kind, id] = split(item);
  const { view } = context.ledger;
  return (kind === 'endpoint' ? view.endpoints.get(id) : view.sandboxes.get(id))?.revision;
}

function split(item: string): [kind: string, id: string] {
  const at = item.indexOf('/');
  return [item.slice(0, at), item.slice(at + 1)];
}

/** The write that brings an item's status up to the report; undefined if it says nothing new. */
function statusOp(context: Context, report: ReportRequest, item: string, why: Fault | undefined): Op | undefined {
  const { view } = context.ledger;
  const [kind, id] = split(item);
  const isThere = context.planner.table(report.hostId).keysOf(item).length > 0;
  if (kind === 'endpoint') {
    const row = view.endpoints.get(id);
    if (row === undefined || !isThere) return undefined;
    const before = view.endpointStatuses.get(id)?.value;
    // Above what the host has seen it is a revision of another store, which this one was imported from.
    const isCurrent =
      before !== undefined &&
      (before.fault !== undefined ||
        (before.appliedRevision >= row.revision && before.appliedRevision <= report.seenRevision));
    if (isCurrent && before.fault?.message === why?.message) return undefined;
    const after: EndpointStatus = { appliedRevision: why === undefined ? report.seenRevision : 0n, fault: why };
    return { put: `${prefix.endpointStatus}${id}`, value: EndpointStatus.encode(after).finish() };
  }
  if (kind !== 'sandbox' || view.sandboxes.get(id) === undefined) return undefined;
  const before = view.sandboxStatuses.get(id)?.value;
  const state = report.sandboxes.find((one) => one.sandboxId === id);
  const after: SandboxStatus = {
    namespacePath: state?.namespacePath ?? before?.namespacePath ?? '',
    hostsPath: state?.hostsPath ?? before?.hostsPath ?? '',
    resolvConfPath: state?.resolvConfPath ?? before?.resolvConfPath ?? '',
    lost: state?.lost ?? before?.lost ?? false,
    appliedRevision: why === undefined ? firstApplied(before, report) : 0n,
    fault: why,
  };
  const bytes = SandboxStatus.encode(after).finish();
  if (before !== undefined && Buffer.compare(bytes, SandboxStatus.encode(before).finish()) === 0) return undefined;
  return { put: `${prefix.sandboxStatus}${id}`, value: bytes };
}

/** The revision at which a sandbox was there first, of this store's. */
function firstApplied(before: SandboxStatus | undefined, { seenRevision }: ReportRequest): bigint {
  const known = before?.appliedRevision ?? 0n;
  return known === 0n || known > seenRevision ? seenRevision : known;
}

function sameFacts(a: HostFacts | undefined, b: HostFacts | undefined): boolean {
  const bytes = (facts: HostFacts | undefined) =>
    facts === undefined ? Buffer.alloc(0) : Buffer.from(HostFacts.encode(facts).finish());
  return bytes(a).equals(bytes(b));
}
