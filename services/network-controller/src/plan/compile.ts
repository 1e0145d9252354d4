// From intent to objects, one thing at a time, through its driver and the names' service. The same for what is and for what would be: all it
// knows of intent it is given.
import { fromMessage, joinFaults } from '@weft/fault';
import { type HostObject, hostObject } from '@weft/hoststate';
import type { DiscoveryServiceClient } from '@weft/proto/discovery';
import type { CompiledEndpoint } from '@weft/proto/driver';
import type { Endpoint, Family, Host, Network, PublishedPort, Sandbox } from '@weft/proto/model';
import { isReady } from '../state/reading.ts';
import type { View } from '../state/view.ts';
import type { Asking } from './asking.ts';
import type { DriverDirectory } from './drivers.ts';
import { hostsFile, resolvConf } from './files.ts';
import { chooseGateways, type GatewayCandidate, gatewayOrder } from './gateway.ts';

/** Who compiles ports and services. The rest is asked of them together: asking.ts. */
export interface Compilers {
  readonly drivers: DriverDirectory;
  readonly discovery: DiscoveryServiceClient;
}

/** An endpoint with what it hangs on, all of it ready. */
export interface Joined {
  readonly network: Network;
  readonly endpoint: Endpoint;
  readonly sandbox: Sandbox;
}

/** Records to compile from in the place of the view's, by id. */
export interface Assumed {
  readonly networks: ReadonlyMap<string, Network>;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
}

/** The endpoint with what it hangs on, if it has joined and all of it is ready. */
export function joinedOf(view: View, id: string, assumed?: Assumed): Joined | undefined {
  const endpoint = assumed?.endpoints.get(id) ?? view.endpoints.get(id)?.value;
  if (endpoint?.desired === undefined || !isReady(endpoint) || endpoint.desired.sandboxId === '') return undefined;
  const sandbox = view.sandboxes.get(endpoint.desired.sandboxId)?.value;
  const network = assumed?.networks.get(endpoint.networkId) ?? view.networks.get(endpoint.networkId)?.value;
  if (sandbox === undefined || network === undefined || !isReady(sandbox) || !isReady(network)) return undefined;
  return { network, endpoint, sandbox };
}

/** An endpoint as drivers see it: ports are compiled by themselves, so the rest does not cost more with many. */
export function withoutPorts(endpoint: Endpoint): Endpoint {
  const { spec, desired } = endpoint;
  return { ...endpoint, spec: spec && { ...spec, ports: [] }, desired: desired && { ...desired, ports: [] } };
}

/** What the host must have for the network. @throws the driver's faults */
export async function compileNetwork(asking: Asking, host: Host, network: Network): Promise<readonly HostObject[]> {
  const compiled = await asking.network(host, network);
  if (compiled !== undefined && compiled.faults.length > 0) {
    throw joinFaults(`network ${network.spec?.name} cannot be on host ${host.name}`, compiled.faults.map(fromMessage));
  }
  return compiled?.objects ?? [];
}

/**
 * A network's zone on a host: its names are answered at the addresses that its driver puts on the host, as far as they are
 * not link-local; for the rest the host's servers are asked, unless the network is internal. Pure.
 */
export function zoneOn(
  zone: readonly HostObject[],
  objects: readonly HostObject[],
  { desired }: Network,
  facts: Host['facts'],
): HostObject[] {
  // 127.0.0.11 is another runtime's, in whose namespace we would be.
  const servers = desired?.internal ? [] : (facts?.resolvers ?? []).filter((one) => one !== '127.0.0.11');
  const listen = objects
    .flatMap(({ spec }) => (spec?.$case === 'bridge' ? spec.value.addresses : []))
    .map((cidr) => cidr.split('/', 1)[0] ?? '')
    .filter((address) => !/^(fe80:|169\.254\.)/i.test(address));
  return zone.map((object) =>
    object.spec?.$case === 'zone'
      ? hostObject({ $case: 'zone', value: { ...object.spec.value, listen: [...new Set(listen)], servers } })
      : object,
  );
}

/** What is made of an endpoint. */
export interface MadeEndpoint {
  readonly compiled: CompiledEndpoint | undefined;
  /** Its names: for the network's hosts. */
  readonly names: readonly HostObject[];
  readonly candidate: GatewayCandidate;
}

/** @throws the driver's faults */
export async function compileEndpoint(asking: Asking, joined: Joined, host: Host): Promise<MadeEndpoint> {
  const { network, sandbox } = joined;
  const endpoint = withoutPorts(joined.endpoint);
  const [compiled, names] = await Promise.all([
    asking.endpoint({ network, endpoint, sandbox, host }),
    asking.names({ network, endpoint, sandbox }),
  ]);
  if (compiled !== undefined && compiled.faults.length > 0) {
    throw joinFaults('cannot be compiled', compiled.faults.map(fromMessage));
  }
  const candidate = {
    endpointId: endpoint.id,
    networkName: network.spec?.name ?? '',
    priority: endpoint.spec?.gatewayPriority ?? 0,
    internal: network.desired?.internal ?? false,
    gatewayIpv4: compiled?.gatewayIpv4 ?? '',
    gatewayIpv6: compiled?.gatewayIpv6 ?? '',
    interfaceName: endpoint.desired?.interfaceName ?? '',
  };
  return { compiled, names, candidate };
}

/** The objects of ports that lead to an endpoint in a family, in the order of the ports. */
export async function compilePorts(
  { drivers }: Pick<Compilers, 'drivers'>,
  target: Joined,
  family: Family,
  ports: readonly PublishedPort[],
): Promise<readonly (readonly HostObject[])[]> {
  const { network } = target;
  const endpoint = withoutPorts(target.endpoint);
  const driver = drivers.client(network.desired?.driver ?? '');
  const { inputs } = await driver.compilePorts({ inputs: [{ network, endpoint, family, ports: [...ports] }] });
  return ports.map((_, at) => inputs[0]?.ports[at]?.objects ?? []);
}

/** What a sandbox is compiled from: the view, and what its endpoints offer it. */
export interface SandboxInput {
  readonly sandbox: Sandbox;
  /** Oldest first. */
  readonly endpoints: readonly Endpoint[];
  readonly candidates: readonly GatewayCandidate[];
  readonly networkOf: (id: string) => Network | undefined;
  readonly facts: Host['facts'];
}

/** What the sandbox itself is: its namespace, default routes, resolver and files. */
export async function compileSandbox(asking: Asking, input: SandboxInput): Promise<HostObject[]> {
  const { sandbox, endpoints, candidates, networkOf, facts } = input;
  const byId = new Map(endpoints.map((one) => [one.id, one]));
  const networks = gatewayOrder(candidates).flatMap(({ endpointId }) => {
    const endpoint = byId.get(endpointId);
    const network = networkOf(endpoint?.networkId ?? '');
    return endpoint && network ? [{ network, endpoint: withoutPorts(endpoint) }] : [];
  });
  const resolvers = networks.length === 0 ? [] : await asking.resolver({ sandbox, networks, facts });
  const [spec] = resolvers.map((one) => one.spec).filter((one) => one?.$case === 'resolver');

  const { ipv4, ipv6 } = chooseGateways(candidates);
  const sandboxId = sandbox.id;
  const route = (destination: string, offered: string, interfaceName: string) => {
    // All of the family is on the link: a route without a gateway.
    const gateway = offered === '0.0.0.0' || offered === '::' ? '' : offered;
    return hostObject({ $case: 'route', value: { sandboxId, destination, gateway, interfaceName } });
  };
  const file = (name: string, content: string) => hostObject({ $case: 'file', value: { sandboxId, name, content } });
  return [
    hostObject({ $case: 'sandbox', value: { sandboxId, namespace: namespaceOf(sandbox) } }),
    ...(ipv4 === undefined ? [] : [route('0.0.0.0/0', ipv4.gatewayIpv4, ipv4.interfaceName)]),
    ...(ipv6 === undefined ? [] : [route('::/0', ipv6.gatewayIpv6, ipv6.interfaceName)]),
    ...resolvers,
    file('hosts', hostsFile(sandbox, endpoints)),
    file('resolv.conf', resolvConf(sandbox, facts, spec?.value)),
  ];
}

function namespaceOf(sandbox: Sandbox) {
  const { namespace } = sandbox.spec ?? {};
  if (sandbox.desired?.hostNamespace) return { $case: 'host', value: true } as const;
  if (namespace?.$case === 'path' || namespace?.$case === 'pid') return namespace;
  return { $case: 'managed', value: true } as const;
}
