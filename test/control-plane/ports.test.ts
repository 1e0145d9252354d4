// Published ports through the controller's real contract: given out, conflicting, freed, and leading to the gateway.
import { randomUUID } from 'node:crypto';
import { type Endpoint, Protocol } from '@weft/proto/model';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';
import { Reason } from '../lib/proto.ts';
import { binding, gatewayless, mac, publishingDriver } from '../lib/publishing-driver.ts';

let plane: ControlPlane;
let agent: FakeAgent;

beforeEach(async () => {
  plane = await startControlPlane({ bridge: publishingDriver });
  agent = await startFakeAgent(plane.agents, 'h1');
  await plane.controller.predefined;
  await plane.networks.createNetwork({ spec: { name: 'n', ipam: { configs: [{ subnet: '10.1.0.0/16' }] } } });
});
afterEach(async () => {
  await agent.stop();
  await plane.stop();
});

const tcp = (port: number, more: object = {}) => ({ protocol: Protocol.TCP, port, ...more });
const run = async (name: string, ports: object[], network = 'n') => {
  const made = await plane.sandboxes.createSandbox({ spec: { name }, attachments: [{ network, spec: { ports } }] });
  return made.endpoints[0] as Endpoint;
};
const hostPorts = (endpoint: Endpoint | undefined) => endpoint?.desired?.ports.map((one) => one.hostPort) ?? [];
/** What of the host leads where. */
const leads = () =>
  [...agent.objects.values()]
    .flatMap(({ key, spec }) =>
      spec?.$case === 'port' ? [`${key.slice(5)} ${spec.value.targetIp}:${spec.value.targetPort}`] : [],
    )
    .sort();
const inUse = { reason: Reason.PORT_IN_USE, message: '[already exists] held by a program', metadata: {} };

test('a fixed, a chosen and a ranged port are published, and go with their sandbox', async () => {
  const ports = [
    tcp(80, { hostPort: 8080 }),
    tcp(81),
    tcp(82, { hostPort: 9000, hostPortEnd: 9002, hostIp: '127.0.0.1' }),
  ];
  const endpoint = await run('a', ports);
  expect(hostPorts(endpoint)).toEqual([8080, 32768, 9000]);
  expect(leads()).toEqual([
    'tcp/0.0.0.0/32768 10.1.0.2:81',
    'tcp/0.0.0.0/8080 10.1.0.2:80',
    'tcp/127.0.0.1/9000 10.1.0.2:82',
  ]);
  await plane.sandboxes.removeSandbox({ sandbox: 'a' });
  expect(leads()).toEqual([]);
  expect(hostPorts(await run('b', [tcp(80, { hostPort: 8080 })]))).toEqual([8080]);
});

test.each([
  ['the same address', {}, {}],
  ['all addresses over one', { hostIp: '127.0.0.1' }, {}],
  ['one address under all', {}, { hostIp: '192.0.2.1' }],
])('a host port on %s is refused in Docker\u2019s words, and leaves nothing', async (_, first, second) => {
  await run('a', [tcp(80, { hostPort: 8080, ...first })]);
  const before = [...agent.objects.keys()].sort();
  await expect(run('b', [tcp(80), tcp(80, { hostPort: 8080, ...second })])).rejects.toMatchObject({
    reason: Reason.PORT_IN_USE,
    message: expect.stringMatching(
      /^Bind for [0-9.]+:8080 failed: port is already allocated \(held by endpoint a of sandbox a\)$/,
    ),
  });
  expect([...agent.objects.keys()].sort()).toEqual(before);
  const { sandboxes } = await plane.sandboxes.listSandboxes({});
  expect(sandboxes).toHaveLength(1);
  expect((await plane.ipam.listLeases({ ownerPrefix: 'endpoint/' })).leases).toHaveLength(1);
});

test('different addresses, transports and families do not conflict', async () => {
  await plane.networks.createNetwork({ spec: { name: 'six', enableIpv4: false, enableIpv6: true } });
  await run('a', [tcp(80, { hostPort: 8080, hostIp: '127.0.0.1' })]);
  await run('b', [
    tcp(80, { hostPort: 8080, hostIp: '127.0.0.2' }),
    { protocol: Protocol.UDP, port: 80, hostPort: 8080 },
  ]);
  expect(hostPorts(await run('c', [tcp(80, { hostPort: 8080 })], 'six'))).toEqual([8080]);
});

test('1,000 ports with one conflict are refused as a whole', async () => {
  await run('a', [tcp(80, { hostPort: 20_500 })]);
  const ports = Array.from({ length: 1_000 }, (_, at) => tcp(1_000 + at, { hostPort: 20_000 + at }));
  await expect(run('b', ports)).rejects.toMatchObject({ reason: Reason.PORT_IN_USE });
  expect(leads()).toHaveLength(1);
  await plane.sandboxes.removeSandbox({ sandbox: 'a' });
  await run('b', ports);
  expect(leads()).toHaveLength(1_000);
});

test('a range that is used up: all ports are allocated', async () => {
  await run('a', [tcp(80, { hostPort: 9000, hostPortEnd: 9001 }), tcp(81, { hostPort: 9000, hostPortEnd: 9001 })]);
  await expect(run('b', [tcp(80, { hostPort: 9000, hostPortEnd: 9001 })])).rejects.toMatchObject({
    reason: Reason.PORTS_EXHAUSTED,
    message: expect.stringContaining('all ports are allocated'),
  });
});

test('64 requests for one port: one wins; 64 for any port: all differ', async () => {
  const race = (ports: object[], lead: string) =>
    Promise.allSettled(Array.from({ length: 64 }, (_, at) => run(`${lead}${at}`, ports)));
  const fixed = await race([tcp(80, { hostPort: 8080 })], 'f');
  const reasons = fixed.flatMap((one) => (one.status === 'rejected' ? [one.reason.reason] : []));
  expect([reasons.length, new Set(reasons)]).toEqual([63, new Set([Reason.PORT_IN_USE])]);
  const chosen = await race([tcp(80)], 'c');
  const got = chosen.map((one) => (one.status === 'fulfilled' ? hostPorts(one.value)[0] : one.reason));
  expect(new Set(got).size).toBe(64);
});

test('a host port is not had again before its host let it go', async () => {
  const endpoint = await run('a', [tcp(80, { hostPort: 8080 })]);
  const release = agent.hold();
  const soon = { mutation: { wait: { seconds: 0n, nanos: 20_000_000 } } };
  await plane.endpoints.leaveEndpoint({ endpoint: endpoint.id, ...soon });
  const wanted = { network: 'n', spec: { name: 'b', ports: [tcp(80, { hostPort: 8080 })] } };
  const other = { spec: { name: 'b' }, attachments: [wanted] };
  await expect(plane.sandboxes.createSandbox(other)).rejects.toMatchObject({ reason: Reason.PORT_IN_USE });
  release();
  const again = await plane.endpoints.joinEndpoint({ endpoint: endpoint.id, sandbox: 'a' });
  expect(hostPorts(again.endpoint)).toEqual([8080]);
  const left = await plane.endpoints.leaveEndpoint({ endpoint: endpoint.id });
  expect([hostPorts(left.endpoint), left.endpoint?.spec?.ports.length]).toEqual([[], 1]);
  await plane.sandboxes.createSandbox(other);
});

test('a host port is let go also when the endpoint was changed while its host had yet to forget it', async () => {
  const endpoint = await run('a', [tcp(80, { hostPort: 8080 })]);
  const release = agent.hold();
  const soon = { mutation: { wait: { seconds: 0n, nanos: 20_000_000 } } };
  await plane.endpoints.leaveEndpoint({ endpoint: endpoint.id, ...soon });
  await plane.endpoints.updatePorts({ endpoint: endpoint.id, add: [tcp(81)] });
  release();
  const wanted = { network: 'n', spec: { name: 'b', ports: [tcp(80, { hostPort: 8080 })] } };
  await vi.waitFor(() => plane.sandboxes.createSandbox({ spec: { name: 'b' }, attachments: [wanted] }), {
    timeout: 20_000,
  });
});

test('an endpoint without a sandbox holds no host port', async () => {
  const spec = { name: 'db', ports: [tcp(80, { hostPort: 8080 })] };
  const { endpoint } = await plane.endpoints.createEndpoint({ network: 'n', spec });
  expect(hostPorts(endpoint)).toEqual([]);
  await run('a', [tcp(80, { hostPort: 8080 })]);
  await plane.sandboxes.createSandbox({ spec: { name: 'b' } });
  const join = { endpoint: endpoint?.id ?? '', sandbox: 'b' };
  await expect(plane.endpoints.joinEndpoint(join)).rejects.toMatchObject({ reason: Reason.PORT_IN_USE });
});

test('ports lead to the gateway of the sandbox, and move with it', async () => {
  await plane.networks.createNetwork({ spec: { name: 'm', ipam: { configs: [{ subnet: '10.2.0.0/24' }] } } });
  await run('a', [tcp(80, { hostPort: 8080 })]);
  await plane.endpoints.connect({
    network: 'm',
    sandbox: 'a',
    spec: { gatewayPriority: 1, ports: [tcp(81, { hostPort: 8081 })] },
  });
  expect(leads()).toEqual(['tcp/0.0.0.0/8080 10.2.0.2:80', 'tcp/0.0.0.0/8081 10.2.0.2:81']);
  await plane.endpoints.disconnect({ network: 'm', sandbox: 'a' });
  expect(leads()).toEqual(['tcp/0.0.0.0/8080 10.1.0.2:80', 'tcp/0.0.0.0/8081 10.1.0.2:81']);
});

test('what a sandbox publishes stays published while it is on a network', async () => {
  await plane.networks.createNetwork({ spec: { name: 'm', ipam: { configs: [{ subnet: '10.2.0.0/24' }] } } });
  const first = await run('a', [tcp(80, { hostPort: 8080 })]);
  const { endpoint } = await plane.endpoints.connect({ network: 'm', sandbox: 'a' });
  await plane.endpoints.disconnect({ network: 'n', sandbox: 'a' });
  expect(leads()).toEqual(['tcp/0.0.0.0/8080 10.2.0.2:80']);
  const heir = (await plane.endpoints.getEndpoint({ endpoint: endpoint?.id ?? '' })).endpoint;
  expect([hostPorts(heir), heir?.spec?.ports]).toEqual([[8080], first.spec?.ports]);
  await expect(run('b', [tcp(80, { hostPort: 8080 })])).rejects.toMatchObject({ reason: Reason.PORT_IN_USE });
  await plane.endpoints.disconnect({ network: 'm', sandbox: 'a' });
  expect(leads()).toEqual([]);
  await run('c', [tcp(80, { hostPort: 8080 })]);
});

test('without a gateway of the family there is nothing to lead to', async () => {
  const ipam = { configs: [{ subnet: '10.3.0.0/24' }] };
  const { network } = await plane.networks.createNetwork({
    spec: { name: 'g', ipam, options: { [gatewayless]: 'true' } },
  });
  expect(network?.desired?.pools.map((one) => one.gateway)).toEqual(['']);
  const endpoint = await run('a', [tcp(80, { hostPort: 8080 })], 'g');
  expect([hostPorts(endpoint), leads()]).toEqual([[8080], []]);
  await plane.endpoints.connect({ network: 'n', sandbox: 'a' });
  expect(leads()).toEqual(['tcp/0.0.0.0/8080 10.1.0.2:80']);
});

test('a network that needs no host ports takes none', async () => {
  await plane.networks.createNetwork({ spec: { name: 'r', options: { [binding]: 'none' } } });
  const endpoint = await run('a', [tcp(80, { hostPort: 8080 }), tcp(80, { hostPort: 8081 })], 'r');
  expect(hostPorts(endpoint)).toEqual([0, 0]);
  expect(hostPorts(await run('b', [tcp(80, { hostPort: 8080 })]))).toEqual([8080]);
});

test('a chosen port that a program of the host has is chosen again; a fixed one is the fault', async () => {
  agent.failing = ({ key }) => (/^port\/tcp\/0.0.0.0\/(32768|32769|8080)$/.test(key) ? inUse : undefined);
  const request = { mutation: { requestId: randomUUID() }, network: 'n', sandbox: 'a', spec: { ports: [tcp(80)] } };
  await plane.sandboxes.createSandbox({ spec: { name: 'a' } });
  const { endpoint } = await plane.endpoints.connect(request);
  expect(hostPorts(endpoint)).toEqual([32770]);
  expect(hostPorts((await plane.endpoints.connect(request)).endpoint)).toEqual([32770]);
  expect(endpoint?.status?.fault).toBeUndefined();
  await expect(run('b', [tcp(80, { hostPort: 8080 })])).rejects.toMatchObject({ reason: Reason.PORT_IN_USE });
  expect(leads()).toEqual(['tcp/0.0.0.0/32770 10.1.0.2:80']);
  agent.failing = ({ key }) => (key.startsWith('port/') ? inUse : undefined);
  await expect(run('c', [tcp(80)])).rejects.toMatchObject({ reason: Reason.PORT_IN_USE });
  expect((await plane.system.getStatus({})).failures).toEqual([]);
});

test('a MAC address may be asked for by an option', async () => {
  const wanted = '02:00:00:00:00:07';
  await plane.sandboxes.createSandbox({ spec: { name: 'a' } });
  const connect = (sandbox: string, spec: object) => plane.endpoints.connect({ network: 'n', sandbox, spec });
  const { endpoint } = await connect('a', { driverOptions: { [mac]: wanted } });
  expect(endpoint?.desired?.macAddress).toBe(wanted);
  await plane.sandboxes.createSandbox({ spec: { name: 'b' } });
  const twice = { macAddress: '02:00:00:00:00:08', driverOptions: { [mac]: wanted } };
  await expect(connect('b', twice)).rejects.toMatchObject({ reason: Reason.CONFLICTING_FIELDS });
  await expect(connect('b', { driverOptions: { [mac]: wanted } })).rejects.toMatchObject({ reason: Reason.MAC_IN_USE });
});

describe('UpdatePorts', () => {
  const update = (endpoint: Endpoint, request: object) =>
    plane.endpoints.updatePorts({ endpoint: endpoint.id, ...request });

  test('adds and removes in one step; spec and published ports stay side by side', async () => {
    const endpoint = await run('a', [
      tcp(80, { hostPort: 8080 }),
      tcp(81),
      tcp(80, { hostPort: 8090, hostIp: '127.0.0.1' }),
    ]);
    const change = { add: [tcp(82, { hostPort: 8082 })], remove: [tcp(81), tcp(80, { hostPort: 8080 })] };
    const { endpoint: changed, outcome } = await update(endpoint, change);
    expect([hostPorts(changed), outcome?.applied]).toEqual([[8082], true]);
    const { endpoint: after } = await plane.endpoints.getEndpoint({ endpoint: endpoint.id });
    expect([hostPorts(after), after?.spec?.ports.map((one) => one.port)]).toEqual([
      [8090, 8082],
      [80, 82],
    ]);
    expect(leads()).toEqual(['tcp/0.0.0.0/8082 10.1.0.2:82', 'tcp/127.0.0.1/8090 10.1.0.2:80']);
    await update(endpoint, { remove: [tcp(80, { hostIp: '127.0.0.1' })], add: [tcp(80, { hostPort: 8090 })] });
    expect(leads()).toEqual(['tcp/0.0.0.0/8082 10.1.0.2:82', 'tcp/0.0.0.0/8090 10.1.0.2:80']);
  });

  test('what is refused changes nothing', async () => {
    const endpoint = await run('a', [tcp(80, { hostPort: 8080 })]);
    const before = leads();
    await expect(update(endpoint, { remove: [tcp(81)], add: [tcp(83)] })).rejects.toMatchObject({
      reason: Reason.PORT_NOT_FOUND,
      message: 'port 81/tcp is not published',
    });
    await expect(update(endpoint, { add: [tcp(83), tcp(84, { hostPort: 8080 })] })).rejects.toMatchObject({
      reason: Reason.PORT_IN_USE,
    });
    await expect(update(endpoint, { add: [tcp(80, { hostPort: 8080 })] })).rejects.toMatchObject({
      reason: Reason.INVALID_PORT,
      metadata: { field: 'add[0]' },
    });
    await expect(update(endpoint, {})).rejects.toMatchObject({ reason: Reason.MISSING_FIELD });
    expect(leads()).toEqual(before);
  });

  test('an added port that the host does not take is withdrawn again, alone', async () => {
    const endpoint = await run('a', [tcp(80, { hostPort: 8080 })]);
    agent.failing = ({ key }) => (key.endsWith('/8083') ? inUse : undefined);
    const request = { mutation: { requestId: randomUUID() }, add: [tcp(82), tcp(83, { hostPort: 8083 })] };
    await expect(update(endpoint, request)).rejects.toMatchObject({ reason: Reason.PORT_IN_USE });
    await expect(update(endpoint, request)).rejects.toMatchObject({ reason: Reason.PORT_IN_USE });
    expect(leads()).toEqual(['tcp/0.0.0.0/8080 10.1.0.2:80']);
    const { endpoint: after } = await plane.endpoints.getEndpoint({ endpoint: endpoint.id });
    expect([hostPorts(after), after?.spec?.ports.length, after?.status?.fault]).toEqual([[8080], 1, undefined]);
  });

  test('what was removed with it is published again, unless somebody has taken its place', async () => {
    const endpoint = await run('a', [tcp(80, { hostPort: 8080 }), tcp(81, { hostPort: 8081 }), tcp(84)]);
    agent.failing = ({ key }) => (key.endsWith('/8083') ? inUse : undefined);
    const release = agent.hold();
    const change = { add: [tcp(83, { hostPort: 8083 })], remove: [tcp(80), tcp(81)] };
    const updating = expect(update(endpoint, change)).rejects.toMatchObject({ reason: Reason.PORT_IN_USE });
    const ports = [tcp(80, { hostPort: 8081 })];
    const mutation = { wait: { seconds: 0n, nanos: 20_000_000 } };
    const attachments = [{ network: 'n', spec: { ports } }];
    await vi.waitFor(() => plane.sandboxes.createSandbox({ mutation, spec: { name: 'b' }, attachments }), {
      timeout: 20_000,
    });
    release();
    await updating;
    const { endpoint: after } = await plane.endpoints.getEndpoint({ endpoint: endpoint.id });
    expect([hostPorts(after), after?.spec?.ports.map((one) => one.port)]).toEqual([
      [32768, 8080],
      [84, 80],
    ]);
    expect(leads()).toEqual([
      'tcp/0.0.0.0/32768 10.1.0.2:84',
      'tcp/0.0.0.0/8080 10.1.0.2:80',
      'tcp/0.0.0.0/8081 10.1.0.3:80',
    ]);
  });

  test('a chosen one is chosen again', async () => {
    const endpoint = await run('a', []);
    agent.failing = ({ key }) => (key.endsWith('/32768') || key.endsWith('/9000') ? inUse : undefined);
    const add = [tcp(82), tcp(83, { hostPort: 9000, hostPortEnd: 9001 })];
    expect(hostPorts((await update(endpoint, { add })).endpoint)).toEqual([32769, 9001]);
  });

  test('the same request id adds once', async () => {
    const endpoint = await run('a', []);
    const request = { mutation: { requestId: randomUUID() }, add: [tcp(80)] };
    await Promise.all([update(endpoint, request), update(endpoint, request)]);
    const again = await update(endpoint, request);
    expect([hostPorts(again.endpoint), again.outcome?.applied]).toEqual([[32768], true]);
  });

  test('an endpoint without a sandbox changes what it asks for alone', async () => {
    const { endpoint } = await plane.endpoints.createEndpoint({ network: 'n', spec: { name: 'db', ports: [tcp(80)] } });
    const changed = await update(endpoint as Endpoint, { add: [tcp(81)], remove: [tcp(80)] });
    expect([changed.endpoint?.spec?.ports.map((one) => one.port), hostPorts(changed.endpoint)]).toEqual([[81], []]);
  });
});

describe('bad input names the field and the remedy, and leaves nothing', () => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => tcp(1 + at));
  test.each<[string, object[], Reason, string, string]>([
    ['a protocol', [{ protocol: 1, port: 80 }], Reason.INVALID_PORT, 'spec.ports[0].protocol', 'not tcp, udp or sctp'],
    ['port 0', [tcp(80), tcp(0)], Reason.INVALID_PORT, 'spec.ports[1].port', 'not from 1 to 65535'],
    ['port 65536', [tcp(65_536)], Reason.INVALID_PORT, 'spec.ports[0].port', 'not from 1 to 65535'],
    ['a host port', [tcp(80, { hostPort: 70_000 })], Reason.INVALID_PORT, 'spec.ports[0].host_port', 'from 0 to 65535'],
    ['a range', [tcp(80, { hostPort: 9, hostPortEnd: 8 })], Reason.INVALID_PORT, 'spec.ports[0].host_port_end', '9-8'],
    ['an address', [tcp(80, { hostIp: 'x' })], Reason.INVALID_ADDRESS, 'spec.ports[0].host_ip', 'no'],
    [
      '[::1]',
      [tcp(80, { hostIp: '::1' })],
      Reason.INVALID_ADDRESS,
      'spec.ports[0].host_ip',
      'publish on 127.0.0.1: the kernel cannot redirect [::1]',
    ],
    ['multicast', [tcp(80, { hostIp: '224.0.0.1' })], Reason.INVALID_ADDRESS, 'spec.ports[0].host_ip', 'multicast'],
    ['a family', [tcp(80, { hostIp: 'fd00::1' })], Reason.WRONG_FAMILY, 'spec.ports[0].host_ip', 'has no IPv6'],
    ['twice', [tcp(80), tcp(80)], Reason.INVALID_PORT, 'spec.ports[1]', 'asked for twice'],
    ['4,097 ports', many(4_097), Reason.REQUEST_TOO_LARGE, 'spec.ports', 'more than 4096'],
  ])('%s', async (_, ports, reason, field, says) => {
    await plane.sandboxes.createSandbox({ spec: { name: 'a' } });
    const before = await plane.store.list('endpoint/');
    const call = plane.endpoints.connect({ network: 'n', sandbox: 'a', spec: { ports } });
    await expect(call).rejects.toMatchObject({ reason, message: expect.stringContaining(says), metadata: { field } });
    expect((await plane.store.list('endpoint/')).keyValues).toEqual(before.keyValues);
  });

  test('host ports that need more marks than a transaction takes', async () => {
    const ports = Array.from({ length: 200 }, (_, at) => tcp(80, { hostPort: 1 + at * 64 }));
    await expect(run('a', ports)).rejects.toMatchObject({ reason: Reason.REQUEST_TOO_LARGE });
    expect((await plane.sandboxes.listSandboxes({})).sandboxes).toEqual([]);
    expect((await plane.ipam.listLeases({ ownerPrefix: 'endpoint/' })).leases).toEqual([]);
  });

  test('an endpoint takes 8,192 ports', async () => {
    const endpoint = await run('a', many(4_096));
    const more = Array.from({ length: 4_096 }, (_, at) => tcp(5_000 + at));
    await plane.endpoints.updatePorts({ endpoint: endpoint.id, add: more });
    const { endpoint: full } = await plane.endpoints.getEndpoint({ endpoint: endpoint.id });
    expect(new Set(hostPorts(full)).size).toBe(8_192);
    const one = plane.endpoints.updatePorts({ endpoint: endpoint.id, add: [tcp(60_000)] });
    await expect(one).rejects.toMatchObject({ reason: Reason.REQUEST_TOO_LARGE });
  });
});
