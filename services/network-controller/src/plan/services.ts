// What hosts must have for services: their names and how they spread, where the network has endpoints, and their ports.
// One call for many services; hosts that need the same share it.
import type { HostObject } from '@weft/hoststate';
import type { NamedService } from '@weft/proto/discovery';
import type { Network, Service } from '@weft/proto/model';
import { isReady } from '../state/reading.ts';
import { standingsOf } from '../state/standing.ts';
import type { View } from '../state/view.ts';
import { type Compilers, withoutPorts } from './compile.ts';

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
  hosts: readonly string[],
  isMember: (networkId: string, hostId: string) => boolean,
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
    for (const hostId of hosts) {
      const part = partOf(network, service, hostId, isMember(network.id, hostId));
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
      const hasNames = isMember(networkOf.get(serviceId) ?? '', hostId);
      return hasNames ? objects : objects.filter(({ spec }) => spec?.$case !== 'names');
    };
  };
}

function partOf(network: Network, service: Service, hostId: string, isMember: boolean): Part | undefined {
  const holdsPorts = service.desired?.hostIds.includes(hostId) ?? false;
  if (!isMember && !holdsPorts) return undefined;
  return { onlyOn: network.desired?.scope === 'local' ? hostId : undefined, holdsPorts };
}

function requestOf(view: View, network: Network, service: Service, { onlyOn, holdsPorts }: Part): NamedService {
  const { desired } = service;
  const backends = standingsOf(view, service)
    // One whose namespace is gone can neither be reached nor be asked whether it serves.
    .filter(({ lost, endpoint }) => !lost && (onlyOn === undefined || endpoint.desired?.hostId === onlyOn))
    .map(({ endpoint, weight, state }) => ({ endpoint: withoutPorts(endpoint), weight, state }));
  const shown = holdsPorts ? service : { ...service, desired: desired && { ...desired, ports: [] } };
  return { network, service: shown, backends };
}
