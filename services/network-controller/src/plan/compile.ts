// From intent to objects, one thing at a time, through its driver. The same for what is and for what would be: all it
// knows of intent it is given.
import { fromMessage, joinFaults } from '@weft/fault';
import { type HostObject, hostObject } from '@weft/hoststate';
import type { CompiledEndpoint } from '@weft/proto/driver';
import type { Endpoint, Family, Host, Network, PublishedPort, Sandbox } from '@weft/proto/model';
import { isReady } from '../state/reading.ts';
import type { View } from '../state/view.ts';
import type { DriverDirectory } from './drivers.ts';
import { hostsFile, resolvConf } from './files.ts';
import type { DefaultGateways, GatewayCandidate } from './gateway.ts';

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

export async function compileNetwork(
  drivers: DriverDirectory,
  hostId: string,
  network: Network,
): Promise<readonly HostObject[]> {
  const driver = drivers.client(network.desired?.driver ?? '');
  const { networks } = await driver.compileNetworks({ hostId, networks: [network] });
  return networks[0]?.objects ?? [];
}

export async function compileEndpoint(
  drivers: DriverDirectory,
  joined: Joined,
): Promise<{ compiled: CompiledEndpoint | undefined; candidate: GatewayCandidate }> {
  const { network, sandbox } = joined;
  const endpoint = withoutPorts(joined.endpoint);
  const driver = drivers.client(network.desired?.driver ?? '');
  const { endpoints } = await driver.compileEndpoints({ endpoints: [{ network, endpoint, sandbox }] });
  const [compiled] = endpoints;
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
  return { compiled, candidate };
}

/** The objects of ports that lead to an endpoint in a family, in the order of the ports. */
export async function compilePorts(
  drivers: DriverDirectory,
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

/** What the sandbox itself is: its namespace, default routes and files. */
export function sandboxObjects(
  sandbox: Sandbox,
  endpoints: readonly Endpoint[],
  { ipv4, ipv6 }: DefaultGateways,
  facts: Host['facts'],
): HostObject[] {
  const sandboxId = sandbox.id;
  const route = (destination: string, gateway: string, interfaceName: string) =>
    hostObject({ $case: 'route', value: { sandboxId, destination, gateway, interfaceName } });
  const file = (name: string, content: string) => hostObject({ $case: 'file', value: { sandboxId, name, content } });
  return [
    hostObject({ $case: 'sandbox', value: { sandboxId, namespace: namespaceOf(sandbox) } }),
    ...(ipv4 === undefined ? [] : [route('0.0.0.0/0', ipv4.gatewayIpv4, ipv4.interfaceName)]),
    ...(ipv6 === undefined ? [] : [route('::/0', ipv6.gatewayIpv6, ipv6.interfaceName)]),
    file('hosts', hostsFile(sandbox, endpoints)),
    file('resolv.conf', resolvConf(sandbox, facts)),
  ];
}

function namespaceOf(sandbox: Sandbox) {
  const { namespace } = sandbox.spec ?? {};
  if (sandbox.desired?.hostNamespace) return { $case: 'host', value: true } as const;
  if (namespace?.$case === 'path' || namespace?.$case === 'pid') return namespace;
  return { $case: 'managed', value: true } as const;
}
