// What the controller's store holds, in memory, as of a revision. Fed by the store's watch alone, so it never knows
// what is not durable. Readers are synchronous; whoever committed waits until the view has reached his revision.
import { type StoredBackend, StoredStamp } from '@weft/proto/controller';
import type {
  Endpoint,
  EndpointStatus,
  Host,
  Network,
  Record as NetworkRecord,
  Sandbox,
  SandboxStatus,
  Service,
} from '@weft/proto/model';
import type { Compare, KeyValue, Revision, StoreEvent } from '@weft/store';
import { isTracing, type TraceParent } from '@weft/telemetry';
import { Backends, firstLabel } from './backends.ts';
import { parseKey, stampKey } from './keys.ts';
import { NetworkHosts } from './network-hosts.ts';
import { PortHolders } from './port-holders.ts';
import { PortLists } from './port-lists.ts';
import { codecs } from './records.ts';
import { hostAndReplica, Replicas } from './replicas.ts';
import { Index, KeysIndex, Table } from './table.ts';

/** What changed in one step, by kind, as ids. */
export interface Change {
  readonly revision: Revision;
  readonly networks: ReadonlySet<string>;
  readonly endpoints: ReadonlySet<string>;
  readonly sandboxes: ReadonlySet<string>;
  readonly hosts: ReadonlySet<string>;
  readonly records: ReadonlySet<string>;
  /** Services whose record or whose backends changed. */
  readonly services: ReadonlySet<string>;
  /** What the transaction was part of; '' when nobody traces. */
  readonly traceParent: TraceParent;
  /** Controllers that came or went. */
  readonly replicas: ReadonlySet<string>;
  /** Hosts whose agent connected somewhere, or is gone from there. */
  readonly alive: ReadonlySet<string>;
  /** Hosts of which a replica published how far they are. */
  readonly seen: ReadonlySet<string>;
}
type Changing = { [K in keyof Omit<Change, 'revision' | 'traceParent'>]: Set<string> };

export class View {
  readonly endpointsOfNetwork = new Index<Endpoint>((one) => one.networkId);
  readonly #endpointNames = new Index<Endpoint>((one) => `${one.networkId}/${one.spec?.name}`);
  readonly #endpointMacs = new Index<Endpoint>((one) => `${one.networkId}/${one.desired?.macAddress}`);
  readonly endpointsOfSandbox = new Index<Endpoint>((one) => one.desired?.sandboxId || undefined);
  readonly #networkNames = new Index<Network>((one) => one.spec?.name);
  readonly #sandboxNames = new Index<Sandbox>((one) => one.spec?.name);
  readonly portHolders = new PortHolders();
  readonly portLists = new PortLists();
  readonly #endpointRevisions = new Map<string, Revision | 0n>();
  readonly sharersOfSandbox = new Index<Sandbox>((one) => one.desired?.sharedWithId || undefined);

  readonly sandboxesOfHost = new Index<Sandbox>((one) => one.desired?.hostId || undefined);
  /** Hosts that may know something of a network. */
  readonly networkHosts = new NetworkHosts();
  readonly replicas = new Replicas();

  readonly networks = new Table<Network>(this.#networkNames);
  readonly endpoints = new Table<Endpoint>(
    this.endpointsOfNetwork,
    this.endpointsOfSandbox,
    this.#endpointNames,
    this.#endpointMacs,
    this.portHolders.endpoints,
    this.networkHosts,
  );
  readonly sandboxes = new Table<Sandbox>(this.#sandboxNames, this.sharersOfSandbox, this.sandboxesOfHost);
  readonly hosts = new Table<Host>();
  readonly recordsOfNetwork = new Index<NetworkRecord>((one) => one.networkId);
  readonly #recordNames = new Index<NetworkRecord>((one) => `${one.networkId}/${one.name.toLowerCase()}`);
  readonly records = new Table<NetworkRecord>(this.recordsOfNetwork, this.#recordNames);
  readonly servicesOfNetwork = new Index<Service>((one) => one.networkId);
  readonly #serviceNames = new KeysIndex<Service>(({ networkId, spec }) =>
    [spec?.name ?? '', ...(spec?.aliases ?? [])].map((name) => `${networkId}/${name.toLowerCase()}`),
  );
  readonly #serviceBackends = new KeysIndex<Service>(({ networkId, spec }) =>
    (spec?.backends ?? []).map(({ sandbox }) => `${networkId}/${sandbox}`),
  );
  readonly #serviceSelectors = new Index<Service>(({ networkId, spec }) => {
    const label = firstLabel(spec?.selector ?? {});
    return label && `${networkId}/${label}`;
  });
  /** By virtual address, without its length. */
  readonly servicesAt = new KeysIndex<Service>(({ desired }) =>
    (desired?.addresses ?? []).map(({ cidr }) => cidr.split('/', 1)[0] ?? ''),
  );
  readonly services = new Table<Service>(
    this.servicesOfNetwork,
    this.#serviceNames,
    this.#serviceBackends,
    this.#serviceSelectors,
    this.servicesAt,
    this.portHolders.services,
  );
  readonly backends: Backends = new Backends(this);
  /** By service and endpoint, as their keys have them. */
  readonly #backendStatusesOf = new Index<StoredBackend>((one) => one.endpointId);
  readonly backendStatuses = new Table<StoredBackend>(this.#backendStatusesOf);
  readonly endpointStatuses = new Table<EndpointStatus>();
  readonly sandboxStatuses = new Table<SandboxStatus>();
  /** Revisions of keys that only mark (links, names, ports, requests), for compares. */
  readonly marks = new Map<string, Revision>();

  /** Ids of networks by what they have alone. */
  readonly #claims = new Map<string, string>();

  #revision = 0n as Revision;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #waiting: { revision: bigint; resolve: () => void }[] = [];

  get revision(): Revision {
    return this.#revision;
  }

  /** Ids of networks with the name, whatever their phase. */
  networksNamed(name: string): ReadonlySet<string> {
    return this.#networkNames.ids(name);
  }

  /** Ids of endpoints of the network with the name, whatever their phase. */
  endpointsNamed(networkId: string, name: string): ReadonlySet<string> {
    return this.#endpointNames.ids(`${networkId}/${name}`);
  }

  /** Ids of endpoints of the network with the MAC address, whatever their phase. */
  endpointsWithMac(networkId: string, mac: string): ReadonlySet<string> {
    return this.#endpointMacs.ids(`${networkId}/${mac}`);
  }

  /** Who has what the key claims: see claims.ts. */
  claimValue(key: string): string | undefined {
    return this.#claims.get(key);
  }

  /** Ids of records of the network with the name, in any case. */
  recordsNamed(networkId: string, name: string): ReadonlySet<string> {
    return this.#recordNames.ids(`${networkId}/${name.toLowerCase()}`);
  }

  /** Ids of services of the network with the name or alias, in any case, whatever their phase. */
  servicesNamed(networkId: string, name: string): ReadonlySet<string> {
    return this.#serviceNames.ids(`${networkId}/${name.toLowerCase()}`);
  }

  /** Ids of services of the network that may have the sandbox as a backend. */
  servicesFor(networkId: string, { id, spec }: Sandbox): ReadonlySet<string> {
    const found = new Set(this.#serviceBackends.ids(`${networkId}/${id}`));
    for (const one of this.#serviceBackends.ids(`${networkId}/${spec?.name}`)) found.add(one);
    for (const [key, value] of Object.entries(spec?.labels ?? {}))
      for (const one of this.#serviceSelectors.ids(`${networkId}/${key}=${value}`)) found.add(one);
    return found;
  }

  /** What hosts found of an endpoint as a backend, as `service/endpoint`. */
  foundOf(endpointId: string): ReadonlySet<string> {
    return this.#backendStatusesOf.ids(endpointId);
  }

  sandboxesNamed(name: string): ReadonlySet<string> {
    return this.#sandboxNames.ids(name);
  }

  /** Calls back after each change; returns what ends that. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the view holds everything up to the revision. */
  async reached(revision: bigint): Promise<void> {
    if (this.#revision >= revision) return;
    await new Promise<void>((resolve) => this.#waiting.push({ revision, resolve }));
  }

  /**
   * Resolves when the view shows which of the compares does not hold, or holds the revision. A cluster's revisions count
   * others' changes too: one at which nothing of the controller's happened is reached only with its next change.
   */
  async refutes(compares: readonly Compare[], revision: bigint): Promise<void> {
    const isSeen = () =>
      this.#revision >= revision || compares.some(({ key, modRevision }) => this.#revisionOf(key) !== modRevision);
    if (isSeen()) return;
    await new Promise<void>((resolve) => {
      const end = this.onChange(() => {
        if (!isSeen()) return;
        end();
        resolve();
      });
    });
  }

  /** When a key that is compared was put last; 0 if it is absent. */
  #revisionOf(key: string): bigint {
    const { kind, id = '' } = parseKey(key) ?? {};
    if (kind === 'endpoint') return this.#endpointRevisions.get(id) ?? 0n;
    const { networks, sandboxes, hosts, records, services } = this;
    const tables = { network: networks, sandbox: sandboxes, host: hosts, record: records, service: services };
    if (kind !== undefined && kind in tables) return tables[kind as keyof typeof tables].get(id)?.revision ?? 0n;
    return this.marks.get(key) ?? 0n;
  }

  load(keyValues: readonly KeyValue[], revision: Revision): void {
    this.apply(
      revision,
      keyValues.map((one) => ({ type: 'put', ...one })),
    );
  }

  apply(revision: Revision, events: readonly StoreEvent[]): void {
    const change = {
      revision,
      traceParent: isTracing() ? traceParentOf(events) : '',
      networks: new Set<string>(),
      endpoints: new Set<string>(),
      sandboxes: new Set<string>(),
      hosts: new Set<string>(),
      records: new Set<string>(),
      services: new Set<string>(),
      replicas: new Set<string>(),
      alive: new Set<string>(),
      seen: new Set<string>(),
    };
    const found = new Set<string>();
    for (const event of events) this.#applyOne(event, change, found);
    for (const id of change.endpoints) this.#putEndpoint(id);
    this.#followBackends(change);
    for (const id of found) change.services.add(id);
    this.#revision = revision;
    for (const listener of this.#listeners) listener(change);
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      const waiter = this.#waiting[i];
      if (waiter === undefined || waiter.revision > revision) continue;
      this.#waiting.splice(i, 1);
      waiter.resolve();
    }
  }

  #putSandboxStatus(id: string, event: StoreEvent, found: Set<string>): void {
    const wasLost = this.sandboxStatuses.get(id)?.value.lost ?? false;
    put(this.sandboxStatuses, id, event, codecs.sandboxStatus.decode);
    if ((this.sandboxStatuses.get(id)?.value.lost ?? false) === wasLost) return;
    for (const endpointId of this.endpointsOfSandbox.ids(id))
      for (const service of this.backends.servicesOf(endpointId)) found.add(service);
  }

  /** Puts an endpoint together when all of a revision is known. */
  #putEndpoint(id: string): void {
    const value = this.portLists.whole(id);
    const revision = this.#endpointRevisions.get(id) ?? 0n;
    if (value !== undefined) this.endpoints.put(id, { value, revision });
    else {
      this.endpoints.delete(id);
      this.#endpointRevisions.delete(id);
    }
  }

  /** Brings backends up to date when all of a revision is known. */
  #followBackends(change: Changing): void {
    for (const id of change.services) this.backends.followService(id);
    const endpoints = new Set(change.endpoints);
    for (const id of change.sandboxes) for (const one of this.endpointsOfSandbox.ids(id)) endpoints.add(one);
    for (const id of endpoints) for (const one of this.backends.followEndpoint(id)) change.services.add(one);
  }

  /** `found` takes the services whose backends hosts found otherwise. */
  #applyOne(event: StoreEvent, change: Changing, found: Set<string>): void {
    const parsed = parseKey(event.key);
    if (parsed === undefined) return;
    const { kind, id } = parsed;
    switch (kind) {
      case 'network':
        put(this.networks, id, event, codecs.network.decode);
        change.networks.add(id);
        return;
      case 'endpoint':
        this.portLists.record(id, event.type === 'put' ? codecs.endpoint.decode(event.value) : undefined);
        this.#endpointRevisions.set(id, event.type === 'put' ? event.modRevision : 0n);
        change.endpoints.add(id);
        return;
      case 'askedPorts':
      case 'publishedPorts': {
        const value = event.type === 'put' ? event.value : undefined;
        change.endpoints.add(this.portLists.part(kind === 'askedPorts' ? 'asked' : 'published', id, value));
        return;
      }
      case 'sandbox':
        put(this.sandboxes, id, event, codecs.sandbox.decode);
        change.sandboxes.add(id);
        return;
      case 'host':
        put(this.hosts, id, event, codecs.host.decode);
        change.hosts.add(id);
        return;
      case 'record':
        put(this.records, id, event, codecs.record.decode);
        change.records.add(id);
        return;
      case 'service':
        put(this.services, id, event, codecs.service.decode);
        change.services.add(id);
        return;
      case 'backendStatus':
        put(this.backendStatuses, id, event, codecs.backendStatus.decode);
        found.add(id.split('/', 1)[0] ?? '');
        return;
      case 'endpointStatus':
        put(this.endpointStatuses, id, event, codecs.endpointStatus.decode);
        return;
      case 'sandboxStatus':
        this.#putSandboxStatus(id, event, found);
        return;
      case 'replica':
        if (this.replicas.apply(kind, id, event)) change.replicas.add(id);
        return;
      case 'alive':
      case 'seen':
        change[kind].add(hostAndReplica(id)[0]);
        this.replicas.apply(kind, id, event);
        return;
      case 'drift':
        return;
      default:
        if (event.type === 'put') this.marks.set(event.key, event.modRevision);
        else this.marks.delete(event.key);
        if (kind !== 'claim') return;
        if (event.type === 'put') this.#claims.set(event.key, Buffer.from(event.value).toString());
        else this.#claims.delete(event.key);
    }
  }
}

function put<T>(table: Table<T>, id: string, event: StoreEvent, decode: (bytes: Uint8Array) => T): void {
  if (event.type === 'put') table.put(id, { value: decode(event.value), revision: event.modRevision });
  else table.delete(id);
}

function traceParentOf(events: readonly StoreEvent[]): TraceParent {
  const stamp = events.find((event) => event.key === stampKey);
  return stamp?.type === 'put' ? StoredStamp.decode(stamp.value).traceParent : '';
}
