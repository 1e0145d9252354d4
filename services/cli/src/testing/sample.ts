// A small world for tests: two networks, a sandbox on them, a host.

import { ExplainResponse, GetNetworkResponse, GetSandboxResponse, GetStatusResponse } from '@weft/proto/controller';
import { ResolvedRecord } from '@weft/proto/discovery';
import { Event } from '@weft/proto/event';
import {
  BackendState,
  Balance,
  Family,
  Host,
  HostState,
  Network,
  Phase,
  Protocol,
  Service,
  ServiceMode,
} from '@weft/proto/model';

export const networkId = 'ab12'.repeat(16);
export const sandboxId = '5a'.repeat(32);
const hostId = '40'.repeat(32);
const endpointId = 'e1'.repeat(32);

export const web: Network = Network.fromPartial({
  id: networkId,
  spec: {
    name: 'web10',
    driver: 'bridge',
    attachable: true,
    internal: true,
    ipam: { driver: 'default', options: { kind: 'small' } },
    options: { 'com.docker.network.driver.mtu': '1400', 'com.docker.network.bridge.name': 'x<y>&' },
    labels: { tier: 'front', app: 'shop' },
  },
  desired: {
    phase: Phase.READY,
    driver: 'bridge',
    scope: 'local',
    enableIpv4: true,
    enableIpv6: true,
    internal: true,
    pools: [
      {
        poolId: 'p4',
        family: Family.IPV4,
        subnet: '10.1.0.0/24',
        gateway: '10.1.0.1',
        auxAddresses: { b: '10.1.0.5', a: '10.1.0.6' },
      },
      { poolId: 'p6', family: Family.IPV6, subnet: 'fd00::/64', ipRange: 'fd00::/80', gateway: 'fd00::1' },
    ],
  },
  created: new Date('2026-01-02T03:04:05.120Z'),
});

export const db: Network = Network.fromPartial({
  id: 'cd34'.repeat(16),
  spec: { name: 'web9', driver: 'macvlan' },
  desired: { phase: Phase.READY, driver: 'macvlan', scope: 'global', enableIpv4: true },
  created: new Date('2026-01-02T03:04:05Z'),
});

export const host: Host = Host.fromPartial({
  id: hostId,
  name: 'alpha',
  state: HostState.JOINED,
  facts: { version: '0.1.0', kernel: '6.8.0', bootId: 'boot-1', runDir: '/run/weft', agentPid: 77 },
  created: new Date('2026-01-01T00:00:00Z'),
});

const endpoint = {
  id: endpointId,
  networkId,
  spec: { aliases: ['shop'], ipv4Address: '10.1.0.2', gatewayPriority: -3 },
  desired: {
    phase: Phase.READY,
    addresses: [
      { family: Family.IPV4, cidr: '10.1.0.2/24', poolId: 'p4' },
      { family: Family.IPV6, cidr: 'fd00::2/64', poolId: 'p6' },
    ],
    macAddress: '02:42:0a:01:00:02',
    sandboxId,
    hostId,
    interfaceName: 'eth0',
    ports: [
      { protocol: Protocol.UDP, port: 53, hostIps: ['127.0.0.1'], hostPort: 5353, families: [Family.IPV4] },
      {
        protocol: Protocol.TCP,
        port: 80,
        hostIps: ['0.0.0.0', '::'],
        hostPort: 8080,
        families: [Family.IPV4, Family.IPV6],
      },
    ],
  },
};

export const shop: GetSandboxResponse = GetSandboxResponse.fromPartial({
  sandbox: {
    id: sandboxId,
    spec: {
      name: 'shop-1',
      domainname: 'example.org',
      labels: { app: 'shop' },
      namespace: { $case: 'managed', value: {} },
    },
    desired: { phase: Phase.READY, hostId },
    status: {
      namespacePath: '/run/weft/netns/5a5a5a5a5a5a',
      hostsPath: '/run/weft/files/hosts',
      resolvConfPath: '/run/weft/files/resolv.conf',
      appliedRevision: 7n,
    },
    created: new Date('2026-01-02T03:05:00Z'),
  },
  endpoints: [{ endpoint, network: web }],
});

export const webDetail: GetNetworkResponse = GetNetworkResponse.fromPartial({
  network: web,
  endpoints: [
    { endpoint, ...(shop.sandbox === undefined ? {} : { sandbox: shop.sandbox }) },
    {
      endpoint: {
        id: 'e2'.repeat(32),
        spec: { name: 'waiting' },
        desired: { addresses: [{ family: Family.IPV4, cidr: '10.1.0.3/24' }] },
      },
    },
  ],
  pools: [
    { subnet: '10.1.0.0/24', used: 5n, free: 251n },
    { subnet: 'fd00::/64', used: 2n, free: 18446744073709551614n },
  ],
});

export const status: GetStatusResponse = GetStatusResponse.fromPartial({
  version: '0.1.0',
  storeId: 'store-1',
  revision: 42n,
  hosts: [host],
  networks: 2,
  endpoints: 1,
  sandboxes: 1,
  failures: ['sandbox/5a5a: [failed precondition] the kernel refused'],
  events: 'off',
  waitingAddresses: ['10.1.0.9/24'],
  pools: [{ subnet: '10.1.0.0/24', used: 5n, free: 251n, owner: 'network/ab12' }],
});

export const created: Event = Event.fromPartial({
  storeId: 'store-1',
  revision: 41n,
  time: new Date('2026-01-01T00:00:00.500Z'),
  kind: 'network',
  id: networkId,
  what: 'created',
  attributes: { driver: 'bridge', name: 'web10' },
});

export const published: ExplainResponse = ExplainResponse.fromPartial({
  reaches: true,
  because: 'port 8080 is published: it leads to shop-1 at 10.1.0.2, port 80',
  steps: [
    {
      place: 'host alpha, chain publish',
      object: 'port/tcp/0.0.0.0/8080',
      rule: 'meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports4_any',
      setting: 'endpoint shop-1: published 0.0.0.0:8080 -> 80/tcp',
      says: 'port 8080 is published: it leads to shop-1 at 10.1.0.2, port 80',
    },
    {
      place: 'network web10',
      object: `veth/${endpointId}`,
      setting: 'endpoint shop-1 on network web10',
      says: 'the bridge hands it to shop-1',
    },
    { place: 'host alpha', says: 'the answer comes back to host' },
  ],
  probe: { address: '10.1.0.1', port: 8080, toNetns: '/run/weft/netns/5a', toAddress: '10.1.0.2', toPort: 80 },
});

export const refused: ExplainResponse = ExplainResponse.fromPartial({
  because: `object veth/${endpointId} is not in the kernel: the kernel refused`,
  steps: [
    {
      place: 'host alpha',
      object: `veth/${endpointId}`,
      says: `object veth/${endpointId} is not in the kernel: the kernel refused`,
      stops: true,
    },
  ],
  probe: { impossible: 'outside is another machine' },
});

export const resolved = ResolvedRecord.fromPartial({ name: 'web', type: 'A', ttlSeconds: 5, data: '10.1.0.2' });

const backend = (name: string, state: BackendState, more: object = {}) => ({
  name,
  sandboxId: name.repeat(64),
  endpointId: 'e'.repeat(63) + name,
  addresses: [`10.1.0.${name.charCodeAt(0) - 90}`],
  weight: 1,
  state,
  ...more,
});

export const front: Service = Service.fromPartial({
  id: '5e'.repeat(32),
  networkId,
  spec: {
    name: 'shop',
    labels: { team: 'x' },
    backends: [{ sandbox: 'a' }, { sandbox: 'b' }],
    selector: { app: 'shop' },
    mode: ServiceMode.VIP,
    balance: Balance.WEIGHTED,
    stickySeconds: 600,
    check: { probe: { $case: 'http', value: { port: 80, path: '/healthz' } }, intervalMs: 500 },
    draining: ['c'],
    aliases: ['store'],
  },
  desired: {
    phase: Phase.READY,
    addresses: [
      { family: Family.IPV4, cidr: '10.1.0.9/24' },
      { family: Family.IPV6, cidr: 'fd00::9/64' },
    ],
    ports: [{ protocol: Protocol.TCP, port: 80, hostIps: ['0.0.0.0'], hostPort: 8080, families: [Family.IPV4] }],
    hostIds: [hostId],
  },
  status: {
    backends: [
      backend('a', BackendState.UP),
      backend('b', BackendState.DOWN, { because: 'connection refused' }),
      backend('c', BackendState.DRAINING, { weight: 5 }),
    ],
  },
  created: new Date('2026-01-02T03:06:00Z'),
});
