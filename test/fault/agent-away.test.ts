// Every service a process of its own. With the controller killed the agent goes on repairing and packets flow (I7); with the
// agent killed the kernel goes on forwarding; when they are back everything is in step, and what was repaired is told.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertInvariants } from '../invariants/check.ts';
import { type Clients, type Host, makeHost, type Running, root } from '../lib/host.ts';
import { type Ping, startPing } from '../lib/ping.ts';

let host: Host;
let api: Clients;
let controller: Running;
let agent: Running;
let ping: Ping;
let bridge: string;

const at = (name: string) => `unix://${host.runDir}/${name}.sock`;
const service = (name: string, ...flags: string[]) =>
  host.start(process.execPath, [join(root, `dist/${name}.mjs`), ...flags], '"serving"');
const drivers = ['bridge-driver', 'null-driver', 'host-driver'];
const startController = () =>
  service(
    'network-controller',
    ...['--listen', at('weft'), '--data-dir', host.dataDir, '--ipam', at('ipam')],
    ...drivers.flatMap((name) => ['--driver', at(name)]),
    ...['--discovery', at('discovery')],
  );
const startAgent = () =>
  service(
    'agent',
    ...['--controller', at('weft'), '--data-dir', host.dataDir, '--run-dir', host.runDir, '--name', host.name],
  );
const check = () => assertInvariants({ runDir: host.runDir, dataDir: host.dataDir, netns: host.netns });

beforeAll(async () => {
  host = makeHost();
  await Promise.all([
    service('ipam', '--listen', at('ipam'), '--data-dir', host.dataDir),
    ...[...drivers, 'discovery'].map((name) => service(name, '--listen', at(name))),
  ]);
  controller = await startController();
  agent = await startAgent();
  api = host.clients();
  for (const name of ['web', 'still']) await api.networks.createNetwork({ spec: { name } });
  const [a, b] = await Promise.all(
    ['a', 'b'].map((name) =>
      api.sandboxes.createSandbox({ spec: { name }, attachments: [{ network: 'still' }, { network: 'web' }] }),
    ),
  );
  const { network } = await api.networks.getNetwork({ network: 'web' });
  bridge = `br-${network?.id.slice(0, 12)}`;
  const target = b?.endpoints[0]?.desired?.addresses[0]?.cidr.split('/')[0] ?? '';
  ping = await startPing(a?.sandbox?.status?.namespacePath ?? '', target);
});
afterAll(async () => {
  await ping?.stop();
  await host.remove();
});

const ports = () => host.sh(`ip -o link show master ${bridge} up`, { mayFail: true }).stdout.trim().split('\n').length;

test('the controller is killed: the agent repairs, and tells it when the controller is back', async () => {
  await check();
  const { revision } = await api.system.getStatus({});
  expect(ports()).toBe(2);
  await controller.stop('SIGKILL');
  host.sh(`ip link del ${bridge}`);
  await expect.poll(ports, { interval: 20 }).toBe(2);

  controller = await startController();
  api = host.clients();
  const repaired: string[] = [];
  const filters = { kind: { values: ['drift'] }, what: { values: ['repaired'] } };
  for await (const { event } of api.system.events({ sinceRevision: revision, filters })) {
    repaired.push(event?.attributes['object'] ?? '');
    if (repaired.includes(`bridge/${bridge}`)) break;
  }
  const { outcome } = await api.sandboxes.createSandbox({ spec: { name: 'c' }, attachments: [{ network: 'web' }] });
  expect(outcome?.applied).toBe(true);
  await check();
});

test('the agent is killed: what changed meanwhile is done when it is back, what was harmed is repaired', async () => {
  await agent.stop('SIGKILL');
  host.sh(`ip link del ${bridge}`);
  const wait = { seconds: 0n, nanos: 0 };
  const { outcome } = await api.sandboxes.createSandbox({
    spec: { name: 'd' },
    attachments: [{ network: 'web' }],
    mutation: { wait },
  });
  expect(outcome?.applied).toBe(false);
  await api.sandboxes.removeSandbox({ sandbox: 'c', mutation: { wait } });
  const { waitingAddresses } = await api.system.getStatus({});
  expect(waitingAddresses).toHaveLength(1);

  agent = await startAgent();
  await check();
  expect(ports()).toBe(3);
  expect((await api.system.getStatus({})).waitingAddresses).toEqual([]);
});

test('packets flowed all the time', async () => {
  const flow = await ping.stop();
  expect(flow.sent).toBeGreaterThan(50);
  await assertInvariants({ runDir: host.runDir, dataDir: host.dataDir, netns: host.netns, flows: [flow] });
});
