// weft.agent.v1.AgentService: agents register, watch what their host must have, and report what became of it. A fact
// from a report is durable before anybody who waits for it is told.

import { type Fault, fault, fromMessage, Reason, toMessage } from '@weft/fault';
import type { AgentServiceImplementation, ReportRequest } from '@weft/proto/agent';
import { StoredDrift } from '@weft/proto/controller';
import { EndpointStatus, type Host, HostFacts, HostState, Phase, SandboxStatus } from '@weft/proto/model';
import type { Compare, Op, Revision } from '@weft/store';
import type { Context } from '../act/context.ts';
import { untilAnswered } from '../act/until-answered.ts';
import { isFullId } from '../admit/lookup.ts';
import { checkName } from '../admit/names.ts';
import { joinedOf } from '../plan/compile.ts';
import { type ItemKey, itemOf, toldWith } from '../plan/items.ts';
import { putHost } from '../replicas/hosts.ts';
import { prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { createBackendReports } from './backend-reports.ts';
import { reachView, tell } from './tell.ts';

/** The most statuses one transaction writes. */
const statusesAtOnce = 50;

export interface Agents {
  readonly service: AgentServiceImplementation;
  close(): void;
}

export function createAgents(context: Context): Agents {
  const { ledger, progress, planner } = context;
  const { view, store } = ledger;
  const backends = createBackendReports(context);
  /** Endpoints and sandboxes whose objects a host was told and has not reported on yet, by host. */
  const untold = new Map<string, Set<string>>();

  const untoldOf = (hostId: string): Set<string> => {
    const known = untold.get(hostId) ?? new Set<string>();
    untold.set(hostId, known);
    return known;
  };
  const unsubscribe = view.onChange((change) => {
    for (const id of change.hosts) if (view.hosts.get(id) === undefined) untold.delete(id);
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

  const service: AgentServiceImplementation = {
    async register({ hostId, name, facts }) {
      if (!isFullId(hostId))
        throw fault(Reason.INVALID_VALUE, 'a host id has 64 hexadecimal digits', { field: 'host_id' });
      const bad = checkName(name, 'name');
      if (bad !== undefined) throw bad;
      await putHost(context, hostId, (host) => {
        if (host?.state === HostState.REMOVING) throw beingRemoved(host);
        const isSame =
          host !== undefined && host.name === name && host.state !== HostState.LOST && sameFacts(host.facts, facts);
        if (isSame) return undefined;
        const state = host === undefined || host.state === HostState.LOST ? HostState.JOINED : host.state;
        return { id: hostId, name, state, facts, created: host?.created ?? context.now(), revision: 0n, replica: '' };
      });
      planner.table(hostId);
      progress.reset(hostId);
      return { storeId: store.id, controllers: view.replicas.addresses() };
    },

    async *watch(request, call) {
      await assertServed(context, request.hostId);
      const leave = context.share.connected(request.hostId);
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
      await assertServed(context, hostId);
      await reachView(context, request.seenRevision);
      for (const { key, fault: why } of request.failed) if (why !== undefined) progress.fail(hostId, key, why);
      for (const key of request.recovered) progress.recover(hostId, key);
      if (request.names !== undefined) progress.count(hostId, request.names);
      await keep(context, request, untoldOf(hostId));
      await backends.keep(request);
      progress.advance(hostId, request.seenRevision);
      if (request.facts !== undefined) {
        const { facts } = request;
        await putHost(context, hostId, (host) =>
          host === undefined || host.state === HostState.REMOVING || sameFacts(host.facts, facts)
            ? undefined
            : { ...host, facts },
        );
      }
      return {};
    },
  };

  return {
    service,
    close() {
      unsubscribe();
    },
  };
}

/** Waits for what another replica may know already. */
async function assertServed({ ledger, registry }: Context, hostId: string): Promise<void> {
  const { hosts } = ledger.view;
  if (hosts.get(hostId) === undefined && registry.hasOthers()) await registry.caughtUp();
  const host = hosts.get(hostId)?.value;
  if (host?.state === HostState.REMOVING) throw beingRemoved(host);
  if (host === undefined) {
    throw fault(Reason.HOST_NOT_FOUND, `host ${hostId} has not registered`, { field: 'host_id' });
  }
}

const beingRemoved = ({ name }: Host) =>
  fault(Reason.BEING_REMOVED, `host ${name} is being removed: it can join again, as a new host, when that is done`, {
    field: 'host_id',
  });

/** Makes what a report says durable: statuses that changed, sandboxes' states, drift. */
async function keep(context: Context, report: ReportRequest, untold: Set<string>): Promise<void> {
  const { planner, ledger } = context;
  const { view } = ledger;
  const table = planner.table(report.hostId);
  const items = new Set<string>();
  const isAll = report.seenRevision >= table.revision || view.revision <= report.seenRevision;
  for (const item of untold) {
    const isLater = (revisionOf(context, item) ?? 0n) > report.seenRevision;
    // One that is not in the table yet is compiled later, its driver was away perhaps: a report after that tells of it.
    if ((isLater && !isAll) || (table.keysOf(item).length === 0 && isToCome(context, item))) continue;
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

/** Whether the record is one that hosts are told of. */
function isToCome(context: Context, item: string): boolean {
  const [kind, id] = split(item);
  const { view } = context.ledger;
  if (kind === 'endpoint') return joinedOf(view, id) !== undefined;
  return view.sandboxes.get(id)?.value.desired?.phase === Phase.READY;
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
    const after: EndpointStatus = {
      appliedRevision: why === undefined ? report.seenRevision : 0n,
      fault: why,
      hostLost: false,
    };
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
    hostLost: false,
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
