// Whoever waits for a host hears at once when it is lost: what he asked for is accepted, not applied, and why. It is done when the
// host is back, or removed.
import { HostState } from '@weft/proto/model';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';
import { openReplicas, type Replica, type Replicas } from '../lib/replicas.ts';

let all: Replicas;
let plane: Replica;
let h1: FakeAgent;
let h2: FakeAgent;

beforeEach(async () => {
  all = await openReplicas();
  plane = await all.start({ graceMs: 30 });
  h1 = await startFakeAgent(plane.agents, 'h1', { underlayAddress: '192.0.2.1' });
  h2 = await startFakeAgent(plane.agents, 'h2', { underlayAddress: '192.0.2.2' });
  await plane.controller.predefined;
  await plane.networks.createNetwork({ spec: { name: 'n', driver: 'overlay' } });
});
afterEach(async () => {
  await h1.stop();
  await h2.stop();
  await all.stop();
});

const sandbox = (name: string, host: string, networks = ['n']) =>
  plane.sandboxes.createSandbox({ spec: { name, host }, attachments: networks.map((network) => ({ network })) });
const stateOf = async (name: string) =>
  (await plane.system.listHosts({})).hosts.find((one) => one.name === name)?.state;
const lose = async (agent: FakeAgent, name: string, letGo = () => {}) => {
  const leaving = agent.leave();
  letGo();
  await leaving;
  await expect.poll(() => stateOf(name), { timeout: 20_000 }).toBe(HostState.LOST);
};
const isLostNow = {
  applied: false,
  because: 'host h1 is lost: it is done when it is back, or removed with: weft host rm',
};

test('while a sandbox is made', async () => {
  const letGo = h1.hold();
  const making = sandbox('web', 'h1');
  const told = h1.told.length;
  await expect.poll(() => h1.told.length).toBeGreaterThan(told);
  await lose(h1, 'h1', letGo);
  expect((await making).outcome).toMatchObject(isLostNow);
  await h1.go(plane.agents);
  await expect
    .poll(async () => (await plane.sandboxes.getSandbox({ sandbox: 'web' })).sandbox?.status?.appliedRevision, {
      timeout: 20_000,
    })
    .toBeGreaterThan(0n);
});

test('while a sandbox is removed, and of what is asked for then', async () => {
  await sandbox('web', 'h1');
  await sandbox('db', 'h1');
  const letGo = h1.hold();
  const removing = plane.sandboxes.removeSandbox({ sandbox: 'web' });
  const told = h1.told.length;
  await expect.poll(() => h1.told.length).toBeGreaterThan(told);
  await lose(h1, 'h1', letGo);
  expect((await removing).outcome).toMatchObject(isLostNow);
  const left = await plane.endpoints.disconnect({ network: 'n', sandbox: 'db' });
  expect(left.outcome).toMatchObject(isLostNow);
  const back = await plane.endpoints.connect({ network: 'bridge', sandbox: 'db' });
  expect(back.outcome).toMatchObject(isLostNow);
});

test('a network over hosts is removed when those that knew it have forgotten it: others may be lost', async () => {
  await sandbox('web', 'h2');
  await lose(h1, 'h1');
  await plane.sandboxes.removeSandbox({ sandbox: 'web' });
  const { outcome } = await plane.networks.removeNetwork({ network: 'n' });
  expect(outcome).toMatchObject({ applied: true, because: '' });
  expect((await all.ipam.listPools({})).pools.filter((one) => one.owner.startsWith('network/')).length).toBe(1);
});

test('a network that ends at its host is everywhere: the lost one is named, and the network goes when it is removed', async () => {
  await lose(h1, 'h1');
  await plane.networks.createNetwork({ spec: { name: 'local' } });
  const { outcome } = await plane.networks.removeNetwork({ network: 'local' });
  expect(outcome).toMatchObject(isLostNow);
  await plane.system.removeHost({ host: 'h1' });
  await expect
    .poll(async () => (await all.store.list('network/')).keyValues.length, { timeout: 20_000 })
    .toBe((await plane.networks.listNetworks({})).networks.length);
});
