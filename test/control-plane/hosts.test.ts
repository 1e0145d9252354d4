// The life of hosts: drained, lost, back, removed, and back after that; and who is waited for before an address is given out again.
import { bridgeDriver } from '@weft/bridge-driver';
import type { Driver } from '@weft/driver';
import { HostState, Protocol } from '@weft/proto/model';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';
import { Reason } from '../lib/proto.ts';
import { openReplicas, type Replica, type Replicas } from '../lib/replicas.ts';

/** As an overlay: what is on one host is known on the others of the network. */
const spanning: Driver = { ...bridgeDriver, description: { ...bridgeDriver.description, scope: 'global' } };
const options = { graceMs: 30 };
let all: Replicas;
let a: Replica;
let b: Replica;
let h1: FakeAgent;
let h2: FakeAgent;

beforeEach(async () => {
  all = await openReplicas();
  a = await all.start(options, spanning);
  b = await all.start(options, spanning);
  h1 = await startFakeAgent(a.agents, 'h1');
  h2 = await startFakeAgent(b.agents, 'h2');
  await a.networks.createNetwork({ spec: { name: 'n', ipam: { configs: [{ subnet: '10.1.0.0/24' }] } } });
});
afterEach(async () => {
  await h1.stop();
  await h2.stop();
  await all.stop();
});

const sandbox = (replica: Replica, name: string, host: string) =>
  replica.sandboxes.createSandbox({ spec: { name, host }, attachments: [{ network: 'n' }] });
const stateOf = async (replica: Replica, name: string) =>
  (await replica.system.listHosts({})).hosts.find((one) => one.name === name)?.state;
const leases = async () => (await all.ipam.listLeases({ ownerPrefix: 'endpoint/' })).leases.map((one) => one.cidr);
const until = (isSo: () => Promise<boolean>, what: string) =>
  vi.waitFor(async () => expect(await isSo(), what).toBe(true), { timeout: 8_000, interval: 10 });
const isLost = (name: string) => until(async () => (await stateOf(b, name)) === HostState.LOST, `${name} is lost`);

describe('drain', () => {
  test('takes no new sandboxes, until it is undone; what is there stays', async () => {
    await sandbox(a, 'kept', 'h1');
    const { host } = await b.system.drainHost({ host: 'h1' });
    expect([host?.name, host?.state]).toEqual(['h1', HostState.DRAINED]);
    await expect(sandbox(a, 'web', 'h1')).rejects.toMatchObject({
      ...{ reason: Reason.HOST_UNAVAILABLE, metadata: { field: 'host', host: 'h1' } },
      message: expect.stringContaining('weft host drain --undo h1'),
    });
    expect((await a.sandboxes.listSandboxes({})).sandboxes).toHaveLength(1);
    await a.system.drainHost({ host: 'h1', undo: true });
    expect(await stateOf(a, 'h1')).toBe(HostState.JOINED);
    await sandbox(a, 'web', 'h1');
  });

  test('of one that is away is undone to lost', async () => {
    await a.system.drainHost({ host: 'h1' });
    await h1.leave();
    await until(async () => (await a.system.getStatus({})).replicas[0]?.hosts === 0, 'gone');
    await a.system.drainHost({ host: 'h1', undo: true });
    expect(await stateOf(a, 'h1')).toBe(HostState.LOST);
  });

  test.each([
    ['', Reason.MISSING_FIELD],
    ['nowhere', Reason.HOST_NOT_FOUND],
  ])('of %j is refused', async (host, reason) => {
    await expect(a.system.drainHost({ host })).rejects.toMatchObject({ reason });
    await expect(a.system.removeHost({ host })).rejects.toMatchObject({ reason });
  });
});

describe('remove', () => {
  test('is refused while its agent is connected, at any replica', async () => {
    await until(async () => (await b.system.getStatus({})).replicas[0]?.hosts === 1, 'alive');
    await expect(b.system.removeHost({ host: 'h1' })).rejects.toMatchObject({
      ...{ reason: Reason.IN_USE, metadata: { field: 'force', host: 'h1' } },
      message: expect.stringContaining('--force'),
    });
    expect(await stateOf(b, 'h1')).toBe(HostState.JOINED);
  });

  test('takes with it what was there, and holds up nobody', async () => {
    const { endpoints } = await sandbox(a, 'web', 'h1');
    const ports = { add: [{ protocol: Protocol.TCP, port: 80, hostPort: 8080 }] };
    await a.endpoints.updatePorts({ endpoint: endpoints[0]?.id ?? '', ...ports });
    await a.services.createService({
      network: 'n',
      spec: { name: 'shop', ports: [{ protocol: Protocol.TCP, port: 80, hostPort: 9090 }] },
    });
    await h1.leave();
    await isLost('h1');
    // Withdrawn while its host is away: it waits for that, and no longer when it is removed.
    const waiting = a.sandboxes.removeSandbox({ sandbox: 'web' });
    await b.system.removeHost({ host: 'h1' });
    await waiting;
    expect(await stateOf(a, 'h1')).toBeUndefined();
    await until(async () => (await leases()).length === 0, 'released');
    expect((await a.sandboxes.listSandboxes({})).sandboxes).toEqual([]);
    const { service } = await b.services.getService({ service: 'shop' });
    expect(service?.desired?.hostIds).toEqual([h2.hostId]);
    const keys = (await all.store.list('')).keyValues.map(({ key }) => key);
    // That its certificates count no more outlasts it.
    const left = keys.filter((key) => key.includes(h1.hostId) || key.endsWith('/h1'));
    expect(left).toEqual([`identity/revoked/${h1.hostId}`]);
  });

  test('one that comes back begins anew and keeps nothing', async () => {
    await sandbox(a, 'web', 'h1');
    await h1.leave();
    await isLost('h1');
    await b.system.removeHost({ host: 'h1' });
    const resets = h1.resets;
    await h1.go(b.agents);
    await until(async () => h1.resets === resets + 1 && (await stateOf(a, 'h1')) === HostState.JOINED, 'anew');
    await until(async () => [...h1.objects.keys()].every((key) => !key.startsWith('veth/')), 'nothing is kept');
    expect((await sandbox(a, 'web', 'h1')).outcome?.applied).toBe(true);
  });

  test('by force: its agent is turned away, and joins as a new host', async () => {
    await sandbox(a, 'web', 'h1');
    const resets = h1.resets;
    await b.system.removeHost({ host: 'h1', force: true });
    await h1.leave();
    await h1.go(a.agents);
    await until(async () => h1.resets === resets + 1, 'anew');
    expect((await a.sandboxes.listSandboxes({})).sandboxes).toEqual([]);
  });

  test('is finished by another replica when the one that began it is gone', async () => {
    await sandbox(a, 'web', 'h1');
    await h1.leave();
    await isLost('h1');
    const of = (ops: readonly object[]) => ops.some((op) => 'put' in op && op.put === `host/${h1.hostId}`);
    const stopped = a.pauseAt({ call: 'transact', when: 'after', of });
    a.system.removeHost({ host: 'h1' }).catch(() => undefined);
    await stopped;
    await a.expire();
    await until(async () => (await stateOf(b, 'h1')) === undefined, 'removed');
    await until(async () => (await leases()).length === 0, 'released');
    a.goOn();
  });
});

test('what is on a lost host is marked, and is not when it is back', async () => {
  await sandbox(a, 'web', 'h1');
  const marks = async () => {
    const { sandbox: web, endpoints } = await b.sandboxes.getSandbox({ sandbox: 'web' });
    return [web?.status?.hostLost, endpoints[0]?.endpoint?.status?.hostLost];
  };
  expect(await marks()).toEqual([false, false]);
  await h1.leave();
  await isLost('h1');
  expect(await marks()).toEqual([true, true]);
  await h1.go(b.agents);
  await until(async () => (await stateOf(b, 'h1')) === HostState.JOINED, 'back');
  expect([await marks(), await leases()]).toEqual([[false, false], ['10.1.0.2/24']]);
});

describe('I6 on a network that spans hosts', () => {
  test('an address is free when all hosts that knew it forgot it; who removes it waits for its own host alone', async () => {
    await sandbox(a, 'one', 'h1');
    await sandbox(a, 'two', 'h2');
    const goOn = h2.hold();
    const { outcome } = await a.sandboxes.removeSandbox({ sandbox: 'one' });
    expect([outcome?.applied, await leases()]).toEqual([true, ['10.1.0.2/24', '10.1.0.3/24']]);
    expect((await a.networks.getNetwork({ network: 'n' })).waitingAddresses).toEqual(['10.1.0.2/24']);
    goOn();
    await until(async () => (await leases()).join() === '10.1.0.3/24', 'released');
  });

  test('a lost host holds up what it knew until it is removed or back', async () => {
    await sandbox(a, 'one', 'h1');
    await sandbox(a, 'two', 'h2');
    await h2.leave();
    await isLost('h2');
    await a.sandboxes.removeSandbox({ sandbox: 'one' });
    expect(await leases()).toEqual(['10.1.0.2/24', '10.1.0.3/24']);
    await a.system.removeHost({ host: 'h2' });
    await until(async () => (await leases()).length === 0, 'released');
  });
});
