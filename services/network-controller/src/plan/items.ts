// The names of what objects are compiled from. A published port has items of its own, one a family, so that a change of
// one costs nothing for the others.
//   network/<id>   endpoint/<id>   sandbox/<id>   record/<id>   service/<id>
//   ports/<id of the endpoint that asked for it>/<4|6>/<portId>      and ports/<id> for what kept them from being compiled
import { protocolWord } from '@weft/hoststate';
import type { Family, PublishedPort } from '@weft/proto/model';

/** What an object is compiled from: "endpoint/<id>". */
export type ItemKey = string;

/** What a published port is known by among those of its endpoint. */
export const portId = ({ protocol, port, hostIps, hostPort }: PublishedPort): string =>
  `${protocolWord(protocol)}/${port}/${hostPort}/${hostIps.join(',')}`;

export const itemOf = {
  network: (id: string): ItemKey => `network/${id}`,
  endpoint: (id: string): ItemKey => `endpoint/${id}`,
  record: (id: string): ItemKey => `record/${id}`,
  service: (id: string): ItemKey => `service/${id}`,
  sandbox: (id: string): ItemKey => `sandbox/${id}`,
  ports: (endpointId: string): ItemKey => `ports/${endpointId}`,
  port: (endpointId: string, family: Family, port: PublishedPort): ItemKey =>
    `ports/${endpointId}/${family}/${portId(port)}`,
};

/** The item whose status tells of this one: ports are told of with their endpoint. */
export function toldWith(item: ItemKey): ItemKey {
  if (!item.startsWith('ports/')) return item;
  return itemOf.endpoint(item.slice('ports/'.length).split('/', 1)[0] ?? '');
}
