// The life of networks, endpoints and sandboxes through the controller's real contract, with an agent that has no kernel.
import { randomUUID } from 'node:crypto';
import { Code } from '@weft/fault';
import type { WatchPut } from '@weft/proto/controller';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';
import { Reason } from '../lib/proto.ts';

let plane: ControlPlane;
let agent: FakeAgent;

beforeEach(async () => {
  plane = await startControlPlane();
  agent = await startFakeAgent(plane.agents, 'h1');
  await plane.controller.predefined;
});
afterEach(async () => {
  await agent.stop();
  await plane.stop();
});

const createNetwork = (name: string, spec: object = {}) => plane.networks.createNetwork({ spec: { name, ...spec } });
const createSandbox = (name: string, ...networks: string[]) =>
  plane.sandboxes.createSandbox({ spec: { name }, attachments: networks.map((network) => ({ network })) });
const keys = (lead: string) => [...agent.objects.keys()].filter((key) => key.startsWith(lead));
const nameOf = (object: WatchPut['object']) => (object?.$case === 'network' ? object.value.spec?.name : '');
const leases = async () =>
  (await plane.ipam.listLeases({ ownerPrefix: 'endpoint/' })).leases.map((lease) => lease.cidr);

test('the predefined networks are there, with Docker\u2019s drivers', async () => {
  const { networks } = await plane.networks.listNetworks({});
  expect(networks.map((one) => [one.spec?.name, one.desired?.driver, one.desired?.scope])).toEqual([
    ['bridge', 'bridge', 'local'],
    ['host', 'host', 'local'],
    ['none', 'null', 'local'],
  ]);
  expect(keys('bridge/')).toEqual(['bridge/weft0']);
});

test('a network is compiled to a bridge with its gateway, and goes without a trace', async () => {
  const before = [...agent.objects.keys()].sort();
  const { network, outcome } = await createNetwork('web', { ipam: { configs: [{ subnet: '10.9.0.0/24' }] } });
  expect(outcome?.applied).toBe(true);
  const bridge = agent.objects.get(`bridge/br-${network?.id.slice(0, 12)}`)?.spec;
  expect(bridge).toMatchObject({
    $case: 'bridge',
    value: { addresses: ['10.9.0.1/24'], macAddress: '02:42:0a:09:00:01' },
  });
  await plane.networks.removeNetwork({ network: 'web' });
  expect([...agent.objects.keys()].sort()).toEqual(before);
  expect((await plane.ipam.listPools({ owner: `network/${network?.id}` })).pools).toEqual([]);
});

test('a sandbox on two networks has eth0 and eth1, one default route, and files', async () => {
  await createNetwork('n1', { ipam: { configs: [{ subnet: '10.1.0.0/24' }] } });
  await createNetwork('n2', { ipam: { configs: [{ subnet: '10.2.0.0/24' }] } });
  const { sandbox, endpoints, outcome } = await createSandbox('web', 'n1', 'n2');
  expect(outcome?.applied).toBe(true);
  expect(
    endpoints.map((one) => [one.desired?.interfaceName, one.desired?.addresses[0]?.cidr, one.desired?.macAddress]),
  ).toEqual([
    ['eth0', '10.1.0.2/24', '02:42:0a:01:00:02'],
    ['eth1', '10.2.0.2/24', '02:42:0a:02:00:02'],
  ]);
  expect(agent.objects.get(`route/${sandbox?.id}/0.0.0.0/0`)?.spec).toMatchObject({
    value: { gateway: '10.1.0.1', interfaceName: 'eth0' },
  });
  expect(agent.objects.get(`file/${sandbox?.id}/hosts`)?.spec).toMatchObject({
    value: { content: expect.stringContaining('10.2.0.2\t') },
  });
  expect(sandbox?.status?.namespacePath).toBe(`/fake/${sandbox?.id.slice(0, 12)}`);
  await plane.sandboxes.removeSandbox({ sandbox: 'web' });
  expect([...keys('veth/'), ...keys('sandbox/'), ...keys('route/'), ...keys('file/')]).toEqual([]);
  expect(await leases()).toEqual([]);
});

test('CNM\u2019s four verbs: an endpoint keeps its address without a sandbox', async () => {
  await createNetwork('n', { ipam: { configs: [{ subnet: '10.1.0.0/24' }] } });
  await createSandbox('a');
  await createSandbox('b');
  const { endpoint } = await plane.endpoints.createEndpoint({
    network: 'n',
    spec: { name: 'db', ipv4Address: '10.1.0.77' },
  });
  const id = endpoint?.id ?? '';
  expect(keys('veth/')).toEqual([]);
  const joined = await plane.endpoints.joinEndpoint({ endpoint: id, sandbox: 'a' });
  expect([joined.endpoint?.desired?.interfaceName, keys('veth/')]).toEqual(['eth0', [`veth/${id}`]]);
  await expect(plane.endpoints.deleteEndpoint({ endpoint: id })).rejects.toMatchObject({
    reason: Reason.ALREADY_JOINED,
  });
  await expect(plane.endpoints.joinEndpoint({ endpoint: id, sandbox: 'b' })).rejects.toMatchObject({
    reason: Reason.ALREADY_JOINED,
  });
  await plane.endpoints.leaveEndpoint({ endpoint: id });
  expect([keys('veth/'), await leases()]).toEqual([[], ['10.1.0.77/24']]);
  await plane.endpoints.joinEndpoint({ endpoint: id, sandbox: 'b' });
  await plane.endpoints.leaveEndpoint({ endpoint: id });
  await plane.endpoints.deleteEndpoint({ endpoint: id });
  expect(await leases()).toEqual([]);
  expect(await plane.endpoints.deleteEndpoint({ endpoint: id })).toMatchObject({ id });
});

describe('say it twice, it happens once', () => {
  test('the same request id gets the stored outcome, also at the same time', async () => {
    const request = { mutation: { requestId: randomUUID() }, spec: { name: 'web' } };
    const [one, two] = await Promise.all([
      plane.networks.createNetwork(request),
      plane.networks.createNetwork(request),
    ]);
    const three = await plane.networks.createNetwork(request);
    expect([two.network?.id, three.network?.id]).toEqual([one.network?.id, one.network?.id]);
    expect(three.outcome).toMatchObject({ revision: one.outcome?.revision, applied: true });
  });

  test('another request with the same id is refused, another id with the same name too', async () => {
    const mutation = { requestId: randomUUID() };
    await plane.networks.createNetwork({ mutation, spec: { name: 'web' } });
    await expect(plane.networks.createNetwork({ mutation, spec: { name: 'other' } })).rejects.toMatchObject({
      reason: Reason.REQUEST_ID_REUSED,
    });
    await expect(createNetwork('web')).rejects.toMatchObject({
      reason: Reason.NAME_TAKEN,
      kind: { code: Code.ALREADY_EXISTS },
    });
  });

  test('a fault after the commit is the stored outcome', async () => {
    await createNetwork('n');
    await createSandbox('a');
    agent.failing = (object) =>
      object.key.startsWith('veth/')
        ? { reason: Reason.BRIDGE_FULL, message: '[resource exhausted] bridge full', metadata: {} }
        : undefined;
    const request = { mutation: { requestId: randomUUID() }, network: 'n', sandbox: 'a' };
    await expect(plane.endpoints.connect(request)).rejects.toMatchObject({ reason: Reason.BRIDGE_FULL });
    agent.failing = () => undefined;
    await expect(plane.endpoints.connect(request)).rejects.toMatchObject({ reason: Reason.BRIDGE_FULL });
    expect(await leases()).toEqual([]);
  });

  test('64 clients creating one name: one wins', async () => {
    const results = await Promise.allSettled(Array.from({ length: 64 }, () => createNetwork('web')));
    const refused = results.filter((one) => one.status === 'rejected').map((one) => one.reason.reason);
    expect([refused.length, new Set(refused)]).toEqual([63, new Set([Reason.NAME_TAKEN])]);
    expect((await plane.ipam.listPools({})).pools).toHaveLength(2); // bridge's and web's: I10
  });

  test('500 parallel connects: 500 addresses', async () => {
    await createNetwork('n', { ipam: { configs: [{ subnet: '10.1.0.0/16' }] } });
    const names = Array.from({ length: 500 }, (_, index) => `s${index}`);
    const made = await Promise.all(names.map((name) => createSandbox(name, 'n')));
    expect(new Set(made.map((one) => one.endpoints[0]?.desired?.addresses[0]?.cidr)).size).toBe(500);
  });
});

test('an address is not released before its host forgot it (I6)', async () => {
  await createNetwork('n', { ipam: { configs: [{ subnet: '10.1.0.0/24' }] } });
  await createSandbox('a', 'n');
  const release = agent.hold();
  const gone = await plane.endpoints.disconnect({
    network: 'n',
    sandbox: 'a',
    mutation: { wait: { seconds: 0n, nanos: 20_000_000 } },
  });
  expect([gone.outcome?.applied, await leases()]).toEqual([false, ['10.1.0.2/24']]);
  expect((await plane.networks.getNetwork({ network: 'n' })).waitingAddresses).toEqual(['10.1.0.2/24']);
  release();
  await plane.networks.removeNetwork({ network: 'n' });
  expect(await leases()).toEqual([]);
});

test('a connect that meets the removal of its sandbox is refused, and leaves nothing', async () => {
  await createNetwork('n', { ipam: { configs: [{ subnet: '10.1.0.0/24' }] } });
  for (let round = 0; round < 10; round++) {
    await createSandbox('a');
    const [connected] = await Promise.allSettled([
      plane.endpoints.connect({ network: 'n', sandbox: 'a' }),
      plane.sandboxes.removeSandbox({ sandbox: 'a' }),
    ]);
    if (connected.status === 'rejected')
      expect([Reason.BEING_REMOVED, Reason.SANDBOX_NOT_FOUND]).toContain(connected.reason.reason);
    expect([await leases(), keys('veth/')]).toEqual([[], []]);
  }
});

test('released addresses come last', async () => {
  await createNetwork('n', { ipam: { configs: [{ subnet: '10.1.0.0/29' }] } });
  const next = async (name: string) => (await createSandbox(name, 'n')).endpoints[0]?.desired?.addresses[0]?.cidr;
  expect([await next('a'), await next('b')]).toEqual(['10.1.0.2/29', '10.1.0.3/29']);
  await plane.sandboxes.removeSandbox({ sandbox: 'a' });
  expect([await next('c'), await next('d'), await next('e'), await next('f')]).toEqual([
    '10.1.0.4/29',
    '10.1.0.5/29',
    '10.1.0.6/29',
    '10.1.0.2/29',
  ]);
  await expect(createSandbox('g', 'n')).rejects.toMatchObject({ reason: Reason.POOL_EXHAUSTED });
  expect(keys('sandbox/')).toHaveLength(5);
});

test('a first apply that fails takes the network back', async () => {
  agent.failing = (object) =>
    object.key === 'bridge/taken'
      ? { reason: Reason.NOT_A_BRIDGE, message: '[failed precondition] taken is no bridge', metadata: {} }
      : undefined;
  await expect(createNetwork('web', { options: { 'com.docker.network.bridge.name': 'taken' } })).rejects.toMatchObject({
    reason: Reason.NOT_A_BRIDGE,
  });
  expect((await plane.networks.listNetworks({ filters: { type: { values: ['custom'] } } })).networks).toEqual([]);
  expect((await plane.ipam.listPools({})).pools).toHaveLength(1);
});

test('config-only and config-from', async () => {
  await createNetwork('base', {
    configOnly: true,
    ipam: { configs: [{ subnet: '10.7.0.0/24' }] },
    options: { 'com.docker.network.driver.mtu': '1400' },
  });
  const { network } = await createNetwork('real', { configFrom: 'base' });
  expect([network?.desired?.pools[0]?.subnet, network?.desired?.options['com.docker.network.driver.mtu']]).toEqual([
    '10.7.0.0/24',
    '1400',
  ]);
  await expect(plane.networks.removeNetwork({ network: 'base' })).rejects.toMatchObject({ reason: Reason.IN_USE });
  await expect(createSandbox('a', 'base')).rejects.toMatchObject({ reason: Reason.CONFIG_NETWORK });
  await plane.networks.removeNetwork({ network: 'real' });
  await plane.networks.removeNetwork({ network: 'base' });
});

test('prune removes what nothing is attached to', async () => {
  await createNetwork('used');
  await createNetwork('idle', { labels: { env: 'test' } });
  await createNetwork('kept', { labels: { env: 'prod' } });
  await createSandbox('a', 'used');
  const { names } = await plane.networks.pruneNetworks({ filters: { 'label!': { values: ['env=prod'] } } });
  expect(names).toEqual(['idle']);
  const { networks } = await plane.networks.listNetworks({ filters: { type: { values: ['custom'] } } });
  expect(networks.map((one) => one.spec?.name)).toEqual(['kept', 'used']);
});

test('the watch tells everything, then what changes; events tell the same in words', async () => {
  const stop = new AbortController();
  const steps: string[] = [];
  const { revision } = await plane.networks.listNetworks({});
  const told = new Map<string, () => void>();
  const until = (step: string) =>
    new Promise<void>((resolve) => (steps.includes(step) ? resolve() : told.set(step, resolve)));
  const watching = (async () => {
    for await (const { step } of plane.system.watch({ kinds: ['network'] }, { signal: stop.signal })) {
      const name = step?.$case === 'put' ? `put ${nameOf(step.value.object)}` : (step?.$case ?? '');
      steps.push(name);
      told.get(name)?.();
    }
  })().catch(() => undefined);
  await until('synced');
  const { network } = await createNetwork('web');
  await until('put web');
  await plane.networks.removeNetwork({ network: 'web' });
  await until('delete');
  stop.abort();
  await watching;
  expect(steps).toEqual(
    ['put none', 'put host', 'put bridge', 'synced', 'put web', 'synced', 'delete', 'synced'].slice(0, steps.length),
  );

  const { revision: end } = await plane.networks.listNetworks({});
  const events: string[] = [];
  for await (const { event } of plane.system.events({ sinceRevision: revision, untilRevision: end })) {
    if (event?.id === network?.id) events.push(`${event?.kind} ${event?.what} ${event?.attributes['name']}`);
  }
  expect(events).toEqual(['network created web', 'network deleted web']);
});
