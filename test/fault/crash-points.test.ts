// The record-first protocol and the two-step deletion: a crash at each named point of each action, then a new start.
// Afterwards nothing is half made or half gone, no lease is without its record (I2), and the action can be said again.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Protocol } from '@weft/proto/model';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { startFakeAgent } from '../lib/fake-agent.ts';
import { binding, publishingDriver } from '../lib/publishing-driver.ts';

const web = { protocol: Protocol.TCP, port: 80, hostPort: 8080 };
const child = new URL('./crash-points-child.ts', import.meta.url).pathname;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-crash-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function run(action: string, crashAt?: string) {
  const env = { ...process.env, WEFT_LOG: 'silent', ...(crashAt === undefined ? {} : { WEFT_CRASH_AT: crashAt }) };
  const { signal, stdout, stderr } = spawnSync(process.execPath, [child, directory, action], { env, encoding: 'utf8' });
  return { signal, stdout, stderr };
}

/** Starts anew on the same stores, waits until everything left over is finished, and hands the plane over. */
async function afterRestart<T>(look: (plane: ControlPlane) => Promise<T>): Promise<T> {
  const plane = await startControlPlane({ directory, bridge: publishingDriver });
  const agent = await startFakeAgent(plane.agents, 'h1');
  await plane.controller.predefined;
  // Deletions that a crash left go on in the background: they are over when the store holds no such record.
  await settled(plane);
  const result = await look(plane);
  await agent.stop();
  await plane.stop();
  return result;
}

async function settled(plane: ControlPlane): Promise<void> {
  const stop = new AbortController();
  const isSettled = async () => (await records(plane)).every((one) => one.phase === 2);
  if (await isSettled()) return;
  for await (const _ of plane.store.watch('', await plane.store.revision(), stop.signal))
    if (await isSettled()) return stop.abort();
}

async function records(plane: ControlPlane) {
  const { Endpoint, Network, Sandbox, Service } = await import('@weft/proto/model');
  const codecs = { 'network/': Network, 'endpoint/': Endpoint, 'sandbox/': Sandbox, 'service/': Service };
  const found: { key: string; phase: number | undefined }[] = [];
  for (const [prefix, codec] of Object.entries(codecs)) {
    for (const { key, value } of (await plane.store.list(prefix)).keyValues)
      found.push({ key, phase: codec.decode(value).desired?.phase });
  }
  return found;
}

async function check(plane: ControlPlane): Promise<void> {
  const keys = new Set((await records(plane)).map((one) => one.key));
  // They are released behind the start.
  const withoutRecord = (all: readonly { owner: string }[]) => all.filter(({ owner }) => !keys.has(owner));
  await expect
    .poll(async () => withoutRecord((await plane.ipam.listLeases({ ownerPrefix: '' })).leases), {
      message: 'I2: leases',
    })
    .toEqual([]);
  await expect
    .poll(async () => withoutRecord((await plane.ipam.listPools({})).pools), { message: 'I2: pools' })
    .toEqual([]);
  const { leases } = await plane.ipam.listLeases({ ownerPrefix: '' });
  expect(new Set(leases.map((lease) => lease.cidr)).size, 'I1').toBe(leases.length);
  const names = (await plane.store.list('name/')).keyValues;
  const { services } = await plane.services.listServices({});
  const aliases = services.reduce((count, { spec }) => count + (spec?.aliases.length ?? 0), 0);
  expect(names).toHaveLength(keys.size + aliases);
}

const making = ['after-record', 'after-lease', 'after-commit'];
const removing = ['after-withdrawal', 'before-release', 'after-release'];
const cases = [
  ...['create network', 'connect', 'create sandbox', 'create service'].flatMap((action) =>
    making.map((point) => [action, point] as const),
  ),
  ...['update ports', 'update network', 'update service'].map((action) => [action, 'after-commit'] as const),
  ...['disconnect', 'remove sandbox', 'remove service'].flatMap((action) =>
    removing.map((point) => [action, point] as const),
  ),
];

test.each(cases)('%s, killed %s', async (action, point) => {
  expect(run('prepare').stdout).toBe('done\n');
  const { signal, stdout, stderr } = run(action, point);
  expect([signal, stdout], stderr).toEqual(['SIGKILL', '']);

  const isCommitted = point === 'after-commit' || removing.includes(point);
  await afterRestart(async (plane) => {
    await check(plane);
    const networks = (await plane.networks.listNetworks({})).networks.map((one) => one.spec?.name);
    const sandboxes = (await plane.sandboxes.listSandboxes({})).sandboxes.map((one) => one.sandbox?.spec?.name);
    const endpoints = (await plane.endpoints.listEndpoints({ network: 'n' })).endpoints.map((one) => one.spec?.name);
    if (action === 'create network') expect(networks.includes('web')).toBe(isCommitted);
    if (action === 'create sandbox') expect(sandboxes.includes('web')).toBe(isCommitted);
    if (action === 'connect') expect(endpoints.includes('a')).toBe(isCommitted);
    if (action === 'remove sandbox') expect([sandboxes, endpoints]).toEqual([['a'], []]);
    if (action === 'disconnect') expect(endpoints).toEqual([]);

    // The retry with the same request id: the stored outcome if it was committed, a new one if not; never twice.
    if (action === 'connect') {
      const request = { network: 'n', sandbox: 'a', spec: { ports: [web] }, mutation: { requestId: 'r1' } };
      const { endpoint } = await plane.endpoints.connect(request);
      const { endpoints: now } = await plane.endpoints.listEndpoints({ network: 'n', sandbox: '' });
      expect(now.filter((one) => one.spec?.name === 'a').map((one) => one.id)).toEqual([endpoint?.id]);
    }
    if (action === 'update ports') {
      const { endpoints: now } = await plane.endpoints.listEndpoints({ network: 'n' });
      const request = { endpoint: now[0]?.id ?? '', add: [web], mutation: { requestId: 'r1' } };
      const { endpoint } = await plane.endpoints.updatePorts(request);
      expect([endpoint?.desired?.ports.length, now[0]?.desired?.ports.length]).toEqual([1, 1]);
    }
    if (action.endsWith(' service')) await checkServices(plane, action, isCommitted);
    if (action === 'update network') {
      const { network } = await plane.networks.getNetwork({ network: 'n' });
      expect(network?.desired?.options[binding]).toBe('127.0.0.1');
    }
    await check(plane);
  });
});

async function checkServices(plane: ControlPlane, action: string, isCommitted: boolean): Promise<void> {
  const named = async () => (await plane.services.listServices({})).services.map(({ spec }) => spec?.name);
  if (action === 'remove service') expect(await named()).toEqual([]);
  if (action === 'create service') {
    expect((await named()).includes('shop')).toBe(isCommitted);
    const spec = { name: 'shop', backends: [{ sandbox: 'kept' }], ports: [web] };
    const request = { network: 'n', spec, mutation: { requestId: 'r1' } };
    const { service } = await plane.services.createService(request);
    expect((await plane.services.getService({ service: 'shop' })).service?.id).toBe(service?.id);
    expect(service?.desired?.ports.map(({ hostPort }) => hostPort)).toEqual([8080]);
  }
  if (action === 'update service') {
    await plane.services.updateService({ service: 'old', drain: ['kept'], mutation: { requestId: 'r1' } });
    expect((await plane.services.getService({ service: 'old' })).service?.spec?.draining).toEqual(['kept']);
  }
}
