// Three hosts in containers, etcd and NATS beside them, on one Docker network: as a person sets them up. Sandboxes of an overlay
// reach each other by name over hosts, a service spreads over them, and a host may be stopped, cut off, and booted anew.
import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ContainerGround, inside, serveIn, startContainerGround, startLogged } from '../lib/container-ground.ts';
import { type Cuts, createCuts } from '../lib/cuts.ts';

const network = 'machines';
let ground: ContainerGround;
let cuts: Cuts;
const hosts: StartedTestContainer[] = [];

const addressOf = (container: StartedTestContainer) => container.getIpAddress(network);
const weft = (at: number, ...args: string[]) => inside(hosts[at]!, 'weft', ...args);
/** What a command in a sandbox says; its complaint when it fails. */
const exec = (at: number, sandbox: string, ...command: string[]) =>
  weft(at, 'sandbox', 'exec', sandbox, '--', ...command).catch(String);
const ping = (at: number, from: string, to: string) => exec(at, from, 'ping', '-c1', '-W1', to);
const reaches = async (at: number, from: string, to: string) =>
  await expect.poll(() => ping(at, from, to), { interval: 100 }).toContain('1 packets received');
const hostStates = async () => await weft(0, 'host', 'ls');

beforeAll(async () => {
  ground = await startContainerGround(['etcd', 'nats-server']);
  await ground.engine.call('POST', '/networks/create', {
    Name: network,
    IPAM: { Config: [{ Subnet: '198.51.100.0/24' }] },
  });
  cuts = createCuts(ground.host);
  const everywhere = 'http://0.0.0.0:2379';
  const { Wait } = await import('testcontainers');
  const etcd = await startLogged(
    ground
      .program(
        'etcd',
        '--data-dir',
        '/tmp/etcd',
        '--listen-client-urls',
        everywhere,
        '--advertise-client-urls',
        everywhere,
      )
      .withNetworkMode(network)
      .withWaitStrategy(Wait.forLogMessage(/ready to serve client requests/)),
  );
  const nats = await startLogged(
    ground
      .program('nats-server', '-js', '-sd', '/tmp/nats')
      .withNetworkMode(network)
      .withWaitStrategy(Wait.forLogMessage(/Server is ready/)),
  );
  // The Engine gives the lowest free address.
  const listen = addressOf(nats).replace(/\d+$/, (last) => `${Number(last) + 1}:7420`);
  const start = async (name: string, ...flags: string[]) => {
    hosts.push(await startLogged(ground.weft('up', '--name', name, ...flags).withNetworkMode(network)));
  };
  const stores = ['--etcd', `http://${addressOf(etcd)}:2379`, '--nats', `nats://${addressOf(nats)}:4222`];
  await start('h1', ...stores, '--listen', listen);
  for (const name of ['h2', 'h3']) {
    const token = (await weft(0, 'cluster', 'token')).trim();
    await start(name, '--join', listen, '--token', token);
  }
  await weft(1, 'network', 'create', '-d', 'overlay', 'net');
  for (const [at, name] of ['a', 'b', 'c'].entries()) await weft(at, 'sandbox', 'create', name, '--network', 'net');
}, 240_000);

afterAll(async () => {
  await ground?.remove();
});

test('sandboxes reach each other by name from host to host', async () => {
  await reaches(0, 'a', 'b');
  await reaches(1, 'b', 'c');
  await reaches(2, 'c', 'a');
});

test('a service balances over hosts', async () => {
  await serveIn(hosts[1]!, 'b', 80);
  await serveIn(hosts[2]!, 'c', 80);
  await weft(2, 'service', 'create', 'pair', '--network', 'net', '--backend', 'b', '--backend', 'c');
  const answers = new Set<string>();
  await expect
    .poll(async () => answers.add((await exec(0, 'a', 'nc', '-w', '2', 'pair', '80')).trim()), { interval: 50 })
    .toEqual(new Set(['b', 'c']));
});

test('a host that is cut off is lost, and back when the link is', async () => {
  const own = addressOf(hosts[2]!);
  for (const other of [hosts[0]!, hosts[1]!]) cuts.cut(own, addressOf(other));
  await expect.poll(hostStates).toMatch(/h3 .*lost/);
  expect(await ping(0, 'a', 'c')).not.toContain('1 packets received');
  cuts.heal();
  await expect.poll(hostStates).not.toMatch(/lost/);
  await reaches(0, 'a', 'c');
});

test('a host that is stopped and started comes back with its sandboxes and their addresses', {
  timeout: 120_000,
}, async () => {
  const where = async () => /^PING b \(([\d.]+)\)/.exec(await ping(0, 'a', 'b'))?.[1];
  const before = await where();
  expect(before).toBeDefined();
  await hosts[1]!.restart({ timeout: 10_000 });
  await reaches(0, 'a', 'b');
  await reaches(1, 'b', 'c');
  expect(await where()).toBe(before);
});
