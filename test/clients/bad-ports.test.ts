// Ports and firewall options that cannot be, through the real API: the code, the reason, the sentence with its remedy, and
// nothing left behind, neither in the controller nor in the kernel nor a port held (I10).
import { Code, FaultError } from '@weft/fault';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clients, type Host, makeHost } from '../lib/host.ts';
import { Reason } from '../lib/proto.ts';
import { type Station, startStation } from '../lib/station.ts';

let host: Host;
let api: Clients;
let program: Station;
let endpoint: string;

beforeAll(async () => {
  host = makeHost();
  host.sh('ip link set lo up');
  await host.up();
  api = host.clients();
  await api.networks.createNetwork({ spec: { name: 'web', ipam: { configs: [{ subnet: '10.1.0.0/24' }] } } });
  const { endpoints } = await api.sandboxes.createSandbox({
    spec: { name: 'holder' },
    attachments: [{ network: 'web', spec: { ports: [{ protocol: 6, port: 80, hostPort: 8080 }] } }],
  });
  endpoint = endpoints[0]?.id ?? '';
  await api.sandboxes.createSandbox({ spec: { name: 'b' } });
  program = await startStation('program', host.netns);
  await program.listen('tcp', 9090);
});
afterAll(async () => {
  await program.stop();
  await host.remove();
});

/** All that a refused request could have left behind. */
async function everything() {
  const { networks } = await api.networks.listNetworks({});
  const { endpoints } = await api.endpoints.listEndpoints({});
  const { failures } = await api.system.getStatus({});
  return {
    networks: networks.map(({ id, spec, desired }) => [id, spec?.labels, desired?.options]),
    endpoints: endpoints.map(({ id, spec, desired }) => [id, spec?.ports.length, desired?.ports]),
    failures,
    rules: host.sh('nft list ruleset').stdout,
    // Every socket that is bound, listening or not.
    sockets: host.sh('ss -Hnatu | sort').stdout,
    links: host.sh('ip -o link | wc -l').stdout,
  };
}

const tcp = { protocol: 6, port: 80 };
const publish =
  (...ports: object[]) =>
  () =>
    api.endpoints.connect({ network: 'web', sandbox: 'b', spec: { ports } });
const update = (change: object) => () => api.endpoints.updatePorts({ endpoint, ...change });
const network =
  (options: Record<string, string>, more: object = {}) =>
  () =>
    api.networks.createNetwork({
      spec: {
        name: 'new',
        options: Object.fromEntries(Object.entries(options).map(([k, v]) => [`com.docker.network.${k}`, v])),
        ...more,
      },
    });
const many = (count: number, first: number) =>
  Array.from({ length: count }, (_, at) => ({ protocol: 6, port: 1 + at, hostPort: first + at }));

test.each<[string, () => Promise<unknown>, Reason, string, Code]>([
  ['no transport', publish({ port: 80 }), Reason.INVALID_PORT, 'protocol', Code.INVALID_ARGUMENT],
  ['port 0', publish({ protocol: 6 }), Reason.INVALID_PORT, 'spec.ports[0]', Code.INVALID_ARGUMENT],
  ['a port too large', publish({ protocol: 6, port: 70000 }), Reason.INVALID_PORT, '70000', Code.INVALID_ARGUMENT],
  ['a host port too large', publish({ ...tcp, hostPort: 70000 }), Reason.INVALID_PORT, '70000', Code.INVALID_ARGUMENT],
  [
    'a range that ends before it begins',
    publish({ ...tcp, hostPort: 90, hostPortEnd: 80 }),
    Reason.INVALID_PORT,
    '90',
    Code.INVALID_ARGUMENT,
  ],
  [
    'a host address that is none',
    publish({ ...tcp, hostIp: 'one' }),
    Reason.INVALID_ADDRESS,
    'one',
    Code.INVALID_ARGUMENT,
  ],
  [
    '[::1], which the kernel cannot redirect',
    publish({ ...tcp, hostIp: '::1' }),
    Reason.INVALID_ADDRESS,
    '127.0.0.1',
    Code.INVALID_ARGUMENT,
  ],
  [
    'a multicast address',
    publish({ ...tcp, hostIp: '224.0.0.1' }),
    Reason.INVALID_ADDRESS,
    '224.0.0.1',
    Code.INVALID_ARGUMENT,
  ],
  [
    'an IPv6 address for an IPv4 network',
    publish({ ...tcp, hostIp: '::' }),
    Reason.WRONG_FAMILY,
    '::',
    Code.INVALID_ARGUMENT,
  ],
  [
    'an address the host does not have',
    publish({ ...tcp, hostIp: '192.0.2.77', hostPort: 81 }),
    Reason.INVALID_ADDRESS,
    'cannot assign requested address',
    Code.INVALID_ARGUMENT,
  ],
  [
    'a port twice',
    publish({ ...tcp, hostPort: 81 }, { ...tcp, hostPort: 81 }),
    Reason.INVALID_PORT,
    'spec.ports[1]',
    Code.INVALID_ARGUMENT,
  ],
  ['too many ports', publish(...many(4097, 10_000)), Reason.REQUEST_TOO_LARGE, '4097', Code.RESOURCE_EXHAUSTED],
  [
    'a port of another endpoint',
    publish({ ...tcp, hostPort: 8080 }),
    Reason.PORT_IN_USE,
    'holder',
    Code.ALREADY_EXISTS,
  ],
  [
    'a port of another endpoint on one address',
    publish({ ...tcp, hostIp: '127.0.0.1', hostPort: 8080 }),
    Reason.PORT_IN_USE,
    'port is already allocated',
    Code.ALREADY_EXISTS,
  ],
  [
    'a port of a program of the host',
    publish({ ...tcp, hostPort: 9090 }),
    Reason.PORT_IN_USE,
    'node',
    Code.ALREADY_EXISTS,
  ],
  [
    'a range with nothing free',
    publish({ ...tcp, hostPort: 8080, hostPortEnd: 8080 }),
    Reason.PORT_IN_USE,
    '8080',
    Code.ALREADY_EXISTS,
  ],
  [
    '1,000 ports, one of them taken by an endpoint',
    publish(...many(1000, 7200)),
    Reason.PORT_IN_USE,
    '8080',
    Code.ALREADY_EXISTS,
  ],
  [
    '1,000 ports, one of them taken by a program',
    update({ add: many(1000, 8500) }),
    Reason.PORT_IN_USE,
    '9090',
    Code.ALREADY_EXISTS,
  ],
  [
    'withdrawing what is not published',
    update({ remove: [{ protocol: 17, port: 80 }] }),
    Reason.PORT_NOT_FOUND,
    '80',
    Code.NOT_FOUND,
  ],
  [
    'a gateway mode that is none',
    network({ 'bridge.gateway_mode_ipv4': 'fast' }),
    Reason.INVALID_OPTION,
    'routed',
    Code.INVALID_ARGUMENT,
  ],
  [
    'isolated, and not internal',
    network({ 'bridge.gateway_mode_ipv4': 'isolated' }),
    Reason.CONFLICTING_FIELDS,
    'internal',
    Code.INVALID_ARGUMENT,
  ],
  [
    'an IPv6 address as host_ipv4',
    network({ host_ipv4: 'fd00::1' }),
    Reason.INVALID_OPTION,
    'host_ipv4',
    Code.INVALID_ARGUMENT,
  ],
  [
    'an interface name that is none',
    network({ 'bridge.trusted_host_interfaces': 'eth0:a/b' }),
    Reason.INVALID_OPTION,
    'trusted_host_interfaces',
    Code.INVALID_ARGUMENT,
  ],
  [
    'four announcements',
    network({ advertise_addr_nmsgs: '4' }),
    Reason.INVALID_OPTION,
    'advertise_addr_nmsgs',
    Code.INVALID_ARGUMENT,
  ],
  [
    'a key that is nearly one',
    network({ 'bridge.enable_icmp': 'true' }),
    Reason.UNKNOWN_OPTION,
    'did you mean com.docker.network.bridge.enable_icc',
    Code.INVALID_ARGUMENT,
  ],
  [
    'a MAC that is none',
    () =>
      api.endpoints.connect({
        network: 'web',
        sandbox: 'b',
        spec: { driverOptions: { 'com.docker.network.endpoint.macaddress': 'x' } },
      }),
    Reason.INVALID_OPTION,
    'macaddress',
    Code.INVALID_ARGUMENT,
  ],
  [
    'a fixed option',
    () => api.networks.updateNetwork({ network: 'web', setOptions: { 'com.docker.network.bridge.name': 'x' } }),
    Reason.OPTION_FIXED,
    'com.docker.network.bridge.name',
    Code.INVALID_ARGUMENT,
  ],
  [
    'a bad value for an option that can change',
    () => api.networks.updateNetwork({ network: 'web', setOptions: { 'com.docker.network.driver.mtu': '7' } }),
    Reason.INVALID_MTU,
    '7',
    Code.INVALID_ARGUMENT,
  ],
])('%s', async (_, call, reason, says, code) => {
  const before = await everything();
  const thrown = await call().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(FaultError);
  const error = thrown as FaultError;
  expect([error.reason, error.kind.code]).toEqual([reason, code]);
  expect(`${error.message} ${error.metadata['remedy']}`).toContain(says);
  expect(error.metadata['remedy']).toMatch(/\w/);
  expect(await everything()).toEqual(before);
});
