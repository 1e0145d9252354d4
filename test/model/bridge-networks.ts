// Random bridge networks, endpoints and ports, good and bad; and what the controller does with them before they are compiled.
import { bridgeDriver } from '@weft/bridge-driver';
import type { HostObject } from '@weft/hoststate';
import { Endpoint, Family, Network, Phase, Protocol, PublishedPort, Sandbox } from '@weft/proto/model';
import fc from 'fast-check';

const key = (name: string) => `com.docker.network.${name}`;
const bool = fc.constantFrom('true', 'false', '1', '0', 'T', 'False', '');
const mode = fc.constantFrom('nat', 'nat-unprotected', 'routed');
const source4 = fc.constantFrom('192.0.2.9', '198.51.100.1', '');
const source6 = fc.constantFrom('2001:db8::9', '2001:DB8:0:0::9', '[fd00::9]', '');

/** Values that are good whatever the network is; the name is made of its number. */
const goodValues = {
  'bridge.enable_ip_masquerade': bool,
  'bridge.enable_icc': bool,
  'bridge.host_binding_ipv4': fc.constantFrom('0.0.0.0', '127.0.0.1', '192.0.2.9', '::', '2001:db8::9', ''),
  'bridge.default_bridge': bool,
  'bridge.inhibit_ipv4': bool,
  'bridge.gateway_mode_ipv4': mode,
  'bridge.gateway_mode_ipv6': mode,
  'bridge.trusted_host_interfaces': fc.constantFrom('eth0', 'eth0:eth1', 'vlan.7:eth0:vlan.7', ':', ''),
  'driver.mtu': fc.oneof(fc.integer({ min: 1280, max: 65535 }).map(String), fc.constant('0')),
  container_iface_prefix: fc.constantFrom('eth', 'lan', 'p-'),
  host_ipv4: source4,
  host_ipv6: source6,
  advertise_addr_nmsgs: fc.integer({ min: 0, max: 3 }).map(String),
  advertise_addr_ms: fc.integer({ min: 100, max: 2000 }).map(String),
};
const goodOptions = fc
  .record(goodValues, { requiredKeys: [] })
  .map((values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [key(name), value])));

const names = [...Object.keys(goodValues), 'bridge.name', 'enable_ipv4', 'enable_ipv6', 'endpoint.ifname'];
const anyKey = fc.oneof(
  fc.constantFrom(...names).map(key),
  fc.constantFrom(...names).map((name) => key(name).slice(0, -1)),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'org.other', ''),
  fc.string(),
);
const anyValue = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '[::1]',
    '::1',
    'fe80::1',
    '224.0.0.1',
    'isolated',
    '-1',
    '1e3',
    '999999999',
    'all',
    'br*',
    'constructor',
  ),
);
const badOptions = fc.dictionary(anyKey, anyValue, { maxKeys: 3 });

const families = fc.constantFrom(
  { enableIpv4: true, enableIpv6: false },
  { enableIpv4: false, enableIpv6: true },
  { enableIpv4: true, enableIpv6: true },
);
const id = (digit: string, at: number) => at.toString(16).padStart(12, '0').concat(digit.repeat(52));

export interface Shape {
  readonly options: Record<string, string>;
  readonly families: { readonly enableIpv4: boolean; readonly enableIpv6: boolean };
  readonly internal: boolean;
  readonly isolated: readonly (4 | 6)[];
  readonly named: boolean;
}

/** A network that must be good. */
export const goodShape: fc.Arbitrary<Shape> = fc
  .record({
    options: goodOptions,
    families,
    internal: fc.boolean(),
    isolated: fc.subarray<4 | 6>([4, 6]),
    named: fc.boolean(),
  })
  .map((shape) => ({ ...shape, isolated: shape.internal ? shape.isolated : [] }));

/** A network that may be bad in several ways. */
export const anyShape: fc.Arbitrary<Shape> = fc
  .tuple(goodShape, badOptions, fc.boolean())
  .map(([shape, bad, internal]) => ({ ...shape, internal, options: { ...shape.options, ...bad } }));

/** The draft of the network number `at`; numbers make them disjoint. */
export function networkOf({ options, families, internal, isolated, named }: Shape, at: number): Network {
  const four = {
    family: Family.IPV4,
    subnet: `10.${at >> 8}.${at & 255}.0/24`,
    gateway: `10.${at >> 8}.${at & 255}.1`,
  };
  const six = { family: Family.IPV6, subnet: `fd00:${at.toString(16)}::/64`, gateway: `fd00:${at.toString(16)}::1` };
  const pools = [...(families.enableIpv4 ? [four] : []), ...(families.enableIpv6 ? [six] : [])];
  const all = {
    ...options,
    ...Object.fromEntries(isolated.map((family) => [key(`bridge.gateway_mode_ipv${family}`), 'isolated'])),
    ...(named ? { [key('bridge.name')]: `br-n${at}` } : {}),
  };
  return Network.fromPartial({
    id: id('a', at),
    spec: { name: `n${at}`, options: all },
    desired: {
      phase: Phase.ALLOCATING,
      driver: 'bridge',
      scope: 'local',
      options: all,
      ...families,
      internal,
      pools: pools.map((pool) => ({
        ...pool,
        gateway: isolated.some((family) => family === (pool.family as number)) ? '' : pool.gateway,
      })),
    },
  });
}

const hostIp = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  { weight: 3, arbitrary: fc.constantFrom('0.0.0.0', '127.0.0.1', '192.0.2.9', '::', '[::]', '2001:DB8::9') },
  { weight: 1, arbitrary: fc.oneof(fc.string(), fc.constantFrom('[::1]', '::1', 'fe80::1', '224.0.0.1', 'ff02::1')) },
);
const number = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 65535 }) }, fc.constantFrom(0, 65536, 1e9));
const port = fc.record({
  protocol: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(Protocol.TCP, Protocol.UDP, Protocol.SCTP) },
    fc.constant(Protocol.UNSPECIFIED),
  ),
  port: number,
  hostIp,
  hostPort: fc.oneof(fc.constant(0), number),
  hostPortEnd: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, number),
});
const driverOptions = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Record<string, string>>({}) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Record<string, string>>(
      { [key('endpoint.ifname')]: 'lan0' },
      { [key('endpoint.macaddress')]: '0A-42-00-00-00-07' },
      { [key('endpoint.sysctls')]: 'net.ipv4.conf.IFNAME.log_martians=1' },
    ),
  },
  { weight: 1, arbitrary: badOptions },
);
export const anyEndpoint = fc.record({ driverOptions, ports: fc.array(port, { maxLength: 3 }) });

/** The endpoint of a network as the controller drafts it. */
export function endpointOf(network: Network, spec: object): Endpoint {
  const at = Number.parseInt(network.id.slice(0, 12), 16);
  return Endpoint.fromPartial({
    id: id('e', at),
    networkId: network.id,
    spec: { name: 'web', ...spec },
    desired: {
      phase: Phase.READY,
      addresses: (network.desired?.pools ?? []).map(({ family, subnet }) => ({
        family,
        cidr: subnet.replace(/(\.0|::)\//, (zero) => `${zero === '::/' ? '::' : '.'}2/`),
      })),
      macAddress: `02:42:0a:${[at >> 8, at & 255, 2].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`,
      sandboxId: id('5', at),
      hostId: id('0', 0),
      interfaceName: 'eth0',
    },
  });
}

/** The network with its options filled in; undefined if it is refused. */
export function admitted(draft: Network): Network | undefined {
  const verdict = bridgeDriver.validateNetwork(draft);
  if (verdict.faults.length > 0) return undefined;
  return Network.fromPartial({ ...draft, desired: { ...draft.desired, options: verdict.options } });
}

/** The endpoint with its ports published, from the host port on if one is given; undefined if it is refused. */
export function published(network: Network, draft: Endpoint, firstPort?: number): Endpoint | undefined {
  const verdict = bridgeDriver.validateEndpoint(network, draft);
  if (verdict.faults.length > 0) return undefined;
  const ports = (draft.spec?.ports ?? []).map(({ protocol, port, hostPort }, at) => {
    const { hostIps = [], families = [] } = verdict.ports?.[at] ?? {};
    const chosen = firstPort === undefined ? hostPort || 49153 + at : firstPort + at;
    return PublishedPort.fromPartial({ protocol, port, hostIps, families, hostPort: chosen });
  });
  return Endpoint.fromPartial({
    ...draft,
    desired: {
      ...draft.desired,
      ports,
      interfaceName: verdict.interfaceName || 'eth0',
      macAddress: verdict.macAddress || draft.desired?.macAddress || '',
    },
  });
}

export const sandboxOf = (endpoint: Endpoint): Sandbox =>
  Sandbox.fromPartial({ id: endpoint.desired?.sandboxId ?? '', spec: { name: 'web' } });

export const portsOf = (network: Network, endpoint: Endpoint): readonly HostObject[] =>
  [Family.IPV4, Family.IPV6].flatMap(
    (family) =>
      bridgeDriver.compilePorts?.({ network, endpoint, family, ports: endpoint.desired?.ports ?? [] }).flat() ?? [],
  );
