// Which services there must be and where: in which sandboxes, on which ports of the host. Keeps what each place has to have of each,
// and which places must be looked after since something changed. Pure but for asking whether a port is held.
import type { FaultError } from '@weft/fault';
import type { BackendHealth, ResolverObject, ServiceObject } from '@weft/proto/agent';
import { Balance } from '@weft/proto/model';
import { faultOf, refused } from '../kernel-fault.ts';
import { FAMILIES } from './choice.ts';
import { hostPart, sharedHostPart } from './host-part.ts';
import type { Part } from './part.ts';
import { sandboxPart, sharedPart } from './sandbox-part.ts';
import { type Service, serviceOf } from './service.ts';
import { hashOf } from './slots.ts';
import { type IsDown, targetsOf } from './targets.ts';

/** The host among places; others are sandboxes, by id. */
export const HOST = '';
/** What all services of a place share. */
export const SHARED = 'services';

/** Values by key, many a key. */
class Index {
  readonly #sets = new Map<string, Set<string>>();
  add(key: string, value: string): void {
    const set = this.#sets.get(key) ?? new Set();
    this.#sets.set(key, set.add(value));
  }
  delete(key: string, value: string): void {
    const set = this.#sets.get(key);
    set?.delete(value);
    if (set?.size === 0) this.#sets.delete(key);
  }
  of(key: string): Iterable<string> {
    return this.#sets.get(key) ?? [];
  }
}

/** What no two services of a host may have, and how a person knows it. A port by the key of its object. */
const claimsOf = ({ shortId, networkId, addresses, ports }: Service): { claim: string; field: string }[] => [
  { claim: `id ${shortId}`, field: `service_id: the beginning ${shortId}` },
  ...Object.values(addresses).map((one) => ({ claim: `address ${networkId} ${one}`, field: `addresses: ${one}` })),
  ...ports.map(({ key }) => ({ claim: key, field: `ports: ${key}` })),
];

export interface PortKeeper {
  /** The port of this key is held, and is to be. */
  isHeld(key: string): boolean;
}

export class WantedServices {
  readonly #services = new Map<string, Service>();
  readonly #refused = new Map<string, FaultError>();
  readonly #byNetwork = new Index();
  readonly #byBackend = new Index();
  /** Services by what only one may have. */
  readonly #claims = new Index();
  readonly #networks = new Map<string, readonly string[]>();
  readonly #sandboxes = new Index();
  readonly #unhealthy = new Map<string, Set<string>>();
  /** Made parts by service and variant. */
  readonly #parts = new Map<string, Map<number, Part | undefined>>();
  /** How many backends take turns, by service. */
  readonly #turns = new Map<string, number>();
  readonly #hashes = new Map<string, number>();
  readonly #published = new Set<string>();
  readonly #dirty = new Map<string, Set<string>>();
  /** Marks of places that could not be written; they wait for somebody to try again. */
  readonly #owed = new Map<string, Set<string>>();
  readonly #ports: PortKeeper;
  readonly #isDown: IsDown;

  constructor(ports: PortKeeper, isLost: (sandboxId: string) => boolean) {
    this.#ports = ports;
    this.#isDown = ({ serviceId }, { sandboxId, endpointId }) =>
      isLost(sandboxId) || this.#unhealthy.get(serviceId)?.has(endpointId) === true;
  }

  put(spec: ServiceObject): void {
    const { serviceId } = spec;
    this.drop(serviceId);
    try {
      this.#add(serviceOf(spec));
    } catch (error) {
      this.#refused.set(serviceId, faultOf(`service/${serviceId}`, error));
    }
  }

  /** Why the service cannot be. */
  faultOf(serviceId: string): FaultError | undefined {
    const service = this.#services.get(serviceId);
    return this.#refused.get(serviceId) ?? (service && this.#conflictOf(service));
  }

  drop(serviceId: string): void {
    this.#refused.delete(serviceId);
    const service = this.#services.get(serviceId);
    if (service === undefined) return;
    this.touch(serviceId);
    this.#services.delete(serviceId);
    this.#published.delete(serviceId);
    this.#byNetwork.delete(service.networkId, serviceId);
    for (const { sandboxId } of service.backends) this.#byBackend.delete(sandboxId, serviceId);
    for (const { claim } of claimsOf(service)) this.#claims.delete(claim, serviceId);
    this.#touchRivals(service);
  }

  /** Forgets what was heard of a service that is gone. */
  forget(serviceId: string): void {
    if (!this.#services.has(serviceId)) this.#unhealthy.delete(serviceId);
  }

  putResolver({ sandboxId, networks }: Pick<ResolverObject, 'sandboxId' | 'networks'>): void {
    this.dropResolver(sandboxId);
    const ids = networks.map(({ networkId }) => networkId);
    const isNew = !this.#networks.has(sandboxId);
    this.#networks.set(sandboxId, ids);
    // Ports of the host lead to it from now on.
    if (isNew) this.sandboxChanged(sandboxId);
    this.#hashes.set(sandboxId, hashOf(sandboxId));
    for (const id of ids) {
      this.#sandboxes.add(id, sandboxId);
      for (const serviceId of this.#byNetwork.of(id)) this.#mark(sandboxId, serviceId);
    }
  }

  dropResolver(sandboxId: string): void {
    for (const id of this.#networks.get(sandboxId) ?? []) {
      this.#sandboxes.delete(id, sandboxId);
      for (const serviceId of this.#byNetwork.of(id)) this.#mark(sandboxId, serviceId);
    }
    if (this.#networks.delete(sandboxId)) this.sandboxChanged(sandboxId);
    this.#hashes.delete(sandboxId);
  }

  /** A sandbox was lost, or is there again: those that it serves go elsewhere, or come back. */
  sandboxChanged(sandboxId: string): void {
    for (const serviceId of this.#byBackend.of(sandboxId)) this.touch(serviceId);
  }

  portChanged(key: string): void {
    for (const serviceId of this.#claims.of(key)) {
      this.#remake(serviceId);
      this.#mark(HOST, serviceId);
    }
  }

  setHealth(changes: readonly Pick<BackendHealth, 'serviceId' | 'endpointId' | 'healthy'>[]): void {
    for (const { serviceId, endpointId, healthy } of changes) {
      // It went meanwhile: nobody would take the word back.
      if (!this.#services.has(serviceId)) continue;
      const set = this.#unhealthy.get(serviceId) ?? new Set();
      if (healthy) set.delete(endpointId);
      else set.add(endpointId);
      if (set.size > 0) this.#unhealthy.set(serviceId, set);
      else this.#unhealthy.delete(serviceId);
      this.touch(serviceId);
    }
  }

  /** Everything of the service is to be compared again, wherever it is. */
  touch(serviceId: string): void {
    const service = this.#services.get(serviceId);
    if (service === undefined) return;
    this.#remake(serviceId);
    for (const sandboxId of this.#sandboxes.of(service.networkId)) this.#mark(sandboxId, serviceId);
    if (this.#published.has(serviceId)) this.#mark(HOST, serviceId);
  }

  /** Some service has ports of the host, held or not. */
  get hasPorts(): boolean {
    return this.#published.size > 0;
  }

  /** Places with changes; with those, too, whose changes could not be written. */
  dirtyPlaces({ owed = true } = {}): string[] {
    return [...new Set([...this.#dirty.keys(), ...(owed ? this.#owed.keys() : [])])];
  }

  /** Takes the ids of a place's parts that may have changed. */
  takeDirty(place: string): string[] {
    const ids = new Set([...(this.#dirty.get(place) ?? []), ...(this.#owed.get(place) ?? [])]);
    this.#dirty.delete(place);
    this.#owed.delete(place);
    return ids.size === 0 ? [] : [...ids, SHARED];
  }

  /** Gives back what was taken: it could not be written. */
  owe(place: string, ids: readonly string[]): void {
    const own = ids.filter((id) => id !== SHARED);
    if (own.length > 0) this.#owed.set(place, new Set([...(this.#owed.get(place) ?? []), ...own]));
  }

  /** The place has something of the service, or must get rid of it. */
  concerns(place: string, serviceId: string): boolean {
    const isMarked = this.#dirty.get(place)?.has(serviceId) === true || this.#owed.get(place)?.has(serviceId) === true;
    return isMarked || this.partIds(place).includes(serviceId);
  }

  /** Ids of all parts that the place has. */
  partIds(place: string): string[] {
    if (place === HOST) return [SHARED, ...this.#published];
    const networks = this.#networks.get(place);
    if (networks === undefined) return [];
    return [SHARED, ...new Set(networks.flatMap((id) => [...this.#byNetwork.of(id)]))];
  }

  /** What the place must have of a part; undefined for nothing. */
  partOf(place: string, id: string): Part | undefined {
    if (place === HOST) return this.#hostPart(id);
    const networks = this.#networks.get(place);
    if (networks === undefined) return undefined;
    if (id === SHARED) return this.#hasAny(networks) ? sharedPart : undefined;
    const service = this.#services.get(id);
    if (service === undefined || !networks.includes(service.networkId)) return undefined;
    return this.#cached(service, this.#rotationOf(service, place), (rotation) =>
      sandboxPart(service, this.#isDown, rotation),
    );
  }

  #hasAny(networks: readonly string[]): boolean {
    for (const network of networks)
      for (const id of this.#byNetwork.of(network))
        if (Object.keys(this.#services.get(id)?.addresses ?? {}).length > 0) return true;
    return false;
  }

  #directed(serviceId: string): { service: Service; ports: Service['ports'] } | undefined {
    const service = this.#services.get(serviceId);
    return service && { service, ports: service.ports.filter(({ key }) => this.#ports.isHeld(key)) };
  }

  #hostPart(id: string): Part | undefined {
    if (id !== SHARED) {
      const directed = this.#directed(id);
      return (
        directed &&
        this.#cached(directed.service, -1, () =>
          hostPart(directed, this.#isDown, (sandboxId) => this.#networks.has(sandboxId)),
        )
      );
    }
    const all = [...this.#published].flatMap((serviceId) => this.#directed(serviceId) ?? []);
    return all.some(({ ports }) => ports.length > 0) ? sharedHostPart(all) : undefined;
  }

  #cached({ serviceId }: Service, variant: number, make: (variant: number) => Part | undefined): Part | undefined {
    const parts = this.#parts.get(serviceId) ?? new Map<number, Part | undefined>();
    this.#parts.set(serviceId, parts);
    if (!parts.has(variant)) parts.set(variant, this.faultOf(serviceId) === undefined ? make(variant) : undefined);
    return parts.get(variant);
  }

  /** Where a sandbox's rounds begin. */
  #rotationOf(service: Service, sandboxId: string): number {
    if (service.balance !== Balance.ROUND_ROBIN) return 0;
    const { serviceId } = service;
    let turns = this.#turns.get(serviceId);
    if (turns === undefined) {
      turns = Math.max(1, ...FAMILIES.map((family) => targetsOf(service, family, this.#isDown).active.length));
      this.#turns.set(serviceId, turns);
    }
    return (this.#hashes.get(sandboxId) ?? hashOf(sandboxId)) % turns;
  }

  /** Two services that claim the same: the one of the lower id has it. */
  #conflictOf(service: Service): FaultError | undefined {
    for (const { claim, field } of claimsOf(service)) {
      for (const id of this.#claims.of(claim)) {
        if (id >= service.serviceId) continue;
        const other = this.#services.get(id);
        return refused(`service/${service.serviceId}: ${field} is that of service "${other?.name}" (${id}) already`);
      }
    }
    return undefined;
  }

  #add(service: Service): void {
    const { serviceId, networkId } = service;
    this.#services.set(serviceId, service);
    this.#byNetwork.add(networkId, serviceId);
    for (const { sandboxId } of service.backends) this.#byBackend.add(sandboxId, serviceId);
    for (const { claim } of claimsOf(service)) this.#claims.add(claim, serviceId);
    if (service.ports.length > 0) this.#published.add(serviceId);
    const listed = new Set(service.backends.map(({ endpointId }) => endpointId));
    const unhealthy = this.#unhealthy.get(serviceId);
    for (const id of unhealthy ?? []) if (!listed.has(id)) unhealthy?.delete(id);
    this.touch(serviceId);
    this.#touchRivals(service);
  }

  #touchRivals(service: Service): void {
    for (const { claim } of claimsOf(service))
      for (const id of this.#claims.of(claim)) if (id !== service.serviceId) this.touch(id);
  }

  #remake(serviceId: string): void {
    this.#parts.delete(serviceId);
    this.#turns.delete(serviceId);
  }

  #mark(place: string, id: string): void {
    const ids = this.#dirty.get(place) ?? new Set();
    this.#dirty.set(place, ids.add(id));
  }
}
