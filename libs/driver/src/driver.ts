// A driver as pure functions, and the gRPC service made of them. A driver has no memory: what must be allocated is
// given to it.
import { FaultError, fault, Reason, toMessage } from '@weft/fault';
import type { Object as HostObject } from '@weft/proto/agent';
import type {
  CompiledEndpoint,
  CompiledNetwork,
  DescribeResponse,
  DriverServiceImplementation,
  EndpointInput,
  PortPlan,
} from '@weft/proto/driver';
import { type Endpoint, type Family, Host, type Network, type PublishedPort, type Sandbox } from '@weft/proto/model';
import type { OptionSpec } from './options.ts';

export interface NetworkVerdict {
  readonly faults: readonly FaultError[];
  /** The options with defaults filled in. */
  readonly options: Readonly<Record<string, string>>;
  /** What no two networks may have: "bridge mybridge"; "shared ..." where those that share it may. */
  readonly claims?: readonly string[];
  /** Families in which the network takes no gateway address. */
  readonly withoutGateway?: readonly Family[];
  /** Nothing leads out of it, whether that was asked for or not. */
  readonly internal?: boolean;
  /** Numbers the options ask for, by name; the controller chooses the others that the driver needs. */
  readonly numbers?: Readonly<Record<string, bigint>>;
}

export interface EndpointVerdict {
  readonly faults: readonly FaultError[];
  /** The exact interface name the options ask for; empty lets the controller number it. */
  readonly interfaceName?: string;
  /** The prefix for numbered names; empty means "eth". */
  readonly interfacePrefix?: string;
  /** The MAC address the options ask for. */
  readonly macAddress?: string;
  /** How each of spec.ports is to be published, in its order. */
  readonly ports?: readonly PortPlan[];
  /** Its interface has no MAC address of its own. */
  readonly withoutMac?: boolean;
}

export interface EndpointObjects {
  readonly local: readonly HostObject[];
  readonly remote?: readonly HostObject[];
  readonly gatewayIpv4?: string;
  readonly gatewayIpv6?: string;
}

/** An endpoint with what it hangs on. */
export interface JoinedEndpoint {
  readonly network: Network;
  readonly endpoint: Endpoint;
  readonly sandbox: Sandbox;
  /** The endpoint's host as it is known. */
  readonly host: Host;
}

/** Ports that lead to an endpoint, which is its sandbox's gateway in the family. */
export interface PortsOf {
  readonly network: Network;
  readonly endpoint: Endpoint;
  readonly family: Family;
  readonly ports: readonly PublishedPort[];
}

/** What a driver must say. Every function is pure; what cannot be compiled, for want of something on the host, throws a FaultError. */
export interface Driver {
  readonly description: Omit<DescribeResponse, 'options'> & { readonly options: readonly OptionSpec[] };
  validateNetwork(network: Network): NetworkVerdict;
  validateEndpoint(network: Network, endpoint: Endpoint): EndpointVerdict;
  compileNetwork(network: Network, host: Host): readonly HostObject[];
  compileEndpoint(input: JoinedEndpoint): EndpointObjects;
  /** The objects of each port, in the order of the ports; absent for a driver that publishes none. */
  compilePorts?(input: PortsOf): readonly (readonly HostObject[])[];
}

/** The gRPC service of a driver. */
export function driverService(driver: Driver): DriverServiceImplementation {
  return {
    async describe() {
      const options = driver.description.options.map(
        ({ key, type, defaultValue, meaning, values, endpoint, changeable }) => ({
          key,
          type,
          defaultValue,
          meaning,
          values: [...(values ?? [])],
          endpoint: endpoint ?? false,
          changeable: changeable ?? false,
        }),
      );
      return { ...driver.description, options };
    },
    async validateNetwork({ network }) {
      const verdict = driver.validateNetwork(given(network, 'network'));
      return {
        faults: verdict.faults.map(toMessage),
        options: { ...verdict.options },
        claims: [...(verdict.claims ?? [])],
        withoutGateway: [...(verdict.withoutGateway ?? [])],
        internal: verdict.internal ?? false,
        numbers: { ...verdict.numbers },
      };
    },
    async validateEndpoint({ network, endpoint }) {
      const verdict = driver.validateEndpoint(given(network, 'network'), given(endpoint, 'endpoint'));
      return {
        faults: verdict.faults.map(toMessage),
        interfaceName: verdict.interfaceName ?? '',
        interfacePrefix: verdict.interfacePrefix ?? '',
        macAddress: verdict.macAddress ?? '',
        withoutMac: verdict.withoutMac ?? false,
        ports: (verdict.ports ?? []).map(({ hostIps, families }) => ({
          hostIps: [...hostIps],
          families: [...families],
        })),
      };
    },
    async compileNetworks({ hostId, networks, host = Host.fromPartial({ id: hostId }) }) {
      return { networks: networks.map((network): CompiledNetwork => compileNetwork(driver, network, host)) };
    },
    async compilePorts({ inputs }) {
      return {
        inputs: inputs.map(({ network, endpoint, family, ports }) => {
          const compiled = driver.compilePorts?.({
            network: given(network, 'inputs.network'),
            endpoint: given(endpoint, 'inputs.endpoint'),
            family,
            ports,
          });
          return { ports: ports.map((_, at) => ({ objects: [...(compiled?.[at] ?? [])] })) };
        }),
      };
    },
    async compileEndpoints({ endpoints }) {
      return { endpoints: endpoints.map((input): CompiledEndpoint => compileEndpoint(driver, input)) };
    },
  };
}

function compileNetwork(driver: Driver, network: Network, host: Host): CompiledNetwork {
  const nothing = { networkId: network.id, objects: [] };
  return orFaults(nothing, () => ({ ...nothing, objects: [...driver.compileNetwork(network, host)], faults: [] }));
}

function compileEndpoint(driver: Driver, input: EndpointInput): CompiledEndpoint {
  const network = given(input.network, 'endpoints.network');
  const endpoint = given(input.endpoint, 'endpoints.endpoint');
  const sandbox = given(input.sandbox, 'endpoints.sandbox');
  const host = input.host ?? Host.fromPartial({ id: endpoint.desired?.hostId ?? '' });
  const nothing = { endpointId: endpoint.id, local: [], remote: [], gatewayIpv4: '', gatewayIpv6: '' };
  return orFaults(nothing, () => {
    const compiled = driver.compileEndpoint({ network, endpoint, sandbox, host });
    return {
      endpointId: endpoint.id,
      local: [...compiled.local],
      remote: [...(compiled.remote ?? [])],
      gatewayIpv4: compiled.gatewayIpv4 ?? '',
      gatewayIpv6: compiled.gatewayIpv6 ?? '',
      faults: [],
    };
  });
}

/** What was compiled, or nothing and why. */
function orFaults<T extends { faults: CompiledNetwork['faults'] }>(nothing: Omit<T, 'faults'>, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return { ...nothing, faults: [toMessage(error)] } as T;
  }
}

function given<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw fault(Reason.MISSING_FIELD, `${field} is missing`, { field });
  return value;
}
