// A driver that publishes ports, in as few words as the control plane's tests need: the bridge driver, with a `port`
// object for each host address, and a `mode` that can be changed in use. An option of an endpoint asks for a MAC.
import { bridgeDriver } from '@weft/bridge-driver';
import { type Driver, readOptions } from '@weft/driver';
import { hostObject } from '@weft/hoststate';
import { OptionType, type PortPlan } from '@weft/proto/driver';
import { type Endpoint, Family, type Network, type PortBinding } from '@weft/proto/model';

/** Where ports are published that name no address; "none" needs no host port. */
export const binding = 'test.binding';
/** A fixed option. */
export const fixed = 'test.fixed';
/** Gives the network no IPv4 gateway. */
export const gatewayless = 'test.gatewayless';
/** An endpoint's MAC address. */
export const mac = 'test.mac';

const option = (key: string, more: object = {}) => ({
  ...{ key, type: OptionType.STRING, defaultValue: '', meaning: 'for tests' },
  ...more,
});
const own = [
  option(binding, { changeable: true }),
  option(fixed),
  option(gatewayless),
  option(mac, { endpoint: true }),
];
const ownKeys: readonly string[] = own.map((one) => one.key);
const without = (options: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(options).filter(([key]) => !ownKeys.includes(key)));

export const publishingDriver: Driver = {
  ...bridgeDriver,
  description: { ...bridgeDriver.description, options: [...bridgeDriver.description.options, ...own] },
  validateNetwork(network) {
    const given = network.desired?.options ?? {};
    const read = readOptions(
      own,
      Object.fromEntries(Object.entries(given).filter(([key]) => ownKeys.includes(key))),
      [],
    );
    const rest = bridgeDriver.validateNetwork(withOptions(network, without(given)));
    return {
      ...rest,
      options: { ...rest.options, ...read.values },
      faults: [...read.faults, ...rest.faults],
      withoutGateway: read.values[gatewayless] === undefined ? [] : [Family.IPV4],
    };
  },
  validateEndpoint(network, endpoint) {
    const options = endpoint.spec?.driverOptions ?? {};
    const bare = {
      ...endpoint,
      spec: endpoint.spec && { ...endpoint.spec, ports: [], driverOptions: without(options) },
    };
    return {
      ...bridgeDriver.validateEndpoint(network, bare),
      macAddress: options[mac] ?? '',
      ports: (endpoint.spec?.ports ?? []).map((port) => planOf(network, endpoint, port)),
    };
  },
  compilePorts: ({ endpoint, family, ports }) =>
    ports.map(({ protocol, port, hostIps, hostPort }) => {
      const target = endpoint.desired?.addresses.find((one) => one.family === family)?.cidr.split('/')[0] ?? '';
      const isOf = (ip: string) => ip.includes(':') === (family === Family.IPV6);
      return hostIps
        .filter(isOf)
        .map((hostIp) =>
          hostObject({ $case: 'port', value: { protocol, hostIp, hostPort, targetIp: target, targetPort: port } }),
        );
    }),
};

function planOf(network: Network, endpoint: Endpoint, { hostIp }: PortBinding): PortPlan {
  const held = endpoint.desired?.addresses.map((one) => one.family) ?? [];
  const wanted = hostIp || network.desired?.options[binding] || '';
  if (wanted === 'none') return { hostIps: [], families: held };
  const all = held.map((family) => (family === Family.IPV6 ? '::' : '0.0.0.0'));
  const hostIps = wanted === '' ? all : [wanted];
  const families = held.filter((family) => hostIps.some((ip) => ip.includes(':') === (family === Family.IPV6)));
  return { hostIps, families };
}

function withOptions(network: Network, options: Record<string, string>): Network {
  return { ...network, desired: network.desired && { ...network.desired, options } };
}
