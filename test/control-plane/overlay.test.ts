// Networks over several hosts: who is told what, which numbers they have, and what a change reaches.
import { HostState } from '@weft/proto/model';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';
import { Reason } from '../lib/proto.ts';

let plane: ControlPlane;
let agents: FakeAgent[];

const join = async (at: number, underlayAddress = `192.0.2.${at}`) => {
  const agent = await startFakeAgent(plane.agents, `h${at}`, { underlayAddress });
  agents.push(agent);
  return agent;
};
beforeEach(async () => {
  plane = await startControlPlane();
  agents = [];
  for (const at of [1, 2, 3]) await join(at);
  await plane.controller.predefined;
});
afterEach(async () => {
  for (const agent of agents) await agent.stop();
  await plane.stop();
});

const network = async (name: string, options: Record<string, string> = {}) =>
  (await plane.networks.createNetwork({ spec: { name, driver: 'overlay', options } })).network;
const sandbox = (name: string, at: number, ...networks: string[]) =>
  plane.sandboxes.createSandbox({
    spec: { name, host: `h${at}` },
    attachments: networks.map((one) => ({ network: one })),
  });
const kinds = (at: number, lead: RegExp) =>
  [...(agents[at - 1]?.objects.keys() ?? [])].filter((key) => lead.test(key)).sort();
const OVER = /^(vxlan|neighbour|bridge\/br-|names)/;
const vnis = async () =>
  (await plane.ipam.listNumbers({ ownerPrefix: '', range: 'vni' })).numbers.map((one) => one.number);
const vni = 'com.docker.network.driver.overlay.vxlanid_list';

test('only hosts with endpoints know a network, from the first endpoint to the last', async () => {
  const made = await network('mesh');
  const short = made?.id.slice(0, 12);
  expect(made?.desired).toMatchObject({ scope: 'global', numbers: { vni: 4096n } });
  expect([1, 2, 3].map((at) => kinds(at, OVER))).toEqual([[], [], []]);
  await sandbox('a', 1, 'mesh');
  await sandbox('b', 2, 'mesh');
  await expect.poll(() => kinds(1, /^neighbour/)).toEqual([`neighbour/vx-${short}/02:42:0a:00:00:03`]);
  expect(kinds(2, /^(vxlan|bridge.br-|neighbour)/)).toEqual([
    `bridge/br-${short}`,
    `neighbour/vx-${short}/02:42:0a:00:00:02`,
    `vxlan/vx-${short}`,
  ]);
  expect(kinds(3, OVER)).toEqual([]);
  const neighbour = agents[0]?.objects.get(`neighbour/vx-${short}/02:42:0a:00:00:03`)?.spec;
  expect(neighbour?.value).toMatchObject({ remote: '192.0.2.2', addresses: ['10.0.0.3'] });
  await plane.sandboxes.removeSandbox({ sandbox: 'b' });
  await expect.poll(() => kinds(2, OVER)).toEqual([]);
  await expect.poll(() => kinds(1, /^neighbour/)).toEqual([]);
});

test('an endpoint of one network touches no host of another', async () => {
  await network('mesh');
  await network('other');
  await sandbox('a', 1, 'mesh');
  await sandbox('c', 3, 'other');
  const release = agents[2]?.hold();
  const { outcome } = await sandbox('b', 2, 'mesh');
  // Had the third host been told anything, it would not have said so yet.
  expect(outcome?.applied).toBe(true);
  expect(kinds(3, /^neighbour/)).toEqual([]);
  release?.();
});

test('VNIs: the lowest that is free, the one asked for, and given back with the network', async () => {
  await network('n1');
  await network('n2', { [vni]: '77' });
  expect(await vnis()).toEqual([77n, 4096n]);
  await expect(network('n3', { [vni]: '4096' })).rejects.toMatchObject({
    reason: Reason.IN_USE,
    message: expect.stringContaining("vni 4096 is network n1's"),
    metadata: expect.objectContaining({ field: 'options' }),
  });
  // Refused, and nothing is left of it.
  expect(await vnis()).toEqual([77n, 4096n]);
  const { pools } = await plane.ipam.listPools({});
  expect(pools.filter(({ owner }) => owner.startsWith('network/')).length).toBe(3);
  await plane.networks.removeNetwork({ network: 'n1' });
  expect(await vnis()).toEqual([77n]);
});

test('a host without an address for others is refused when its first sandbox comes, and nothing is left', async () => {
  await join(4, '');
  await network('mesh');
  await expect(sandbox('d', 4, 'mesh')).rejects.toMatchObject({ reason: Reason.UNDERLAY_MISSING });
  expect(kinds(4, OVER)).toEqual([]);
  // Other hosts of the network forget it behind the answer.
  await expect.poll(async () => (await plane.ipam.listLeases({ ownerPrefix: 'endpoint/' })).leases).toEqual([]);
  expect((await plane.sandboxes.listSandboxes({})).sandboxes).toEqual([]);
});

test('a host that is reached elsewhere from now on: the others are told', async () => {
  await network('mesh');
  await sandbox('a', 1, 'mesh');
  await sandbox('b', 2, 'mesh');
  const { hostId = '' } = agents[1] ?? {};
  await plane.agents.register({ hostId, name: 'h2', facts: { underlayAddress: '192.0.2.22' } });
  const remote = () => {
    const [key = ''] = kinds(1, /^neighbour/);
    const spec = agents[0]?.objects.get(key)?.spec;
    return spec?.$case === 'neighbour' ? spec.value.remote : '';
  };
  await expect.poll(remote).toBe('192.0.2.22');
});

test('I6: an address is free when every host that knew it has forgotten it', async () => {
  await network('mesh');
  await sandbox('a', 1, 'mesh');
  const { endpoints } = await sandbox('b', 2, 'mesh');
  await expect.poll(() => kinds(1, /^neighbour/).length).toBe(1);
  const release = agents[0]?.hold();
  const removing = plane.sandboxes.removeSandbox({ sandbox: 'b' });
  await expect.poll(() => kinds(2, OVER)).toEqual([]);
  const owner = `endpoint/${endpoints[0]?.id}`;
  const leases = async () => (await plane.ipam.listLeases({ ownerPrefix: owner })).leases.length;
  expect(await leases()).toBe(1);
  release?.();
  await removing;
  await expect.poll(leases).toBe(0);
});

test('explain tells the way over two hosts', async () => {
  await network('mesh');
  await network('closed', { 'com.docker.network.bridge.enable_icc': 'false' });
  await sandbox('a', 1, 'mesh');
  await sandbox('b', 2, 'mesh');
  await sandbox('c', 1, 'closed');
  await sandbox('d', 2, 'closed');
  await expect.poll(() => kinds(1, /^neighbour/).length).toBe(1);
  const open = await plane.system.explain({ from: 'a', to: 'b' });
  expect([open.reaches, open.because]).toEqual([true, 'a and b are on network mesh, which reaches over their hosts']);
  expect(open.steps.map(({ place }) => place)).toEqual(['sandbox a', 'host h1', 'host h2']);
  expect(await plane.system.explain({ from: 'c', to: 'd' })).toMatchObject({ reaches: false });
});

test('a lost host holds up the lease of what it knew, and not whoever removes it', async () => {
  await network('mesh');
  const { endpoints } = await sandbox('a', 1, 'mesh');
  await sandbox('b', 2, 'mesh');
  await agents.splice(1, 1)[0]?.stop();
  const states = async () => (await plane.system.listHosts({})).hosts.map((host) => host.state);
  await expect.poll(states, { timeout: 20_000 }).toContain(HostState.LOST);
  const { outcome } = await plane.sandboxes.removeSandbox({ sandbox: 'a' });
  expect(outcome?.applied).toBe(true);
  expect(kinds(1, OVER)).toEqual([]);
  const owner = `endpoint/${endpoints[0]?.id}`;
  const leases = async () => (await plane.ipam.listLeases({ ownerPrefix: owner })).leases.length;
  expect(await leases()).toBe(1);
  agents.push(await startFakeAgent(plane.agents, 'h2', { underlayAddress: '192.0.2.2' }));
  await expect.poll(leases).toBe(0);
});
