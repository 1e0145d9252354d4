// What hosts must have for services: their names and how they spread, where the network has endpoints, and their ports.
// One call for many services; hosts that need the same share it.
import { type HostObject, hostObject } from '@weft/hoststate';
import type { NamedService } from '@weft/proto/discovery';
import { Endpoint, type Network, Phase, type Service } from '@weft/proto/model';
import { isGlobal } from '../state/reach.ts';
import { isReady } from '../state/reading.ts';
import { standingsOf } from '../state/standing.ts';
import type { View } from '../state/view.ts';
import type { Audience } from './audience.ts';
import { type Compilers, joinedOf } from './compile.ts';
import type { Wants } from './dirty.ts';
import type { HostTable } from './host-table.ts';
import { itemOf } from './items.ts';
import type { Told } from './told.ts';

/** What of a service a host has to do with. */
interface Part {
  /** Only backends on this host are reached from it: the network ends there. Undefined means all. */
  readonly onlyOn: string | undefined;
  readonly holdsPorts: boolean;
}

/** The objects of a service on a host; none for one that is not to be there. */
export type CompiledServices = (serviceId: string, hostId: string) => readonly HostObject[];

/** Reads the view, and compiles what it said when it is called. @throws what discovery throws */
export function planServices(
  view: View,
  ids: readonly string[],
  audience: Audience,
): (compilers: Pick<Compilers, 'discovery'>) => Promise<CompiledServices> {
  const networkOf = new Map<string, string>();
  const requests: NamedService[] = [];
  /** Where in the request the part of a service is. */
  const places = new Map<string, number>();
  const placeOf = new Map<string, number>();
  for (const id of ids) {
    const service = view.services.get(id)?.value;
    const network = view.networks.get(service?.networkId ?? '')?.value;
    if (service === undefined || network === undefined || !isReady(service) || !isReady(network)) continue;
    networkOf.set(id, network.id);
    for (const hostId of audience.ofService(service)) {
      const part = partOf(network, service, hostId, audience.isMember(network.id, hostId));
      if (part === undefined) continue;
      const key = `${id} ${part.onlyOn} ${part.holdsPorts}`;
      const place = places.get(key) ?? requests.push(requestOf(view, network, service, part)) - 1;
      places.set(key, place);
      placeOf.set(`${id} ${hostId}`, place);
    }
  }
  return async ({ discovery }) => {
    const { services } =
      requests.length === 0 ? { services: [] } : await discovery.compileServices({ services: requests });
    return (serviceId, hostId) => {
      const objects = services[placeOf.get(`${serviceId} ${hostId}`) ?? -1]?.objects ?? [];
      // Nobody asks for its names where no sandbox is.
      const hasNames = audience.isMember(networkOf.get(serviceId) ?? '', hostId);
      return hasNames ? objects : objects.filter(({ spec }) => spec?.$case !== 'names');
    };
  };
}

/** How many services, and how many backends of them, discovery compiles in one call: requests have a limit of 4 MiB. */
const servicesAtOnce = 100;
const backendsAtOnce = 2_000;

/** Ids in the parts in which they are compiled: each within the limits, or one service alone. */
export function servicesTogether(view: View, ids: readonly string[]): string[][] {
  const parts: string[][] = [];
  let part: string[] = [];
  let backends = 0;
  for (const id of ids) {
    const count = view.backends.of(id).size;
    if (part.length > 0 && (part.length >= servicesAtOnce || backends + count > backendsAtOnce)) {
      parts.push(part);
      part = [];
      backends = 0;
    }
    part.push(id);
    backends += count;
  }
  return part.length === 0 ? parts : [...parts, part];
}

/** Wants of hosts what they have of a service, without backends that are none any more. */
export function withdrawBackends(
  view: View,
  id: string,
  tables: ReadonlyMap<string, HostTable>,
  told: Told,
  wants: Wants,
): void {
  const item = itemOf.service(id);
  for (const hostId of [...told.of(item)]) {
    const table = tables.get(hostId);
    const keys = table?.keysOf(item) ?? [];
    const objects = keys.map((key) => table?.object(key)).filter((object) => object !== undefined);
    if (objects.length > 0) told.want(wants, hostId, item, standingPart(view, id, objects));
  }
}

/** What is left of a service's objects when it cannot be compiled: none of a service that goes, no backend that has left. */
function standingPart(view: View, id: string, objects: readonly HostObject[]): HostObject[] {
  const service = view.services.get(id)?.value;
  if (service === undefined || !isReady(service)) return [];
  const left = new Set<string>();
  const kept = objects.map((object): HostObject => {
    if (object.spec?.$case !== 'service') return object;
    const { value } = object.spec;
    const backends = value.backends.filter(({ endpointId, addresses }) => {
      const stands = joinedOf(view, endpointId) !== undefined;
      if (!stands) for (const address of addresses) left.add(address);
      return stands;
    });
    return hostObject({ $case: 'service', value: { ...value, backends } });
  });
  return kept.map((object): HostObject => {
    if (object.spec?.$case !== 'names' || left.size === 0) return object;
    const { value } = object.spec;
    return hostObject({
      $case: 'names',
      value: { ...value, addresses: value.addresses.filter((one) => !left.has(one)) },
    });
  });
}

function partOf(network: Network, service: Service, hostId: string, isMember: boolean): Part | undefined {
  const holdsPorts = service.desired?.hostIds.includes(hostId) ?? false;
  if (!isMember && !holdsPorts) return undefined;
  return { onlyOn: network.desired?.scope === 'local' ? hostId : undefined, holdsPorts };
}

function requestOf(view: View, network: Network, service: Service, { onlyOn, holdsPorts }: Part): NamedService {
  const { desired } = service;
  // Where ports are held, hosts without backends lead to those that have some.
  const isLed = holdsPorts && isGlobal(network);
  const backends = standingsOf(view, service)
    // One whose namespace is gone can neither be reached nor be asked whether it serves.
    .filter(({ lost, endpoint }) => !lost && (onlyOn === undefined || endpoint.desired?.hostId === onlyOn))
    .map(({ endpoint, weight, state }) => {
      const { facts } = (isLed && view.hosts.get(endpoint.desired?.hostId ?? '')?.value) || {};
      return { endpoint: asBackend(endpoint), weight, state, via: facts?.underlayAddress ?? '' };
    });
  const shown = holdsPorts ? service : { ...service, desired: desired && { ...desired, ports: [] } };
  return { network, service: shown, backends };
}

/** An endpoint as far as it is a backend: a request has thousands. */
function asBackend({ id, networkId, desired }: Endpoint): Endpoint {
  const { phase = Phase.READY, addresses = [], sandboxId = '', hostId = '' } = desired ?? {};
  return Endpoint.fromPartial({ id, networkId, desired: { phase, addresses, sandboxId, hostId } });
}
