// What is asked of drivers and discovery, one thing at a time by whoever needs it, and sent many at a time: what a round of the planner
// asks in one breath is a few calls.
import { isFault, Reason } from '@weft/fault';
import type { HostObject } from '@weft/hoststate';
import type { DiscoveryServiceClient, NamedEndpoint, NamedRecord, ResolverInput } from '@weft/proto/discovery';
import type { CompiledEndpoint, CompiledNetwork, EndpointInput } from '@weft/proto/driver';
import type { Host, Network } from '@weft/proto/model';
import type { DriverDirectory } from './drivers.ts';
import { together } from './together.ts';

/** Each throws what the driver, or discovery, throws; DRIVER_NOT_FOUND. An answer is undefined where none was given. */
export interface Asking {
  network(host: Host, network: Network): Promise<CompiledNetwork | undefined>;
  endpoint(input: EndpointInput & { readonly network: Network }): Promise<CompiledEndpoint | undefined>;
  zone(network: Network): Promise<readonly HostObject[]>;
  names(endpoint: NamedEndpoint): Promise<readonly HostObject[]>;
  record(record: NamedRecord): Promise<readonly HostObject[]>;
  resolver(sandbox: ResolverInput): Promise<readonly HostObject[]>;
}

type Ask<Question, Answer> = (question: Question) => Promise<Answer | undefined>;

/** Requests have a limit of 4 MiB. What is too much all the same is asked in halves. */
const atOnce = { networks: 100, endpoints: 200, records: 500, sandboxes: 25 } as const;

/** One that is away is so for all that were asked; else one of them may be what fails the call. */
const mayDiffer = (error: unknown): boolean => !isFault(error, Reason.SERVICE_UNAVAILABLE, Reason.CANCELLED);

export function createAsking(drivers: DriverDirectory, discovery: DiscoveryServiceClient): Asking {
  /** By driver, then by the host as it is known: it is another object when it changes. */
  const networks = new Map<string, WeakMap<Host, Ask<Network, CompiledNetwork>>>();
  const endpoints = new Map<string, Ask<EndpointInput, CompiledEndpoint>>();

  const networksOn = (driver: string, host: Host): Ask<Network, CompiledNetwork> => {
    const hosts = networks.get(driver) ?? new WeakMap<Host, Ask<Network, CompiledNetwork>>();
    networks.set(driver, hosts);
    const ask =
      hosts.get(host) ??
      together(
        async (some: Network[]) =>
          (await drivers.client(driver).compileNetworks({ hostId: host.id, networks: some, host })).networks,
        { atOnce: atOnce.networks, mayDiffer },
      );
    hosts.set(host, ask);
    return ask;
  };
  const endpointsOf = (driver: string): Ask<EndpointInput, CompiledEndpoint> => {
    const ask =
      endpoints.get(driver) ??
      together(
        async (some: EndpointInput[]) => (await drivers.client(driver).compileEndpoints({ endpoints: some })).endpoints,
        { atOnce: atOnce.endpoints, mayDiffer },
      );
    endpoints.set(driver, ask);
    return ask;
  };
  const zone = together(async (some: Network[]) => (await discovery.compileZones({ networks: some })).networks, {
    atOnce: atOnce.networks,
    mayDiffer,
  });
  const names = together(
    async (some: NamedEndpoint[]) => (await discovery.compileNames({ endpoints: some, records: [] })).endpoints,
    { atOnce: atOnce.endpoints, mayDiffer },
  );
  const record = together(
    async (some: NamedRecord[]) => (await discovery.compileNames({ endpoints: [], records: some })).records,
    { atOnce: atOnce.records, mayDiffer },
  );
  const resolver = together(
    async (some: ResolverInput[]) => (await discovery.compileResolvers({ sandboxes: some })).sandboxes,
    { atOnce: atOnce.sandboxes, mayDiffer },
  );
  return {
    network: async (host, network) => await networksOn(network.desired?.driver ?? '', host)(network),
    endpoint: async (input) => await endpointsOf(input.network.desired?.driver ?? '')(input),
    zone: async (network) => (await zone(network))?.objects ?? [],
    names: async (endpoint) => (await names(endpoint))?.objects ?? [],
    record: async (one) => (await record(one))?.objects ?? [],
    resolver: async (sandbox) => (await resolver(sandbox))?.objects ?? [],
  };
}
