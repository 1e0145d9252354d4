// I7 for names: kill -9 of everything but the agent and the kernel, then of the agent too. Names keep being answered, an agent that
// starts without a controller answers what it was told last, and what is said afterwards is followed.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { dig, said } from '../lib/dns.ts';
import { type Host, makeHost, type Running } from '../lib/host.ts';

// Each question is a process of its own: on a busy machine they take a while.
vi.setConfig({ testTimeout: 120_000 });

const program = (service: string) => new URL(`../../dist/${service}.mjs`, import.meta.url).pathname;
const drivers = ['bridge-driver', 'null-driver', 'host-driver'];

let host: Host;
const running = new Map<string, Running>();
const at = (socket: string) => `unix://${join(host.runDir, socket)}`;
const start = async (service: string, flags: string[], ready = 'serving') => {
  running.set(service, await host.start(process.execPath, [program(service), ...flags], ready));
};
const startControlPlane = async () => {
  await Promise.all([
    start('ipam', ['--listen', at('ipam.sock'), '--data-dir', join(host.dataDir, 'ipam')]),
    ...[...drivers, 'discovery'].map((one) => start(one, ['--listen', at(`${one}.sock`)])),
  ]);
  await start('network-controller', [
    ...['--listen', host.address, '--data-dir', join(host.dataDir, 'controller'), '--ipam', at('ipam.sock')],
    ...drivers.flatMap((driver) => ['--driver', at(`${driver}.sock`)]),
    ...['--discovery', at('discovery.sock')],
  ]);
};
const startAgent = () =>
  start('agent', [
    ...['--controller', host.address, '--data-dir', join(host.dataDir, 'agent')],
    ...['--run-dir', host.runDir, '--name', host.name, '--dns', '127.0.0.1:5353'],
  ]);
const kill = async (...services: string[]) => {
  await Promise.all(services.map((one) => running.get(one)?.stop('SIGKILL')));
};
const weft = (...args: string[]): string => {
  const ran = host.weft(...args);
  expect(ran, `weft ${args.join(' ')}`).toMatchObject({ status: 0, stderr: '' });
  return ran.stdout.trim();
};

let asker: string;
const ask = (...args: string[]) => said(dig(asker, '+time=1', ...args));
/** All that is asked in each state of things, over both transports, of the resolver, the gateway and for clients outside. */
const all = () => [
  ask('web'),
  ask('+tcp', 'web.net'),
  ask('-x', '10.61.0.2'),
  ask('note', 'TXT'),
  ask('nobody.net'),
  ask('@10.61.0.1', 'web'),
  host
    .run('dig', ['@127.0.0.1', '-p5353', '+short', '+tries=1', '+time=1', 'web.net'], { mayFail: true })
    .stdout.trim(),
];
const right = [
  ...['NOERROR 10.61.0.2', 'NOERROR 10.61.0.2', 'NOERROR web.net.', 'NOERROR "hi"', 'NXDOMAIN', 'NOERROR 10.61.0.2'],
  '10.61.0.2',
];

beforeAll(async () => {
  host = makeHost();
  host.sh('ip link set lo up');
  await startControlPlane();
  await startAgent();
  for await (const { step } of host.clients().system.watch({ kinds: ['host'] })) if (step?.$case === 'put') break;
  weft('network', 'create', 'net', '--subnet', '10.61.0.0/24');
  weft('sandbox', 'create', 'web', '--network', 'net');
  weft('sandbox', 'create', 'asker', '--network', 'net');
  weft('record', 'create', 'net', 'note', 'TXT', '"hi"');
  asker = JSON.parse(weft('sandbox', 'inspect', 'asker'))[0].NetworkSettings.SandboxKey;
}, 60_000);
afterAll(async () => await host.remove());

test('everything but the agent is killed: names are answered as before', async () => {
  expect(all()).toEqual(right);
  await kill('network-controller', 'ipam', 'discovery', ...drivers);
  expect(all()).toEqual(right);
});

test('the agent is killed, and starts without a controller: names are back, of what it was told last', async () => {
  await kill('agent');
  expect(all().filter((one) => one !== 'silence' && !one.includes('no servers could be reached'))).toEqual([]);
  const from = performance.now();
  const starting = startAgent();
  await expect.poll(() => ask('web'), { timeout: 10_000, interval: 20 }).toBe('NOERROR 10.61.0.2');
  console.log(
    `names are back ${Math.round(performance.now() - from)} ms after the start of the agent's process, no controller`,
  );
  expect(all()).toEqual(right);
  await startControlPlane();
  await starting;
  weft('sandbox', 'create', 'late', '--network', 'net');
  expect(ask('late')).toBe('NOERROR 10.61.0.4');
  weft('sandbox', 'rm', 'late');
  expect(ask('late.net')).toBe('NXDOMAIN');
  expect(all()).toEqual(right);
});

test('the agent is killed while its controller lives: names are back within a second of its start', async () => {
  await kill('agent');
  // What changes meanwhile is right when names are back.
  const removing = host
    .clients()
    .sandboxes.removeSandbox({ sandbox: 'web', mutation: { wait: { seconds: 0n, nanos: 0 } } });
  await removing;
  const from = performance.now();
  await startAgent();
  await expect.poll(() => ask('note', 'TXT'), { timeout: 10_000, interval: 20 }).toBe('NOERROR "hi"');
  console.log(`names are back ${Math.round(performance.now() - from)} ms after the start of the agent's process`);
  await expect.poll(() => ask('web.net'), { timeout: 10_000, interval: 20 }).toBe('NXDOMAIN');
  weft('sandbox', 'rm', 'asker');
  weft('network', 'rm', 'net');
});
