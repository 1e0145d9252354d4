// The kinds of bridge network and endpoint that the goldens and the rule book show, and what each compiles to.
import { bridgeDriver } from '@weft/bridge-driver';
import type { HostObject } from '@weft/hoststate';
import type { PortPlan } from '@weft/proto/driver';
import { Endpoint, Family, Host, Network, Phase, Protocol, PublishedPort, Sandbox } from '@weft/proto/model';

const id = (digit: string) => digit.repeat(64);
const four = { poolId: 'p4', family: Family.IPV4, subnet: '172.18.0.0/16', gateway: '172.18.0.1' };
const six = { poolId: 'p6', family: Family.IPV6, subnet: 'fd00:18::/64', gateway: 'fd00:18::1' };
const option = (key: string, value: string) => ({ [`com.docker.network.${key}`]: value });
const mode = (family: 4 | 6, value: string) => option(`bridge.gateway_mode_ipv${family}`, value);
const dual = { enableIpv6: true, pools: [four, six] };
const onlySix = { enableIpv4: false, enableIpv6: true, pools: [six] };
const tcp = (port: number, hostPort: number, hostIp = '') => ({ protocol: Protocol.TCP, port, hostPort, hostIp });
const web = [tcp(80, 8080)];

export interface Case {
  readonly options?: Record<string, string>;
  readonly desired?: object;
  readonly endpoint?: object;
}

export const cases = {
  plain: {},
  'dual-stack': { desired: dual },
  'ipv6-only': { desired: onlySix },
  internal: { desired: { internal: true } },
  'icc-off': { options: option('bridge.enable_icc', 'false') },
  'no-masquerade': { options: option('bridge.enable_ip_masquerade', 'false') },
  'inhibit-ipv4': { options: option('bridge.inhibit_ipv4', 'true') },
  'named-bridge-and-mtu': { options: { ...option('bridge.name', 'mybridge'), ...option('driver.mtu', '1400') } },
  'auxiliary-gateway': { desired: { pools: [{ ...four, auxAddresses: { DefaultGatewayIPv4: '172.18.0.254' } }] } },
  'endpoint-options': {
    endpoint: {
      linkLocalIps: ['169.254.7.7'],
      driverOptions: {
        ...option('endpoint.sysctls', 'net.ipv4.conf.IFNAME.log_martians=1'),
        ...option('endpoint.ifname', 'lan0'),
        ...option('endpoint.macaddress', '0A-42-00-00-00-07'),
      },
    },
  },
  'host-ipv4': { options: option('host_ipv4', '192.0.2.9') },
  'host-ipv4-and-ipv6': {
    options: { ...option('host_ipv4', '192.0.2.9'), ...option('host_ipv6', '2001:DB8:0::9') },
    desired: dual,
  },
  'host-ipv4-without-masquerade': {
    options: { ...option('host_ipv4', '192.0.2.9'), ...option('bridge.enable_ip_masquerade', 'false') },
  },
  'nat-unprotected-ipv4': { options: mode(4, 'nat-unprotected'), desired: dual, endpoint: { ports: web } },
  'nat-unprotected-ipv6': { options: mode(6, 'nat-unprotected'), desired: dual, endpoint: { ports: web } },
  'routed-ipv4': { options: mode(4, 'routed'), desired: dual, endpoint: { ports: web } },
  'routed-ipv6': { options: mode(6, 'routed'), desired: dual, endpoint: { ports: web } },
  'routed-both': {
    options: { ...mode(4, 'routed'), ...mode(6, 'routed') },
    desired: dual,
    endpoint: { ports: web },
  },
  'routed-with-host-ipv4': { options: { ...mode(4, 'routed'), ...option('host_ipv4', '192.0.2.9') } },
  'isolated-ipv4': {
    options: mode(4, 'isolated'),
    desired: { ...dual, internal: true, pools: [{ ...four, gateway: '' }, six] },
  },
  'isolated-ipv6': {
    options: mode(6, 'isolated'),
    desired: { ...dual, internal: true, pools: [four, { ...six, gateway: '' }] },
  },
  'isolated-both': {
    options: { ...mode(4, 'isolated'), ...mode(6, 'isolated') },
    desired: {
      ...dual,
      internal: true,
      pools: [
        { ...four, gateway: '' },
        { ...six, gateway: '' },
      ],
    },
  },
  'mode-of-a-family-that-is-off': { options: mode(6, 'routed') },
  trusted: { options: option('bridge.trusted_host_interfaces', 'eth1:vlan.7:eth1'), endpoint: { ports: web } },
  'trusted-dual-stack': {
    options: option('bridge.trusted_host_interfaces', 'eth1'),
    desired: dual,
    endpoint: { ports: web },
  },
  'trusted-routed': {
    options: { ...option('bridge.trusted_host_interfaces', 'eth1'), ...mode(4, 'routed') },
    endpoint: { ports: web },
  },
  'ports-every-form': {
    desired: dual,
    endpoint: {
      ports: [
        tcp(80, 8080),
        tcp(80, 8081, '192.0.2.9'),
        tcp(80, 8082, '2001:db8:0::9'),
        tcp(80, 8083, '0.0.0.0'),
        tcp(80, 8084, '[::]'),
        { protocol: Protocol.UDP, port: 53, hostPort: 0 },
        { protocol: Protocol.TCP, port: 443, hostPort: 8400, hostPortEnd: 8410 },
        { protocol: Protocol.SCTP, port: 132, hostPort: 132 },
      ],
    },
  },
  'ports-ipv4-only': { endpoint: { ports: web } },
  'ports-ipv6-only': { desired: onlySix, endpoint: { ports: web } },
  'ports-loopback': { desired: dual, endpoint: { ports: [tcp(80, 8080, '127.0.0.1')] } },
  'ports-internal': { desired: { ...dual, internal: true }, endpoint: { ports: web } },
  'host-binding-ipv4': {
    options: option('bridge.host_binding_ipv4', '192.0.2.9'),
    desired: dual,
    endpoint: { ports: web },
  },
  'host-binding-every-ipv4': {
    options: option('bridge.host_binding_ipv4', '0.0.0.0'),
    desired: dual,
    endpoint: { ports: web },
  },
  'host-binding-every-ipv6': {
    options: option('bridge.host_binding_ipv4', '::'),
    desired: dual,
    endpoint: { ports: web },
  },
  'host-binding-and-routed-ipv6': {
    options: { ...option('bridge.host_binding_ipv4', '127.0.0.1'), ...mode(6, 'routed') },
    desired: dual,
    endpoint: { ports: web },
  },
  'advertise-never': { options: option('advertise_addr_nmsgs', '0') },
  'advertise-twice-fast': {
    options: { ...option('advertise_addr_nmsgs', '2'), ...option('advertise_addr_ms', '100') },
  },
} satisfies Record<string, Case>;

export type CaseName = keyof typeof cases;

export const draftOf = ({ options = {}, desired = {} }: Case): Network =>
  Network.fromPartial({
    id: id('a'),
    spec: { name: 'web', options },
    desired: {
      phase: Phase.READY,
      driver: 'bridge',
      scope: 'local',
      options,
      enableIpv4: true,
      pools: [four],
      ...desired,
    },
  });

export interface Compiled {
  readonly faults: readonly string[];
  readonly network: readonly HostObject[];
  readonly endpoint: ReturnType<typeof bridgeDriver.compileEndpoint>;
  readonly plans: readonly PortPlan[];
  readonly ports: readonly HostObject[];
}

/** As the controller does it: validate, fill in, choose, compile. */
const host = Host.fromPartial({ id: id('0') });

export function compileCase(one: Case): Compiled {
  const draft = draftOf(one);
  const verdict = bridgeDriver.validateNetwork(draft);
  const network = Network.fromPartial({ ...draft, desired: { ...draft.desired, options: verdict.options } });
  const addresses = (network.desired?.pools ?? []).map((pool) => ({
    family: pool.family,
    poolId: pool.poolId,
    cidr: pool.family === Family.IPV4 ? '172.18.0.2/16' : 'fd00:18::2/64',
  }));
  const wanted = Endpoint.fromPartial({
    id: id('e'),
    networkId: network.id,
    spec: { name: 'web', ...one.endpoint },
    desired: { phase: Phase.READY, addresses, sandboxId: id('5'), hostId: id('0') },
  });
  const answer = bridgeDriver.validateEndpoint(network, wanted);
  const plans = answer.ports ?? [];
  const published = (wanted.spec?.ports ?? []).map(({ protocol, port, hostPort }, at) => {
    const { hostIps = [], families = [] } = plans[at] ?? {};
    return PublishedPort.fromPartial({
      protocol,
      port,
      hostIps,
      families,
      hostPort: hostIps.length === 0 ? 0 : hostPort || 49153,
    });
  });
  const endpoint = Endpoint.fromPartial({
    ...wanted,
    desired: {
      ...wanted.desired,
      macAddress: answer.macAddress || '02:42:ac:12:00:02',
      interfaceName: answer.interfaceName || 'eth0',
      ports: published,
    },
  });
  return {
    faults: [...verdict.faults, ...answer.faults].map((error) => error.text),
    network: bridgeDriver.compileNetwork(network, host),
    endpoint: bridgeDriver.compileEndpoint({
      network,
      endpoint,
      sandbox: Sandbox.fromPartial({ id: id('5'), spec: { name: 'web' } }),
      host,
    }),
    plans,
    ports: [Family.IPV4, Family.IPV6].flatMap(
      (family) => bridgeDriver.compilePorts?.({ network, endpoint, family, ports: published }).flat() ?? [],
    ),
  };
}
