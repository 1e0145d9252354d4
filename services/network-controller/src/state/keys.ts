// The controller's keys in its store. Ids are 64 hexadecimal digits. Change this picture with the code.
//   network/<id>                          Network
//   endpoint/<id>                         Endpoint with its first ports, its status kept apart
//   part/asked/<endpoint id>/<n>          EndpointSpec with ports alone: those the record does not hold
//   part/published/<endpoint id>/<n>      EndpointDesired with ports alone: the same
//   sandbox/<id>                          Sandbox, its status kept apart
//   host/<id>                             Host
//   record/<id>                           Record, of a network that is there: it goes before that does
//   service/<id>                          Service, its status kept apart
//   status/endpoint/<id>                  EndpointStatus     one writer: reports of the endpoint's host
//   status/sandbox/<id>                   SandboxStatus      one writer: reports of the sandbox's host
//   status/backend/<service id>/<endpoint id>   StoredBackend, of one that was found down   one writer: reports of its host
//   name/network/<name>                   the id that holds the name, while it is not being removed
//   name/sandbox/<name>                   the same
//   name/endpoint/<network id>/<name>     the same
//   name/service/<network id>/<name>      the same; a service has one for its name and each alias, in small letters
//   claim/<driver>/<claim>                what a network has alone, or shares: state/claims.ts
//   links/network/<id>                    empty; put by every transaction that adds an endpoint or a service, or publishes ports: removal and
//                                         changes of the network compare it
//   links/sandbox/<id>                    empty; put by every transaction that adds or joins one: numbering compares it
//   links/records/<network id>            empty; put by every transaction that adds a record, which compares it too
//   links/services/<network id>           empty; put by every transaction that adds a service; those that add or join an
//                                         endpoint compare it: a name is the one's or the other's
//   ports/<host id>/<protocol>/<host port >> 6>   empty; put by every transaction that takes a host port of these 64, which
//                                         compares it too. Who holds a port is in the records of endpoints and services alone
//   request/<request id>                  StoredOutcome; while there are several replicas, first without an outcome, by the one that is at it
//   hostname/<name>                       the id of the host that has it
//   replica/<replica id>                  StoredReplica    these three live as long as the lease of their replica, and count with it alone
//   alive/<host id>/<replica id>          empty; the agent of the host is connected to the replica
//   seen/<host id>/<replica id>           StoredProgress, while there are several replicas
//   drift/<host id>                       StoredDrift
//   exhausted/<pool id>                   empty; put when a lease found the pool full
//   identity/ca                           StoredAuthority: the cluster's CA with its key; made once, by compare
//   identity/token/<token id>             StoredToken, until it is used, revoked, or over and swept
//   identity/revoked/<host id>            JSON list of serials: of a removed host's certificates only these count
//   stamp                                 StoredStamp; put by every transaction: each revision's time and the names it uses
import { protocolWord } from '@weft/hoststate';
import type { Protocol, Service } from '@weft/proto/model';

export const prefix = {
  network: 'network/',
  endpoint: 'endpoint/',
  askedPorts: 'part/asked/',
  publishedPorts: 'part/published/',
  sandbox: 'sandbox/',
  host: 'host/',
  record: 'record/',
  service: 'service/',
  endpointStatus: 'status/endpoint/',
  sandboxStatus: 'status/sandbox/',
  backendStatus: 'status/backend/',
  networkName: 'name/network/',
  sandboxName: 'name/sandbox/',
  endpointName: 'name/endpoint/',
  serviceName: 'name/service/',
  claim: 'claim/',
  networkLinks: 'links/network/',
  sandboxLinks: 'links/sandbox/',
  recordLinks: 'links/records/',
  serviceLinks: 'links/services/',
  ports: 'ports/',
  request: 'request/',
  hostName: 'hostname/',
  replica: 'replica/',
  alive: 'alive/',
  seen: 'seen/',
  drift: 'drift/',
  exhausted: 'exhausted/',
} as const;

export const stampKey = 'stamp';

/** Read by key when they are needed, and not part of the view. */
export const identityKey = {
  authority: 'identity/ca',
  tokens: 'identity/token/',
  revoked: 'identity/revoked/',
} as const;

export const endpointNameKey = (networkId: string, name: string) => `${prefix.endpointName}${networkId}/${name}`;

/** The keys that hold a service's names. */
export const serviceNameKeys = ({ networkId, spec }: Pick<Service, 'networkId' | 'spec'>): string[] =>
  [spec?.name ?? '', ...(spec?.aliases ?? [])].map((name) => `${prefix.serviceName}${networkId}/${name.toLowerCase()}`);

export const backendStatusKey = (serviceId: string, endpointId: string) =>
  `${prefix.backendStatus}${serviceId}/${endpointId}`;

/** The mark that fences 64 host ports of a transport on a host. */
export const portsKey = (hostId: string, protocol: Protocol, hostPort: number) =>
  `${prefix.ports}${hostId}/${protocolWord(protocol)}/${hostPort >> 6}`;

/** Splits a key into its prefix's name and the rest; undefined for keys that hold no record. */
export function parseKey(key: string): { kind: keyof typeof prefix; id: string } | undefined {
  for (const [kind, lead] of entries) if (key.startsWith(lead)) return { kind, id: key.slice(lead.length) };
  return undefined;
}
const entries = Object.entries(prefix) as [keyof typeof prefix, string][];
