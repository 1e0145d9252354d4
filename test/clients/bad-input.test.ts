// Bad input through the real API: the gRPC code, the ErrorInfo reason, a sentence with the remedy, and nothing left
// behind, neither in the controller, nor in ipam, nor in the kernel (I10).
import { Code, FaultError } from '@weft/fault';
import { RichClientError } from 'nice-grpc-error-details';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clients, type Host, makeHost } from '../lib/host.ts';
import { Reason } from '../lib/proto.ts';

let host: Host;
let api: Clients;
let idPrefix: string;

beforeAll(async () => {
  host = makeHost();
  await host.up();
  api = host.clients();
  const create = (name: string, spec: object) => api.networks.createNetwork({ spec: { name, ...spec } });
  await create('web', { ipam: { configs: [{ subnet: '10.1.0.0/24', auxAddresses: { router: '10.1.0.254' } }] } });
  await create('six', { enableIpv6: true, ipam: { configs: [{ subnet: '10.2.0.0/24' }, { subnet: 'fd00:2::/64' }] } });
  await create('tiny', { ipam: { configs: [{ subnet: '10.3.0.0/30' }] } });
  await create('base', { configOnly: true });
  await create('bridged', { options: { 'com.docker.network.bridge.name': 'mybridge' } });
  await api.sandboxes.createSandbox({ spec: { name: 'a' }, attachments: [{ network: 'web' }] });
  await api.sandboxes.createSandbox({ spec: { name: 'b' } });
  await api.sandboxes.createSandbox({ spec: { name: 'full' }, attachments: [{ network: 'tiny' }] });
  await api.sandboxes.createSandbox({ spec: { name: 'alone' }, attachments: [{ network: 'none' }] });
  idPrefix = await twoWithOnePrefix();
});
afterAll(async () => await host.remove());

/** Seventeen networks have two ids that begin with the same digit. */
async function twoWithOnePrefix(): Promise<string> {
  const seen = new Set<string>();
  for (let index = 0; ; index++) {
    const { network } = await api.networks.createNetwork({
      spec: { name: `many${index}`, driver: 'bridge', ipam: { configs: [{ subnet: `10.77.${index}.0/24` }] } },
    });
    const digit = network?.id[0] ?? '';
    if (seen.has(digit)) return digit;
    seen.add(digit);
  }
}

/** All that a refused request could have left behind. */
async function everything() {
  const { networks } = await api.networks.listNetworks({});
  const { sandboxes } = await api.sandboxes.listSandboxes({});
  const { endpoints } = await api.endpoints.listEndpoints({});
  const { pools, failures, waitingAddresses } = await api.system.getStatus({});
  return {
    networks: networks.map((one) => one.id),
    sandboxes: sandboxes.map((one) => one.sandbox?.id),
    endpoints: endpoints.map((one) => [one.id, one.desired?.addresses]),
    pools: pools.map((pool) => [pool.subnet, pool.used]),
    failures,
    waitingAddresses,
    links: JSON.parse(host.sh('ip -j link').stdout).map((link: { ifname: string }) => link.ifname),
    rules: host.sh('nft list ruleset').stdout,
    namespaces: host.sh(`ls ${host.runDir}/netns`).stdout,
  };
}

const network = (spec: object) => () => api.networks.createNetwork({ spec: { name: 'new', ...spec } });
const subnet = (config: object) => network({ ipam: { configs: [config] } });
const option = (key: string, value: string) => network({ options: { [key]: value } });
const connect =
  (to: string, sandbox: string, spec: object = {}) =>
  () =>
    api.endpoints.connect({ network: to, sandbox, spec });
const mtu = 'com.docker.network.driver.mtu';

interface Case {
  readonly name: string;
  readonly call: () => Promise<unknown>;
  readonly code: Code;
  readonly reason: Reason;
  /** In the sentence. */
  readonly says: string;
}
const bad = (
  name: string,
  call: () => Promise<unknown>,
  reason: Reason,
  says: string,
  code: Code = Code.INVALID_ARGUMENT,
): Case => ({ name, call, code, reason, says });

const cases: readonly Case[] = [
  bad(
    'host bits set in a subnet',
    subnet({ subnet: '10.9.0.1/24' }),
    Reason.INVALID_SUBNET,
    'invalid subnet 10.9.0.1/24: it should be 10.9.0.0/24',
  ),
  bad('a subnet that is none', subnet({ subnet: 'nonsense' }), Reason.INVALID_SUBNET, 'invalid subnet nonsense'),
  bad(
    'overlapping subnets in one request',
    network({ ipam: { configs: [{ subnet: '10.9.0.0/16' }, { subnet: '10.9.1.0/24' }] } }),
    Reason.SUBNETS_OVERLAP,
    'overlap',
  ),
  bad(
    'two subnets of one family',
    network({ ipam: { configs: [{ subnet: '10.9.0.0/24' }, { subnet: '10.9.1.0/24' }] } }),
    Reason.INVALID_SUBNET,
    "doesn't support multiple subnets",
  ),
  bad(
    'a subnet that overlaps another network',
    subnet({ subnet: '10.1.0.128/25' }),
    Reason.POOL_OVERLAP,
    'Pool overlaps with other one on this address space',
    Code.ALREADY_EXISTS,
  ),
  bad(
    'a gateway outside',
    subnet({ subnet: '10.9.0.0/24', gateway: '10.8.0.1' }),
    Reason.INVALID_GATEWAY,
    "doesn't contain this address",
  ),
  bad(
    'an ip-range outside',
    subnet({ subnet: '10.9.0.0/24', ipRange: '10.8.0.0/25' }),
    Reason.INVALID_IP_RANGE,
    "doesn't contain ip-range",
  ),
  bad(
    'an auxiliary address outside',
    subnet({ subnet: '10.9.0.0/24', auxAddresses: { r: '10.8.0.9' } }),
    Reason.INVALID_AUX_ADDRESS,
    'invalid auxiliary address r',
  ),
  bad(
    'an IPv4 gateway in an IPv6 subnet',
    subnet({ subnet: 'fd00:9::/64', gateway: '10.9.0.1' }),
    Reason.WRONG_FAMILY,
    'IPv6 block',
  ),
  bad(
    'an IPv6 ip-range in an IPv4 subnet',
    subnet({ subnet: '10.9.0.0/24', ipRange: 'fd00::/80' }),
    Reason.WRONG_FAMILY,
    'IPv4 block',
  ),
  bad(
    'IPv4 where IPv6 is due',
    connect('six', 'b', { ipv6Address: '10.2.0.9' }),
    Reason.WRONG_FAMILY,
    'invalid IPv6 address: 10.2.0.9',
  ),
  bad('both families off', network({ enableIpv4: false }), Reason.CONFLICTING_FIELDS, 'IPv4 or IPv6 must be enabled'),
  bad(
    'a name that is taken',
    () => api.networks.createNetwork({ spec: { name: 'web' } }),
    Reason.NAME_TAKEN,
    'network with name web already exists',
    Code.ALREADY_EXISTS,
  ),
  bad(
    'a sandbox name that is taken',
    () => api.sandboxes.createSandbox({ spec: { name: 'a' } }),
    Reason.NAME_TAKEN,
    'already in use',
    Code.ALREADY_EXISTS,
  ),
  bad('no name', () => api.networks.createNetwork({ spec: {} }), Reason.MISSING_FIELD, 'name is missing'),
  bad(
    'a name with a slash',
    () => api.networks.createNetwork({ spec: { name: 'a/b' } }),
    Reason.INVALID_NAME,
    'not allowed',
  ),
  bad(
    'a name of 300 characters',
    () => api.networks.createNetwork({ spec: { name: 'x'.repeat(300) } }),
    Reason.INVALID_NAME,
    '300 characters',
  ),
  bad(
    'an unknown driver',
    network({ driver: 'warp' }),
    Reason.DRIVER_NOT_FOUND,
    'plugin "warp" not found',
    Code.NOT_FOUND,
  ),
  bad(
    'an unknown option of the driver',
    option('com.docker.network.bridge.enable_ic', 'true'),
    Reason.UNKNOWN_OPTION,
    'did you mean com.docker.network.bridge.enable_icc',
  ),
  bad(
    'an unknown option value',
    option('com.docker.network.bridge.enable_icc', 'perhaps'),
    Reason.INVALID_OPTION,
    'is not true or false',
  ),
  bad(
    'an isolated network that is not internal',
    option('com.docker.network.bridge.gateway_mode_ipv4', 'isolated'),
    Reason.CONFLICTING_FIELDS,
    "gateway mode 'isolated' can only be used for an internal network",
  ),
  bad('a negative MTU', option(mtu, '-1'), Reason.INVALID_MTU, '-1'),
  bad('a huge MTU', option(mtu, '100000'), Reason.INVALID_MTU, '100000'),
  bad(
    'an MTU too small for IPv6',
    network({ enableIpv6: true, options: { [mtu]: '576' } }),
    Reason.INVALID_MTU,
    '1280',
  ),
  bad(
    'a bridge name that is taken',
    option('com.docker.network.bridge.name', 'mybridge'),
    Reason.INTERFACE_IN_USE,
    'bridge mybridge is used by network "bridged"',
    Code.ALREADY_EXISTS,
  ),
  bad(
    'a bridge name that is no bridge',
    option('com.docker.network.bridge.name', 'lo'),
    Reason.NOT_A_BRIDGE,
    'lo',
    Code.FAILED_PRECONDITION,
  ),
  bad(
    'an unknown network',
    connect('nowhere', 'b'),
    Reason.NETWORK_NOT_FOUND,
    'network nowhere not found',
    Code.NOT_FOUND,
  ),
  bad(
    'an unknown sandbox',
    connect('web', 'nobody'),
    Reason.SANDBOX_NOT_FOUND,
    'no such sandbox: nobody',
    Code.NOT_FOUND,
  ),
  bad('an ambiguous prefix', () => api.networks.getNetwork({ network: idPrefix }), Reason.AMBIGUOUS, 'is ambiguous'),
  bad(
    'creating a predefined name',
    () => api.networks.createNetwork({ spec: { name: 'host' } }),
    Reason.PREDEFINED_NETWORK,
    'predefined host network',
    Code.PERMISSION_DENIED,
  ),
  bad(
    'removing a predefined network',
    () => api.networks.removeNetwork({ network: 'bridge' }),
    Reason.PREDEFINED_NETWORK,
    'cannot be removed',
    Code.PERMISSION_DENIED,
  ),
  bad(
    'removing a network with endpoints',
    () => api.networks.removeNetwork({ network: 'web' }),
    Reason.NETWORK_IN_USE,
    'has active endpoints (name:"a" id:"',
    Code.FAILED_PRECONDITION,
  ),
  bad(
    'connecting twice',
    connect('web', 'a'),
    Reason.ALREADY_CONNECTED,
    'already connected to network web',
    Code.ALREADY_EXISTS,
  ),
  bad(
    'connecting one on none to another',
    connect('web', 'alone'),
    Reason.NETWORK_MODE,
    'private (none) mode',
    Code.FAILED_PRECONDITION,
  ),
  bad(
    'connecting to none and another at once',
    () =>
      api.sandboxes.createSandbox({ spec: { name: 'new' }, attachments: [{ network: 'none' }, { network: 'web' }] }),
    Reason.NETWORK_MODE,
    'private (none) mode',
    Code.FAILED_PRECONDITION,
  ),
  bad(
    'connecting to host',
    connect('host', 'b'),
    Reason.NETWORK_MODE,
    'cannot connect sandbox to host network',
    Code.FAILED_PRECONDITION,
  ),
  bad('connecting to a configuration network', connect('base', 'b'), Reason.CONFIG_NETWORK, 'configuration network'),
  bad(
    'disconnecting what is not connected',
    () => api.endpoints.disconnect({ network: 'web', sandbox: 'b' }),
    Reason.ENDPOINT_NOT_FOUND,
    'sandbox b is not connected to network web',
    Code.NOT_FOUND,
  ),
  bad(
    'a bad MAC',
    connect('web', 'b', { macAddress: '01:02:03' }),
    Reason.INVALID_MAC,
    'invalid MAC address: 01:02:03',
  ),
  bad(
    'a multicast MAC',
    connect('web', 'b', { macAddress: '01:00:5e:00:00:01' }),
    Reason.INVALID_MAC,
    'invalid MAC address',
  ),
  bad(
    'a MAC in use',
    connect('web', 'b', { macAddress: '02:42:0a:01:00:02' }),
    Reason.MAC_IN_USE,
    'is used by endpoint a',
    Code.ALREADY_EXISTS,
  ),
  bad(
    'an address in use',
    connect('web', 'b', { ipv4Address: '10.1.0.2' }),
    Reason.ADDRESS_IN_USE,
    'Address already in use',
    Code.ALREADY_EXISTS,
  ),
  bad(
    'an auxiliary address',
    connect('web', 'b', { ipv4Address: '10.1.0.254' }),
    Reason.ADDRESS_IN_USE,
    'Address already in use',
    Code.ALREADY_EXISTS,
  ),
  bad(
    'an address outside',
    connect('web', 'b', { ipv4Address: '10.2.0.9' }),
    Reason.INVALID_ADDRESS,
    'no configured subnet contains IP address 10.2.0.9',
  ),
  bad(
    'an address on a predefined network',
    connect('bridge', 'b', { ipv4Address: '172.17.0.9' }),
    Reason.NETWORK_MODE,
    'user-defined networks only',
    Code.FAILED_PRECONDITION,
  ),
  bad(
    'a link-local address that is none',
    connect('web', 'b', { linkLocalIps: ['10.1.0.9'] }),
    Reason.INVALID_ADDRESS,
    'is not a link-local address',
  ),
  bad('a pool that is full', connect('tiny', 'b'), Reason.POOL_EXHAUSTED, 'no available', Code.RESOURCE_EXHAUSTED),
  bad(
    'a namespace that does not exist',
    () =>
      api.sandboxes.createSandbox({ spec: { name: 'new', namespace: { $case: 'path', value: '/nowhere/at/all' } } }),
    Reason.NAMESPACE_NOT_FOUND,
    '/nowhere/at/all',
    Code.NOT_FOUND,
  ),
  bad(
    'a namespace that is a plain file',
    () => api.sandboxes.createSandbox({ spec: { name: 'new', namespace: { $case: 'path', value: '/etc/hostname' } } }),
    Reason.NAMESPACE_NOT_FOUND,
    '/etc/hostname',
    Code.NOT_FOUND,
  ),
  bad(
    'a process that does not exist',
    () => api.sandboxes.createSandbox({ spec: { name: 'new', namespace: { $case: 'pid', value: 4_000_000 } } }),
    Reason.NAMESPACE_NOT_FOUND,
    '4000000',
    Code.NOT_FOUND,
  ),
  bad(
    'a bad interface name',
    connect('web', 'b', { driverOptions: { 'com.docker.network.endpoint.ifname': 'much-too-long-a-name' } }),
    Reason.INVALID_OPTION,
    'much-too-long-a-name',
  ),
  bad(
    'a sysctl that is not the interface\u2019s',
    connect('web', 'b', { driverOptions: { 'com.docker.network.endpoint.sysctls': 'kernel.panic=1' } }),
    Reason.INVALID_OPTION,
    'kernel.panic=1',
  ),
  bad(
    'an unknown filter',
    () => api.networks.listNetworks({ filters: { colour: { values: ['red'] } } }),
    Reason.INVALID_FILTER,
    "invalid filter 'colour'",
  ),
  bad(
    'a body of 10 MB',
    network({ labels: { big: 'x'.repeat(10 * 1024 * 1024) } }),
    Reason.REQUEST_TOO_LARGE,
    'more than',
    Code.RESOURCE_EXHAUSTED,
  ),
  bad(
    'a wait that is negative',
    () => api.networks.createNetwork({ spec: { name: 'new' }, mutation: { wait: { seconds: -1n } } }),
    Reason.INVALID_VALUE,
    'wait',
  ),
  bad(
    'a request id with a blank',
    () => api.networks.createNetwork({ spec: { name: 'new' }, mutation: { requestId: 'a b' } }),
    Reason.INVALID_VALUE,
    'printable',
  ),
  bad(
    'several sandbox mistakes at once',
    () =>
      api.sandboxes.createSandbox({
        spec: { name: 'new', hostname: '-x', dns: { servers: ['one'] }, extraHosts: ['y'] },
      }),
    Reason.INVALID_NAME,
    'DNS server one is not an address',
  ),
];

test.each(cases)('$name', async ({ call, code, reason, says }) => {
  const before = await everything();
  const thrown = await call().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(FaultError);
  const error = thrown as FaultError;
  expect(error.message).toContain(says);
  expect(error.reason).toBe(reason);
  expect(error.cause).toBeInstanceOf(RichClientError);
  expect((error.cause as RichClientError).code).toBe(code);
  expect(error.metadata['remedy']).toMatch(/\w/);
  expect(await everything()).toEqual(before);
});

test('a deadline that has passed changes nothing', async () => {
  const before = await everything();
  const deadline = new Date(Date.now() - 1000);
  const thrown = await api.networks
    .createNetwork({ spec: { name: 'late' } }, { deadline })
    .catch((error: unknown) => error);
  expect(thrown).toMatchObject({ reason: Reason.DEADLINE_PASSED, kind: { code: Code.DEADLINE_EXCEEDED } });
  expect(await everything()).toEqual(before);
});
