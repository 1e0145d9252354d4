// weft.controller.v1.SystemService: state of the whole, watches and events. Both streams read the store's change log.
import { fault, Reason } from '@weft/fault';
import {
  DrainHostRequest,
  DrainHostResponse,
  type EventsRequest,
  type EventsResponse,
  RemoveHostRequest,
  RemoveHostResponse,
  type SystemServiceImplementation,
  type WatchRequest,
  type WatchResponse,
} from '@weft/proto/controller';
import type { Event } from '@weft/proto/event';
import type { Host } from '@weft/proto/model';
import type { CallContext } from '@weft/rpc';
import { type Revision, StoreError, type StoreEvent } from '@weft/store';
import type { Context } from '../act/context.ts';
import type { HostRemoval } from '../act/remove-host.ts';
import type { Requests } from '../act/requests.ts';
import { eventsOf } from '../state/event-log.ts';
import { parseKey } from '../state/keys.ts';
import { isReady, readEndpoint, readHost, readNetwork, readSandbox, readService } from '../state/reading.ts';
import { codecs } from '../state/records.ts';
import type { View } from '../state/view.ts';
import { explainPath } from './explain.ts';
import { againOf, outcomeOf, waitingOf } from './mutation.ts';
import { waitingAddresses } from './networks.ts';
import { resolveName } from './resolve.ts';

const watchable = ['network', 'endpoint', 'sandbox', 'host', 'service'] as const;
type Watchable = (typeof watchable)[number];

export function systemService(
  context: Context,
  requests: Requests,
  removal: HostRemoval,
  version: string,
  publisher: () => string,
  refused: () => ReadonlyMap<string, bigint> | undefined,
): SystemServiceImplementation {
  const { view, store } = context.ledger;
  const hosts = () =>
    [...view.hosts.ids()]
      .map((id) => readHost(view, id))
      .filter((one) => one !== undefined)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  const count = (rows: Iterable<{ value: Parameters<typeof isReady>[0] }>) =>
    [...rows].filter(({ value }) => isReady(value)).length;

  return {
    async getStatus() {
      const { pools } = await context.ipam.listPools({});
      return {
        version,
        storeId: store.id,
        revision: view.revision,
        hosts: hosts(),
        networks: count(view.networks.values()),
        endpoints: count(view.endpoints.values()),
        sandboxes: count(view.sandboxes.values()),
        failures: context.progress
          .all()
          .map(({ hostId, key, fault: why }) => `${readHost(view, hostId)?.name ?? hostId} ${key}: ${why.message}`),
        events: publisher(),
        waitingAddresses: waitingAddresses(context),
        pools,
        replicas: view.replicas.all().map(({ id, address, started }) => ({
          ...{ id, address, started, hosts: view.replicas.hostsOf(id), self: id === context.registry.id },
        })),
        names: hosts().flatMap(({ id, name }) => {
          const counters = context.progress.counted(id);
          return counters === undefined ? [] : [{ host: name, counters }];
        }),
        refusedCallers: Object.fromEntries(refused() ?? []),
      };
    },
    async listHosts() {
      return { hosts: hosts() };
    },
    explain: (request) => explainPath(context, request),
    resolve: (request) => resolveName(context, request),
    async drainHost(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'DrainHost',
        request,
        DrainHostRequest,
        DrainHostResponse,
        async (ops) => {
          const done = { done: (host: Host) => ops.done({ host, outcome: undefined }), failed: ops.failed };
          const made = await removal.drain(request.host, request.undo, done);
          return { host: made.value, outcome: outcomeOf(context, made) };
        },
        (stored, revision) => againOf(context, waiting, stored, revision),
      );
    },
    async removeHost(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'RemoveHost',
        request,
        RemoveHostRequest,
        RemoveHostResponse,
        async (ops) => {
          const done = { done: (id: string) => ops.done({ id, outcome: undefined }), failed: ops.failed };
          const made = await removal.remove(request.host, request.force, waiting, done);
          return { id: made.value, outcome: outcomeOf(context, made) };
        },
        (stored, revision) => againOf(context, waiting, stored, revision),
      );
    },
    watch: (request, call) => watch(context, request, call),
    events: (request, call) => events(context, request, call),
  };
}

function checkStore(context: Context, storeId: string): boolean {
  return storeId === '' || storeId === context.ledger.store.id;
}

async function* watch(context: Context, request: WatchRequest, call: CallContext): AsyncGenerator<WatchResponse> {
  const { view, store } = context.ledger;
  const signal = AbortSignal.any([call.signal, context.stopping]);
  const unknown = request.kinds.find((kind) => !watchable.includes(kind as Watchable));
  if (unknown !== undefined)
    throw fault(Reason.INVALID_FILTER, `kinds: "${unknown}" is none of ${watchable.join(', ')}`, { field: 'kinds' });
  const kinds = new Set<Watchable>(request.kinds.length === 0 ? watchable : (request.kinds as Watchable[]));
  let from = request.sinceRevision as Revision;
  let mustReset = from === 0n || !checkStore(context, request.storeId) || from > view.revision;
  while (!signal.aborted) {
    if (mustReset) {
      const revision = view.revision;
      const all = everything(view, kinds);
      if (request.sinceRevision !== 0n) yield { step: { $case: 'reset', value: {} } };
      yield* all;
      yield synced(store.id, revision);
      from = revision;
      mustReset = false;
    }
    for await (const step of orStopped(store.watch('', from, signal))) {
      if ('compacted' in step) {
        mustReset = true;
        break;
      }
      await view.reached(step.revision);
      const changes = step.events.flatMap((event) => changeOf(view, event, kinds));
      from = step.revision;
      if (changes.length === 0) continue;
      yield* changes;
      yield synced(store.id, step.revision);
    }
  }
}

const synced = (storeId: string, revision: bigint): WatchResponse => ({
  step: { $case: 'synced', value: { storeId, revision } },
});

function* everything(view: View, kinds: ReadonlySet<Watchable>): Generator<WatchResponse> {
  const { networks, endpoints, sandboxes, hosts, services } = view;
  const tables = { network: networks, endpoint: endpoints, sandbox: sandboxes, host: hosts, service: services };
  for (const kind of kinds) {
    for (const id of [...tables[kind].ids()]) {
      const put = putOf(view, kind, id);
      if (put !== undefined) yield put;
    }
  }
}

const readers = {
  network: readNetwork,
  endpoint: readEndpoint,
  sandbox: readSandbox,
  host: readHost,
  service: readService,
} as const;

/** How a record is now; undefined if users cannot see it. */
function putOf(view: View, kind: Watchable, id: string): WatchResponse | undefined {
  const object = readers[kind](view, id);
  if (object === undefined || (kind !== 'host' && !isReady(object as Parameters<typeof isReady>[0]))) return undefined;
  return { step: { $case: 'put', value: { object: { $case: kind, value: object } as never } } };
}

function changeOf(view: View, event: StoreEvent, kinds: ReadonlySet<Watchable>): WatchResponse[] {
  const parsed = parseKey(event.key);
  if (parsed === undefined) return [];
  const id = parsed.kind === 'backendStatus' ? (parsed.id.split('/', 1)[0] ?? '') : parsed.id;
  const kind = (statusOf[parsed.kind] ?? parsed.kind) as Watchable;
  if (!kinds.has(kind)) return [];
  const put = putOf(view, kind, id);
  if (put !== undefined) return [put];
  const wasVisible = parsed.kind === kind && event.previous !== undefined && isVisible(kind, event.previous.value);
  return wasVisible ? [{ step: { $case: 'delete', value: { kind, id } } }] : [];
}
const statusOf: Readonly<Record<string, Watchable>> = {
  endpointStatus: 'endpoint',
  sandboxStatus: 'sandbox',
  backendStatus: 'service',
};

/** Whether users could see a record that was stored as these bytes. */
function isVisible(kind: Watchable, bytes: Uint8Array): boolean {
  return kind === 'host' || isReady(codecs[kind].decode(bytes));
}

/** A watch that ends quietly when its store is closed: the service is stopping. */
async function* orStopped<T>(steps: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* steps;
  } catch (error) {
    if (!(error instanceof StoreError && error.reason === 'closed')) throw error;
  }
}

const eventFilters: Readonly<Record<string, (event: Event, value: string) => boolean>> = {
  kind: (event, value) => event.kind === value,
  type: (event, value) => event.kind === value,
  id: (event, value) => event.id.startsWith(value),
  what: (event, value) => event.what === value,
  event: (event, value) => event.what === value,
  name: (event, value) => event.attributes['name'] === value,
};

async function* events(context: Context, request: EventsRequest, call: CallContext): AsyncGenerator<EventsResponse> {
  const { store, view } = context.ledger;
  if (!checkStore(context, request.storeId)) {
    throw fault(Reason.GAP, `the revision is of store ${request.storeId}, this is ${store.id}`, { field: 'store_id' });
  }
  const tests = Object.entries(request.filters).map(([key, { values }]) => {
    const test = eventFilters[key];
    if (test === undefined) throw fault(Reason.INVALID_FILTER, `invalid filter '${key}'`, { field: `filters.${key}` });
    return (event: Event) => values.some((value) => test(event, value));
  });
  const sinceTime = request.sinceTime?.getTime();
  const from = request.sinceRevision ?? (sinceTime === undefined ? view.revision : undefined);
  const until = request.untilRevision;
  for await (const event of readEvents(
    context,
    from as Revision | undefined,
    AbortSignal.any([call.signal, context.stopping]),
    until,
  )) {
    if (sinceTime !== undefined && request.sinceRevision === undefined && (event.time?.getTime() ?? 0) < sinceTime)
      continue;
    if (tests.every((test) => test(event))) yield { event };
  }
}

/**
 * All events after a revision (undefined: all that the log still holds), then live; ends after `until`.
 * @throws GAP if the log no longer reaches back that far
 */
export async function* readEvents(
  context: Context,
  from: Revision | undefined,
  signal: AbortSignal,
  until?: bigint,
): AsyncGenerator<Event> {
  const { store } = context.ledger;
  let start = from ?? (0n as Revision);
  if (until !== undefined && start >= until) return;
  for (;;) {
    let compacted: Revision | undefined;
    for await (const step of orStopped(store.watch('', start, signal))) {
      if ('compacted' in step) {
        compacted = step.compacted;
        break;
      }
      if (until !== undefined && step.revision > until) return;
      yield* eventsOf(step, store.id, context.now());
      if (step.revision === until) return;
    }
    if (compacted === undefined) return;
    if (from !== undefined) {
      throw fault(Reason.GAP, `the log no longer holds revision ${from}; it begins after ${compacted}`, {
        begins: String(compacted),
      });
    }
    start = compacted;
  }
}
