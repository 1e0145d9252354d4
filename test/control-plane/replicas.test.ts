// Several controllers on one store: each request is done once, by one of them, and what one of them leaves is finished by another,
// also when the one that was thought gone wakes up and goes on. Agents go from one to another and miss nothing.
import { randomUUID } from 'node:crypto';
import { StoredOutcome } from '@weft/proto/controller';
import { Endpoint, Phase } from '@weft/proto/model';
import type { Op } from '@weft/store';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';
import { Reason } from '../lib/proto.ts';
import { type Instant, openReplicas, type Replica, type Replicas } from '../lib/replicas.ts';

let all: Replicas;
let a: Replica;
let b: Replica;
let agents: FakeAgent[];

beforeEach(async () => {
  all = await openReplicas();
  a = await all.start({ address: 'http://10.0.0.1:7420' });
  b = await all.start({ address: 'http://10.0.0.2:7420' });
  agents = [];
});
afterEach(async () => {
  for (const agent of agents) await agent.stop();
  await all.stop();
});

async function host(replica: Replica, name: string): Promise<FakeAgent> {
  const agent = await startFakeAgent(replica.agents, name);
  agents.push(agent);
  return agent;
}

const until = (isSo: () => Promise<boolean> | boolean, what: string) =>
  vi.waitFor(async () => expect(await isSo(), what).toBe(true), { timeout: 8_000, interval: 10 });
const subnet = { ipam: { configs: [{ subnet: '10.1.0.0/24' }] } };
/** After a host has joined. A pause that is waited for must not hit the making of the predefined networks. */
const network = async (replica: Replica, name = 'n') => {
  await Promise.all([a, b].map((one) => one.controller.predefined));
  return await replica.networks.createNetwork({ spec: { name, ...subnet } });
};
const sandbox = (replica: Replica, name: string, on = 'h1', more: object = {}) =>
  replica.sandboxes.createSandbox({ spec: { name, host: on }, attachments: [{ network: 'n' }], ...more });
const owners = async () => (await all.ipam.listLeases({ ownerPrefix: 'endpoint/' })).leases.map((one) => one.owner);
const puts = (lead: string) => (ops: readonly Op[]) => ops.some((op) => 'put' in op && op.put.startsWith(lead));
const hostOf = async (replica: Replica, name: string) =>
  (await replica.system.listHosts({})).hosts.find((one) => one.name === name);

/** I1, I2 and I10: nothing half made, no address twice, no lease without its record, no name of nothing. */
async function whole(): Promise<void> {
  const { keyValues } = await all.store.list('');
  const keys = new Set(keyValues.map(({ key }) => key));
  const { leases } = await all.ipam.listLeases({ ownerPrefix: '' });
  expect(
    leases.filter(({ owner }) => !keys.has(owner)),
    'I2',
  ).toEqual([]);
  expect(new Set(leases.map(({ cidr }) => cidr)).size, 'I1').toBe(leases.length);
  const endpoints = keyValues
    .filter(({ key }) => key.startsWith('endpoint/'))
    .map(({ value }) => Endpoint.decode(value));
  expect(
    endpoints.filter(({ desired }) => desired?.phase !== Phase.READY),
    'I10',
  ).toEqual([]);
  for (const { id, desired } of endpoints)
    if (desired?.addresses.length)
      expect(
        leases.map(({ owner }) => owner),
        'leased',
      ).toContain(`endpoint/${id}`);
  const named = keyValues
    .filter(({ key }) => key.startsWith('name/'))
    .map(({ value }) => Buffer.from(value).toString());
  for (const id of named)
    expect(
      ['network/', 'endpoint/', 'sandbox/', 'service/'].some((lead) => keys.has(`${lead}${id}`)),
      id,
    ).toBe(true);
  const outcomes = keyValues.filter(({ key }) => key.startsWith('request/'));
  expect(
    outcomes.map(({ value }) => StoredOutcome.decode(value).replica).filter((id) => id !== ''),
    'under way',
  ).toEqual([]);
}

test('what is made at one is seen at the other, with the status its host reported to the first', async () => {
  const h1 = await host(a, 'h1');
  await network(b);
  const made = await sandbox(b, 'web');
  expect(made.outcome?.applied).toBe(true);
  expect(made.sandbox?.status?.namespacePath).toMatch(/^\/fake\//);
  expect([...h1.objects.keys()].filter((key) => key.startsWith('veth/'))).toHaveLength(1);
  const { outcome } = await b.sandboxes.removeSandbox({ sandbox: 'web' });
  expect([outcome?.applied, await owners()]).toEqual([true, []]);
  await whole();
});

test('a failure that a host reports at one is the fault of the request at the other, which is taken back', async () => {
  const h1 = await host(a, 'h1');
  await network(b);
  const why = { reason: Reason.KERNEL_REFUSED, message: 'EBUSY', metadata: {} };
  h1.failing = ({ key }) => (key.startsWith('veth/') ? why : undefined);
  await expect(sandbox(b, 'web')).rejects.toMatchObject({ reason: Reason.KERNEL_REFUSED });
  await until(async () => (await owners()).length === 0, 'released');
  await whole();
});

test('status names the replicas, and which hosts are connected where; an agent hears of those that come and go', async () => {
  const h1 = await host(a, 'h1');
  await until(async () => (await b.system.getStatus({})).replicas[0]?.hosts === 1, 'alive');
  const { replicas } = await b.system.getStatus({});
  expect(replicas.map(({ address, hosts, self }) => [address, hosts, self])).toEqual([
    ['http://10.0.0.1:7420', 1, false],
    ['http://10.0.0.2:7420', 0, true],
  ]);
  expect(h1.controllers).toEqual(['http://10.0.0.1:7420', 'http://10.0.0.2:7420']);
  await b.expire();
  await until(() => h1.controllers.length === 1, 'one left');
  await until(() => h1.controllers.length === 2, 'it registers again');
});

describe('a request id at both', () => {
  test('at the same time: it happens once, and both get the outcome', async () => {
    await host(a, 'h1');
    await network(a);
    const mutation = { requestId: randomUUID() };
    const both = await Promise.all([a, b, a, b].map((one) => sandbox(one, 'web', 'h1', { mutation })));
    expect(new Set(both.map((one) => one.sandbox?.id)).size).toBe(1);
    const reused = { reason: Reason.REQUEST_ID_REUSED };
    await expect(sandbox(b, 'other', 'h1', { mutation })).rejects.toMatchObject(reused);
    await whole();
  });

  test('one that was refused leaves no trace of its id', async () => {
    await host(a, 'h1');
    const mutation = { requestId: 'r1' };
    await expect(sandbox(a, 'web', 'h1', { mutation })).rejects.toMatchObject({ reason: Reason.NETWORK_NOT_FOUND });
    expect((await all.store.list('request/')).keyValues).toEqual([]);
    await network(b);
    expect((await sandbox(b, 'web', 'h1', { mutation })).sandbox?.id).toMatch(/^[0-9a-f]{64}$/);
    await whole();
  });
});

const instants: [string, Instant][] = [
  ['the record', { call: 'lease', when: 'before' }],
  ['the lease', { call: 'lease', when: 'after' }],
  [
    'the commit',
    { call: 'transact', when: 'after', of: (ops) => puts('links/sandbox/')(ops) && puts('request/')(ops) },
  ],
];

describe.each(instants)('one that stops after %s', (point, instant) => {
  const isCommitted = point === 'the commit';

  test('is taken over; the request said again elsewhere happens once; it wakes and changes nothing', async () => {
    await host(b, 'h1');
    await network(b);
    const mutation = { requestId: 'r1' };
    const stopped = a.pauseAt(instant);
    const first = sandbox(a, 'web', 'h1', { mutation }).then(
      (made) => made.sandbox?.id,
      (error: unknown) => error,
    );
    await stopped;
    await a.expire();
    const again = await sandbox(b, 'web', 'h1', { mutation });
    a.goOn();
    // Whatever it answers, it is no second sandbox.
    const answer = await first;
    if (isCommitted) expect(answer).toBe(again.sandbox?.id);
    expect((await b.sandboxes.listSandboxes({})).sandboxes).toHaveLength(1);
    await until(async () => (await owners()).length === 1, 'its own lease is taken back');
    await whole();
  });

  test('without a retry leaves nothing half made', async () => {
    await host(b, 'h1');
    await network(b);
    const stopped = a.pauseAt(instant);
    const first = sandbox(a, 'web', 'h1', { mutation: { requestId: 'r1' } }).catch(() => undefined);
    await stopped;
    await a.expire();
    const count = async () => (await all.store.list('endpoint/')).keyValues.length;
    await until(async () => (await count()) === (isCommitted ? 1 : 0), 'undone');
    await until(async () => (await owners()).length === (isCommitted ? 1 : 0), 'released');
    a.goOn();
    await until(async () => (await a.system.getStatus({})).replicas.length === 2, 'back');
    // It may find that another one took the request back, or that it has to begin anew, and do so.
    const made = await first;
    await until(async () => (await owners()).length === (isCommitted || made !== undefined ? 1 : 0), 'released');
    await whole();
  });
});

describe.each<[string, Instant]>([
  ['the withdrawal', { call: 'transact', when: 'after', of: puts('sandbox/') }],
  ['hosts forgot', { call: 'release', when: 'before' }],
  ['the release', { call: 'release', when: 'after' }],
])('one that stops after %s', (_, instant) => {
  test('its removal is finished by the other, and its address is not taken back from its next owner', async () => {
    await host(b, 'h1');
    await network(b);
    await sandbox(b, 'web');
    const stopped = a.pauseAt(instant);
    const removal = a.sandboxes.removeSandbox({ sandbox: 'web' });
    await stopped;
    await a.expire();
    await until(async () => (await all.store.list('sandbox/')).keyValues.length === 0, 'finished');
    const { endpoints } = await sandbox(b, 'next');
    a.goOn();
    await until(async () => (await a.system.getStatus({})).replicas.length === 2, 'back');
    await removal;
    await until(async () => (await a.sandboxes.listSandboxes({})).sandboxes.length === 1, 'it sees what the other did');
    expect(await owners()).toEqual([`endpoint/${endpoints[0]?.id}`]);
    await whole();
  });
});

describe('agents', () => {
  test('go to another and are told what came after, not all', async () => {
    const h1 = await host(a, 'h1');
    await network(a);
    await sandbox(a, 'one');
    await until(async () => (await b.system.getStatus({})).replicas[0]?.hosts === 1, 'alive');
    await h1.leave();
    const resets = h1.resets;
    await sandbox(a, 'two', 'h1', { mutation: { wait: { seconds: 0n, nanos: 0 } } });
    await h1.go(b.agents);
    const veths = () => [...h1.objects.keys()].filter((key) => key.startsWith('veth/')).length;
    await until(() => veths() === 2, 'told');
    expect(h1.resets).toBe(resets);
    expect(h1.told).toEqual([...h1.told].sort((x, y) => Number(x - y)));
    expect((await sandbox(a, 'three')).outcome?.applied).toBe(true);
    await whole();
  });

  test('are told by one that lags only when it has come as far as they have (I5)', async () => {
    const h1 = await host(a, 'h1');
    await network(a);
    await sandbox(a, 'one');
    const goOn = b.pause();
    await sandbox(a, 'two');
    await h1.leave();
    const going = h1.go(b.agents);
    goOn();
    await going;
    await sandbox(b, 'three');
    expect(h1.told).toEqual([...h1.told].sort((x, y) => Number(x - y)));
    expect([...h1.objects.keys()].filter((key) => key.startsWith('veth/'))).toHaveLength(3);
  });

  test('that are connected to one that is not heard of are lost no longer than that', async () => {
    const hurried = await all.start({ graceMs: 20 });
    const h1 = await host(a, 'h1');
    await until(async () => (await hurried.system.getStatus({})).replicas[0]?.hosts === 1, 'alive');
    const goOn = a.pause();
    await a.expire();
    await until(async () => (await hostOf(hurried, 'h1'))?.state === 2, 'lost');
    goOn();
    await until(async () => (await hostOf(hurried, 'h1'))?.state === 1, 'back');
    expect(h1.resets).toBe(1);
  });
});
