// Events are the store's change log read aloud: from what a revision did to which keys follows what happened. Pure, and of
// the log alone: an event reads the same live, after a restart, and when all that it names is gone.

import { faultKind, type Reason, reasonName } from '@weft/fault';
import { StoredBackend, StoredDrift } from '@weft/proto/controller';
import type { Event } from '@weft/proto/event';
import {
  Endpoint,
  EndpointStatus,
  Host,
  HostState,
  Network,
  Phase,
  Sandbox,
  SandboxStatus,
  Service,
} from '@weft/proto/model';
import type { StoreEvent, WatchBatch } from '@weft/store';
import { parseKey } from './keys.ts';
import { readStamp } from './stamp.ts';

type Told = Pick<Event, 'kind' | 'id' | 'what' | 'attributes'>;

/** The names of ids at the revision. */
type Naming = (id: string) => string;

/** The events of one revision, in the order of its keys; `fallback` dates revisions that carry no stamp. */
export function eventsOf(batch: WatchBatch, storeId: string, fallback: Date): Event[] {
  const stamp = readStamp(batch.events);
  const time = stamp === undefined ? fallback : new Date(Number(stamp.unixMs));
  const told = batch.events.flatMap((event) => tell(event, (id) => stamp?.names[id] ?? ''));
  return told.map((one, index) => ({ storeId, revision: batch.revision, index, time, ...one }));
}

function tell(event: StoreEvent, naming: Naming): Told[] {
  const parsed = parseKey(event.key);
  if (parsed === undefined) return [];
  const { kind, id } = parsed;
  switch (kind) {
    case 'network':
      return tellNetwork(id, ...both(event, Network.decode));
    case 'endpoint':
      return tellEndpoint(id, naming, ...both(event, Endpoint.decode));
    case 'sandbox':
      return tellSandbox(id, naming, ...both(event, Sandbox.decode));
    case 'host':
      return tellHost(id, ...both(event, Host.decode));
    case 'service':
      return tellService(id, naming, ...both(event, Service.decode));
    case 'backendStatus':
      return tellBackend(naming, ...both(event, StoredBackend.decode));
    case 'endpointStatus':
      return tellEndpointStatus(id, ...both(event, EndpointStatus.decode));
    case 'sandboxStatus':
      return tellSandboxStatus(id, naming, ...both(event, SandboxStatus.decode));
    case 'exhausted':
      return event.type === 'put' ? [{ kind: 'pool', id, what: 'exhausted', attributes: {} }] : [];
    case 'drift':
      return event.type === 'put' ? tellDrift(naming, StoredDrift.decode(event.value)) : [];
    default:
      return [];
  }
}

function both<T>(event: StoreEvent, decode: (bytes: Uint8Array) => T): [T | undefined, T | undefined] {
  return [event.previous && decode(event.previous.value), event.type === 'put' ? decode(event.value) : undefined];
}

const phaseOf = (record: { desired?: { phase: Phase } | undefined } | undefined) => record?.desired?.phase;
/** Whether users could see the record. */
const wasThere = (phase: Phase | undefined) => phase === Phase.READY || phase === Phase.DELETING;

function tellNetwork(id: string, before: Network | undefined, after: Network | undefined): Told[] {
  const told: Told[] = [];
  const network = after ?? before;
  const attributes = { name: network?.spec?.name ?? '', driver: network?.desired?.driver ?? '' };
  const pools = (what: string) =>
    (network?.desired?.pools ?? []).map((pool) => ({
      kind: 'pool',
      id: pool.poolId,
      what,
      attributes: { subnet: pool.subnet, network: id },
    }));
  if (phaseOf(after) === Phase.READY) {
    const isNew = phaseOf(before) !== Phase.READY;
    told.push({ kind: 'network', id, what: isNew ? 'created' : 'updated', attributes });
    if (isNew) told.push(...pools('created'));
  } else if (after === undefined && wasThere(phaseOf(before))) {
    told.push({ kind: 'network', id, what: 'deleted', attributes }, ...pools('deleted'));
  }
  return told;
}

function tellEndpoint(id: string, naming: Naming, before: Endpoint | undefined, after: Endpoint | undefined): Told[] {
  const endpoint = after ?? before;
  if (endpoint === undefined) return [];
  const facts = (one: Endpoint) => ({
    name: one.spec?.name ?? '',
    network: one.networkId,
    networkName: naming(one.networkId),
    ...(one.desired?.sandboxId ? { sandbox: one.desired.sandboxId, sandboxName: naming(one.desired.sandboxId) } : {}),
    addresses: one.desired?.addresses.map((address) => address.cidr).join(',') ?? '',
  });
  const say = (what: string, one: Endpoint): Told => ({ kind: 'endpoint', id, what, attributes: facts(one) });
  const sandboxOf = (one: Endpoint | undefined) =>
    (phaseOf(one) === Phase.READY ? one?.desired?.sandboxId : undefined) || undefined;
  const told: Told[] = [];
  if (phaseOf(after) === Phase.READY && phaseOf(before) !== Phase.READY) told.push(say('created', endpoint));
  if (sandboxOf(before) !== undefined && sandboxOf(before) !== sandboxOf(after) && before !== undefined)
    told.push(say('left', before));
  if (sandboxOf(after) !== undefined && sandboxOf(before) !== sandboxOf(after)) told.push(say('joined', endpoint));
  if (after === undefined && wasThere(phaseOf(before))) told.push(say('deleted', endpoint));
  return told;
}

function tellEndpointStatus(id: string, before: EndpointStatus | undefined, after: EndpointStatus | undefined): Told[] {
  if (after === undefined) return [];
  const { fault } = after;
  if (fault !== undefined) {
    if (before?.fault?.reason === fault.reason && before.fault.message === fault.message) return [];
    const attributes = {
      reason: reasonName(fault.reason),
      message: fault.message,
      retryable: `${faultKind(fault.reason as Reason).retryable}`,
    };
    return [{ kind: 'endpoint', id, what: 'failed', attributes }];
  }
  return [{ kind: 'endpoint', id, what: 'applied', attributes: { revision: String(after.appliedRevision) } }];
}

function tellSandbox(id: string, naming: Naming, before: Sandbox | undefined, after: Sandbox | undefined): Told[] {
  const sandbox = after ?? before;
  const attributes = { name: sandbox?.spec?.name ?? '', host: naming(sandbox?.desired?.hostId ?? '') };
  if (phaseOf(after) === Phase.READY && phaseOf(before) !== Phase.READY)
    return [{ kind: 'sandbox', id, what: 'created', attributes }];
  if (after === undefined && wasThere(phaseOf(before))) return [{ kind: 'sandbox', id, what: 'deleted', attributes }];
  return [];
}

function tellSandboxStatus(
  id: string,
  naming: Naming,
  before: SandboxStatus | undefined,
  after: SandboxStatus | undefined,
): Told[] {
  if (after?.lost !== true || before?.lost === true) return [];
  return [{ kind: 'sandbox', id, what: 'lost', attributes: { name: naming(id) } }];
}

function tellService(id: string, naming: Naming, before: Service | undefined, after: Service | undefined): Told[] {
  const service = after ?? before;
  if (service === undefined) return [];
  const attributes = {
    name: service.spec?.name ?? '',
    network: service.networkId,
    networkName: naming(service.networkId),
    addresses: service.desired?.addresses.map(({ cidr }) => cidr).join(',') ?? '',
  };
  if (phaseOf(after) === Phase.READY) {
    const what = phaseOf(before) === Phase.READY ? 'updated' : 'created';
    return [{ kind: 'service', id, what, attributes }];
  }
  return after === undefined && wasThere(phaseOf(before)) ? [{ kind: 'service', id, what: 'deleted', attributes }] : [];
}

/** What a host found of a backend; that what was found is forgotten says nothing. */
function tellBackend(naming: Naming, before: StoredBackend | undefined, after: StoredBackend | undefined): Told[] {
  if (after === undefined || (before?.healthy ?? true) === after.healthy) return [];
  const attributes = {
    name: naming(after.serviceId),
    network: after.networkId,
    networkName: naming(after.networkId),
    sandbox: after.sandboxId,
    sandboxName: naming(after.sandboxId),
    endpoint: after.endpointId,
    address: after.addresses.join(','),
    ...(after.healthy ? {} : { because: after.because }),
  };
  return [{ kind: 'service', id: after.serviceId, what: after.healthy ? 'backend-up' : 'backend-down', attributes }];
}

const hostWords: Partial<Record<HostState, string>> = {
  [HostState.JOINED]: 'returned',
  [HostState.LOST]: 'lost',
  [HostState.DRAINED]: 'drained',
};

function tellHost(id: string, before: Host | undefined, after: Host | undefined): Told[] {
  const attributes = { name: (after ?? before)?.name ?? '' };
  if (after === undefined) return [{ kind: 'host', id, what: 'removed', attributes }];
  if (before === undefined) return [{ kind: 'host', id, what: 'joined', attributes }];
  const what = before.state === after.state ? undefined : hostWords[after.state];
  return what === undefined ? [] : [{ kind: 'host', id, what, attributes }];
}

function tellDrift(naming: Naming, { hostId, drifts }: StoredDrift): Told[] {
  return drifts.flatMap(({ key, what, repaired }) => {
    const attributes = { object: key, what, host: naming(hostId) };
    const found: Told = { kind: 'drift', id: hostId, what: 'found', attributes };
    return repaired === undefined ? [found] : [found, { kind: 'drift', id: hostId, what: 'repaired', attributes }];
  });
}
