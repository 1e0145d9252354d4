// Every service as a process of its own, joined by gRPC on unix sockets in one host: the session of the first users, then
// the death of the controller and of ipam. And how each service's command answers before it serves.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EtcdCluster, startEtcd } from '../lib/etcd-server.ts';
import { type Host, makeHost, type Running } from '../lib/host.ts';

const program = (service: string) => new URL(`../../dist/${service}.mjs`, import.meta.url).pathname;

describe.each(['files', 'etcd'])('each service a process, its store in %s', (place) => {
  let host: Host;
  let etcd: EtcdCluster | undefined;
  /** Where a service keeps its store. */
  const keptIn = (directory: string) =>
    etcd === undefined ? ['--data-dir', join(host.dataDir, directory)] : ['--etcd', etcd.urls.join(',')];
  const at = (socket: string) => `unix://${join(host.runDir, socket)}`;
  const start = (service: string, ...flags: string[]) =>
    host.start(process.execPath, [program(service), ...flags], 'serving');
  const startController = () =>
    start(
      'network-controller',
      ...['--listen', host.address, ...keptIn('controller'), '--ipam', at('ipam.sock')],
      ...drivers.flatMap((driver) => ['--driver', at(`${driver}.sock`)]),
      ...['--discovery', at('discovery.sock')],
    );
  const startIpam = () => start('ipam', '--listen', at('ipam.sock'), ...keptIn('ipam'));
  const drivers = ['bridge-driver', 'null-driver', 'host-driver'];
  let controller: Running;
  let ipam: Running;
  const weft = (...args: string[]) => {
    const ran = host.weft(...args);
    expect(ran, `weft ${args.join(' ')}`).toMatchObject({ status: 0, stderr: '' });
    return ran.stdout.trim();
  };
  const links = (sandbox: string): string[] =>
    JSON.parse(weft('sandbox', 'exec', sandbox, '--', 'ip', '-j', 'link')).map((one: { ifname: string }) => one.ifname);

  beforeAll(async () => {
    host = makeHost();
    if (place === 'etcd') etcd = await startEtcd({ host });
    [ipam] = await Promise.all([
      startIpam(),
      ...[...drivers, 'discovery'].map((driver) => start(driver, '--listen', at(`${driver}.sock`))),
    ]);
    controller = await startController();
    await start(
      'agent',
      ...['--controller', host.address, '--data-dir', join(host.dataDir, 'agent')],
      ...['--run-dir', host.runDir, '--name', host.name],
    );
    for await (const { step } of host.clients().system.watch({ kinds: ['host'] })) {
      if (step?.$case === 'put') break;
    }
  });
  afterAll(async () => {
    await host.remove();
    await etcd?.remove();
  });

  test('create, connect, ping, disconnect, rm', () => {
    weft('network', 'create', 'web', '--subnet', '10.31.0.0/24');
    weft('network', 'create', 'back', '--subnet', '10.32.0.0/24');
    weft('sandbox', 'create', 'shop', '--network', 'web');
    weft('sandbox', 'create', 'store', '--network', 'back');
    expect(links('shop')).toEqual(['lo', 'eth0']);
    expect(host.weft('sandbox', 'exec', 'shop', '--', 'ping', '-c1', '-W1', '10.32.0.2').status).toBe(1);

    weft('network', 'connect', 'back', 'shop');
    expect(links('shop')).toEqual(['lo', 'eth0', 'eth1']);
    weft('sandbox', 'exec', 'shop', '--', 'ping', '-c1', '-W2', '10.32.0.2');
  });

  test('without a controller packets flow; a new one goes on where it was', async () => {
    const before = weft('network', 'ls', '-q');
    await Promise.all([controller.stop('SIGKILL'), ipam.stop('SIGKILL')]);
    const namespace = host.sh(`ls ${host.runDir}/netns`).stdout.trim().split('\n');
    expect(namespace).toHaveLength(2);
    const pings = namespace.map(
      (one) => host.sh(`nsenter --net=${host.runDir}/netns/${one} ping -c1 -W2 10.32.0.2`, { mayFail: true }).status,
    );
    expect(pings).toEqual([0, 0]);

    ipam = await startIpam();
    controller = await startController();
    expect(weft('network', 'ls', '-q')).toBe(before);
    weft('network', 'disconnect', 'back', 'shop');
    expect(links('shop')).toEqual(['lo', 'eth0']);
    weft('sandbox', 'rm', 'shop', 'store');
    weft('network', 'rm', 'web', 'back');
    expect(host.sh('ip -o link').stdout).not.toMatch(/10\.3[12]|veth/);
  });
});

describe.each([
  ['ipam', ['--listen', 'unix:///nowhere/x', '--data-dir', 'relative'], '--data-dir: "relative"'],
  ['bridge-driver', ['--listen', 'here'], '--listen "here"'],
  ['null-driver', ['--listen', 'here'], '--listen "here"'],
  ['discovery', ['--listen', 'here'], '--listen "here"'],
  ['macvlan-driver', ['--listen', 'here'], '--listen "here"'],
  ['macvlan-driver', ['--listen', 'unix:///x', '--driver', 'bridge'], 'Allowed choices are macvlan, ipvlan'],
  ['host-driver', ['--listen', 'tcp://1.2.3.4:5'], '--listen "tcp://1.2.3.4:5"'],
  [
    'network-controller',
    [
      ...['--listen', 'unix:///nowhere/x', '--ipam', 'unix:///nowhere/i', '--driver', 'unix:///nowhere/d'],
      ...['--data-dir', '/nowhere', '--nats', 'localhost', '--discovery', 'unix:///nowhere/n'],
    ],
    '--nats: "localhost"',
  ],
  ['agent', ['--controller', 'unix:///nowhere/x', '--data-dir', '/nowhere', '--name', 'a b'], '--name: "a b"'],
])('weft-%s', (service, badFlags, sentence) => {
  const run = (...flags: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program(service), ...flags], { encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  test('answers --help and --version', () => {
    expect(run('--version')).toEqual({ status: 0, stdout: '0.1.0\n', stderr: '' });
    const help = run('--help');
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toMatch(new RegExp(`^Usage: weft-${service} \\[options\\]\n\nweft's `));
  });

  test('refuses a bad value and a missing flag with one sentence, before it starts', () => {
    const bad = run(...badFlags);
    expect(bad).toMatchObject({ status: 1, stdout: '' });
    expect(bad.stderr).toContain(sentence);
    for (const { status, stderr } of [bad, run()]) {
      expect(status).toBe(1);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    }
  });
});
