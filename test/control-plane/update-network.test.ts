// Changing a network in use: labels, options, the ports that are published differently then, and what a dry run says.
import { randomUUID } from 'node:crypto';
import { type Endpoint, Protocol } from '@weft/proto/model';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';
import { Reason } from '../lib/proto.ts';
import { binding, fixed, publishingDriver } from '../lib/publishing-driver.ts';

let plane: ControlPlane;
let agent: FakeAgent;

beforeEach(async () => {
  plane = await startControlPlane({ bridge: publishingDriver });
  agent = await startFakeAgent(plane.agents, 'h1');
  await plane.controller.predefined;
  const ipam = { configs: [{ subnet: '10.1.0.0/16' }] };
  await plane.networks.createNetwork({
    spec: { name: 'n', ipam, labels: { a: '1', b: '2' }, options: { [fixed]: 'x' } },
  });
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
const update = (request: object, network = 'n') => plane.networks.updateNetwork({ network, ...request });
const held = () => [...agent.objects.keys()].filter((key) => key.startsWith('port/')).sort();
const publishOn = (address: string) => ({ setOptions: { [binding]: address } });
const everything = async () => {
  const { keyValues } = await plane.store.list('');
  return keyValues.map(({ key, modRevision }) => `${key} ${modRevision}`);
};

test('labels and changeable options change, what is not named stays, and an event says so', async () => {
  const { revision } = await plane.networks.listNetworks({});
  const mutation = { requestId: randomUUID() };
  const request = {
    mutation,
    setLabels: { b: '3', c: '4' },
    removeLabels: ['a'],
    setOptions: { [binding]: '127.0.0.1' },
  };
  const { network, outcome } = await update(request);
  expect(network?.spec?.labels).toEqual({ b: '3', c: '4' });
  expect(network?.spec?.options).toEqual({ [fixed]: 'x', [binding]: '127.0.0.1' });
  expect(network?.desired?.options).toMatchObject({
    [binding]: '127.0.0.1',
    'com.docker.network.bridge.enable_icc': 'true',
  });
  expect(outcome?.applied).toBe(true);
  expect((await update(request)).outcome?.revision).toBe(outcome?.revision);
  const after = await update({ removeOptions: [binding] });
  expect([after.network?.spec?.options, after.network?.desired?.options[binding]]).toEqual([
    { [fixed]: 'x' },
    undefined,
  ]);
  const { revision: end } = await plane.networks.listNetworks({});
  const told: string[] = [];
  for await (const { event } of plane.system.events({ sinceRevision: revision, untilRevision: end }))
    told.push(`${event?.kind} ${event?.what}`);
  expect(told).toEqual(['network updated', 'network updated']);
});

test.each<[string, string, object, Reason, string]>([
  ['nothing', 'n', {}, Reason.MISSING_FIELD, 'no label or option'],
  ['a fixed option', 'n', { setOptions: { [fixed]: 'y' } }, Reason.OPTION_FIXED, binding],
  ['the removal of a fixed option', 'n', { removeOptions: [fixed] }, Reason.OPTION_FIXED, fixed],
  [
    'the removal of an unknown option',
    'n',
    { removeOptions: ['com.docker.network.bridge.enable_ic'] },
    Reason.UNKNOWN_OPTION,
    'has no option com.docker.network.bridge.enable_ic',
  ],
  [
    'an unknown option',
    'n',
    { setOptions: { 'com.docker.network.bridge.enable_ic': '1' } },
    Reason.UNKNOWN_OPTION,
    'did you mean',
  ],
  [
    'both at once',
    'n',
    { setLabels: { a: '1' }, removeLabels: ['a'] },
    Reason.CONFLICTING_FIELDS,
    'to be set and to be removed',
  ],
  ['a label of bridge', 'bridge', { setLabels: { a: '1' } }, Reason.PREDEFINED_NETWORK, 'its options can'],
  ['a network that is not there', 'x', { setLabels: { a: '1' } }, Reason.NETWORK_NOT_FOUND, 'network x not found'],
])('%s is refused, and changes nothing', async (_, network, request, reason, says) => {
  const before = await everything();
  const refusal = { reason, message: expect.stringContaining(says) };
  await expect(update(request, network)).rejects.toMatchObject(refusal);
  await expect(update({ ...request, dryRun: true }, network)).rejects.toMatchObject(refusal);
  expect(await everything()).toEqual(before);
});

test('the predefined network bridge takes options', async () => {
  const { network } = await update(publishOn('127.0.0.1'), 'bridge');
  expect(network?.desired?.options[binding]).toBe('127.0.0.1');
});

test('ports that name no address move to the new one, with their numbers', async () => {
  const endpoint = await run('a', [
    tcp(80),
    tcp(81, { hostPort: 8081 }),
    tcp(82, { hostPort: 8082, hostIp: '127.0.0.9' }),
  ]);
  await update(publishOn('127.0.0.1'));
  expect(held()).toEqual(['port/tcp/127.0.0.1/32768', 'port/tcp/127.0.0.1/8081', 'port/tcp/127.0.0.9/8082']);
  await update(publishOn('none'));
  expect(held()).toEqual(['port/tcp/127.0.0.9/8082']);
  await update(publishOn(''));
  const { endpoint: now } = await plane.endpoints.getEndpoint({ endpoint: endpoint.id });
  expect(now?.desired?.ports.map((one) => one.hostPort)).toEqual([expect.any(Number), 8081, 8082]);
  expect(held()).toHaveLength(3);
});

test('one conflict refuses the change as a whole', async () => {
  await plane.networks.createNetwork({ spec: { name: 'm', options: { [binding]: '127.0.0.1' } } });
  await run('a', [tcp(80, { hostPort: 8080 })], 'm');
  await update(publishOn('127.0.0.2'));
  await run('b', [tcp(80, { hostPort: 8080 }), tcp(81)]);
  const before = await everything();
  await expect(update(publishOn('0.0.0.0'))).rejects.toMatchObject({
    reason: Reason.PORT_IN_USE,
    message: expect.stringContaining('held by endpoint a of sandbox a'),
  });
  expect(await everything()).toEqual(before);
});

test('an object that a host does not take: all is as it was', async () => {
  await run('a', [tcp(80, { hostPort: 8080 })]);
  agent.failing = ({ key }) =>
    key === 'port/tcp/127.0.0.1/8080'
      ? { reason: Reason.PORT_IN_USE, message: '[already exists] held', metadata: {} }
      : undefined;
  const request = { mutation: { requestId: randomUUID() }, ...publishOn('127.0.0.1'), setLabels: { c: '1' } };
  await expect(update(request)).rejects.toMatchObject({ reason: Reason.PORT_IN_USE });
  await expect(update(request)).rejects.toMatchObject({ reason: Reason.PORT_IN_USE });
  const { network, faults } = await plane.networks.getNetwork({ network: 'n' });
  expect([network?.spec?.labels, network?.desired?.options[binding], faults]).toEqual([
    { a: '1', b: '2' },
    undefined,
    [],
  ]);
  expect(held()).toEqual(['port/tcp/0.0.0.0/8080']);
});

/** A change that the host does not take, whatever else it asks for. */
const refusedBy = (more: Record<string, string>) => {
  agent.failing = ({ spec }) =>
    spec?.$case === 'bridge' && spec.value.mtu === 1400
      ? { reason: Reason.KERNEL_REFUSED, message: '[internal] no', metadata: {} }
      : undefined;
  return { setOptions: { 'com.docker.network.driver.mtu': '1400', ...more } };
};

test('ports that had no host port meanwhile get back their own', async () => {
  const endpoint = await run('a', [tcp(80, { hostPort: 8080 }), tcp(80, { hostPort: 8081 })]);
  await expect(update(refusedBy({ [binding]: 'none' }))).rejects.toMatchObject({ reason: Reason.KERNEL_REFUSED });
  const { endpoint: now } = await plane.endpoints.getEndpoint({ endpoint: endpoint.id });
  expect(now?.desired?.ports.map((one) => one.hostPort)).toEqual([8080, 8081]);
  expect(held()).toEqual(['port/tcp/0.0.0.0/8080', 'port/tcp/0.0.0.0/8081']);
});

test('a port whose place was taken meanwhile stays where it is, since no port has two holders', async () => {
  await plane.networks.createNetwork({ spec: { name: 'm' } });
  await run('a', [tcp(80, { hostPort: 8080 }), tcp(81, { hostPort: 8081 })]);
  const release = agent.hold();
  const updating = expect(update(refusedBy({ [binding]: '127.0.0.1' }))).rejects.toMatchObject({
    reason: Reason.KERNEL_REFUSED,
  });
  const ports = [tcp(80, { hostPort: 8080, hostIp: '127.0.0.2' })];
  const mutation = { wait: { seconds: 0n, nanos: 20_000_000 } };
  const attachments = [{ network: 'm', spec: { ports } }];
  await vi.waitFor(() => plane.sandboxes.createSandbox({ mutation, spec: { name: 'b' }, attachments }), {
    timeout: 20_000,
  });
  release();
  await updating;
  expect(held()).toEqual(['port/tcp/0.0.0.0/8081', 'port/tcp/127.0.0.1/8080', 'port/tcp/127.0.0.2/8080']);
});

test('a dry run says what would change on which host, and changes nothing', async () => {
  const endpoint = await run('a', [tcp(80, { hostPort: 8080 }), tcp(81, { hostPort: 8081, hostIp: '127.0.0.9' })]);
  const before = await everything();
  const { network, diffs, outcome } = await update({ ...publishOn('127.0.0.1'), dryRun: true });
  const address = endpoint.desired?.addresses[0]?.cidr.split('/')[0];
  expect(diffs).toEqual([
    {
      hostId: agent.hostId,
      host: 'h1',
      lines: [`- port/tcp/0.0.0.0/8080 to=${address}:80`, `+ port/tcp/127.0.0.1/8080 to=${address}:80`],
    },
  ]);
  expect([network?.desired?.options[binding], outcome]).toEqual(['127.0.0.1', undefined]);
  expect(await everything()).toEqual(before);
  expect((await update({ setLabels: { c: '1' }, dryRun: true })).diffs).toEqual([]);
  await update(publishOn('127.0.0.1'));
  expect(held()).toEqual(['port/tcp/127.0.0.1/8080', 'port/tcp/127.0.0.9/8081']);
  expect((await update({ ...publishOn('127.0.0.1'), dryRun: true })).diffs).toEqual([]);
});

test('a change that meets connects: each port is published as the network says in the end', async () => {
  await Promise.all([
    ...Array.from({ length: 20 }, (_, at) => run(`s${at}`, [tcp(80, { hostPort: 8000 + at })])),
    update(publishOn('127.0.0.1')),
  ]);
  expect(held()).toHaveLength(20);
  expect(held().filter((key) => !key.startsWith('port/tcp/127.0.0.1/'))).toEqual([]);
});
