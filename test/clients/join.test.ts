// Two machines, as people set them up: the first listens, the second joins with a token. Each can be told anything; a
// machine that has joined starts again without token, and while no controller answers.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Host, joinHosts, makeHost, type Running } from '../lib/host.ts';

const listen = '10.99.7.1:7420';
let first: Host;
let second: Host;
let third: Host;
let controller: Running;
let agent: Running;
const made: Host[] = [];

const ok = (host: Host, ...args: string[]) => {
  const ran = host.weft(...args);
  expect(ran, `${host.name}: weft ${args.join(' ')}`).toMatchObject({ status: 0, stderr: '' });
  return ran.stdout.trim();
};
const token = (...flags: string[]) => ok(first, 'cluster', 'token', ...flags);
const upOf = (host: Host, ...flags: string[]) => [
  ...['up', '--data-dir', host.dataDir, '--run-dir', host.runDir, '--name', host.name],
  ...flags,
];
const hosts = (host: Host) => ok(host, 'host', 'ls', '--format', '{{.Name}} {{.State}}').split('\n').sort();

beforeAll(async () => {
  [first, second, third] = ['first', 'second', 'third'].map((name) => {
    const host = makeHost(name);
    made.push(host);
    return host;
  }) as [Host, Host, Host];
  joinHosts(first, '10.99.7.1/24', second, '10.99.7.2/24');
  joinHosts(first, '10.99.8.1/24', third, '10.99.8.2/24');
  third.sh('ip route add 10.99.7.0/24 via 10.99.8.1');
  controller = await first.up(['--listen', listen]);
}, 60_000);
afterAll(async () => {
  for (const host of made) await host.remove();
});

test('a machine without token, or with a wrong one, stays outside and leaves no key', { timeout: 60_000 }, () => {
  expect(second.weft(...upOf(second, '--join', listen))).toMatchObject({
    ...{ status: 1, stderr: expect.stringMatching(/has not joined yet.*give --token/) },
  });
  const good = token();
  const bad = `${good.slice(0, 30)}${good[30] === '0' ? '1' : '0'}${good.slice(31)}`;
  expect(second.weft(...upOf(second, '--join', listen, '--token', bad))).toMatchObject({
    ...{ status: 1, stderr: expect.stringContaining('is not known: it was used, revoked, or never made') },
  });
  const otherCluster = `${good.slice(0, -4)}AAAA`;
  expect(second.weft(...upOf(second, '--join', listen, '--token', otherCluster))).toMatchObject({
    ...{ status: 1, stderr: expect.stringContaining('of another cluster than the token') },
  });
  expect(existsSync(join(second.dataDir, 'identity'))).toBe(false);
  ok(first, 'cluster', 'token', 'rm', good.split('.')[1] ?? '');
  expect(second.weft(...upOf(second, '--join', listen, '--token', good))).toMatchObject({ status: 1 });
});

test('a token makes a machine a host; networks and sandboxes are made from either', { timeout: 60_000 }, async () => {
  const once = token('--ttl', '10m');
  agent = await second.up(['--join', listen, '--token', once]);
  await expect.poll(() => hosts(first)).toEqual(['first joined', 'second joined']);
  expect(hosts(second)).toEqual(hosts(first));
  const key = statSync(join(second.dataDir, 'identity/agent.key'));
  expect(key.mode & 0o777).toBe(0o600);

  ok(second, 'network', 'create', 'web');
  expect(ok(first, 'network', 'ls', '--format', '{{.Name}}').split('\n')).toContain('web');
  ok(first, 'network', 'rm', 'web');
  expect(ok(second, 'network', 'ls', '--format', '{{.Name}}').split('\n')).not.toContain('web');

  const again = third.weft(...upOf(third, '--join', listen, '--token', once));
  expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('is not known: it was used') });
  expect(JSON.parse(ok(second, 'status', '--json')).refusedCallers ?? {}).toEqual({});
});

test('a machine that has joined starts without token, and while nobody answers', { timeout: 60_000 }, async () => {
  await agent.stop();
  await controller.stop();
  agent = await second.up(['--join', listen]);
  expect(second.weft('network', 'ls')).toMatchObject({ status: 1 });
  controller = await first.up(['--listen', listen]);
  await expect
    .poll(() => second.weft('host', 'ls', '--format', '{{.Name}} {{.State}}').stdout.split('\n').sort(), {
      timeout: 15_000,
    })
    .toEqual(['', 'first joined', 'second joined']);
});

test('an agent-only token gives a host and no say', { timeout: 60_000 }, async () => {
  const running = await third.up(['--join', listen, '--token', token('--agent-only')]);
  await expect.poll(() => hosts(first)).toContain('third joined');
  expect(third.weft('network', 'ls')).toMatchObject({
    ...{ status: 1, stderr: expect.stringContaining('joined with an agent-only token') },
  });
  expect(existsSync(join(third.dataDir, 'identity/operator.key'))).toBe(false);
  await running.stop();
});

test.each([
  [['--listen', '10.0.0.1:7420', '--join', '10.0.0.2:7420'], '--listen and --join'],
  [['--token', 'x'], '--token needs --join'],
  [['--join', '10.0.0.2:7420', '--token', 'x'], 'up --token: that is no join token'],
  [['--listen', '0.0.0.0:7420'], 'up --listen: "0.0.0.0:7420" is every address'],
  [['--listen', 'here:7420'], 'up --listen: "here:7420" is not IP:PORT'],
  [['--join', '10.0.0.2'], 'up --join: "10.0.0.2" is not IP:PORT'],
  [['--join', '10.0.0.2:7420', '--etcd', 'http://127.0.0.1:1'], '--etcd and --join'],
])('up %j is refused: %s', (flags, words) => {
  expect(third.weft(...upOf(third, ...flags))).toMatchObject({ status: 1, stderr: expect.stringContaining(words) });
});

test('what is logged names no secret', () => {
  const log = [...controller.log, ...agent.log].join('\n');
  expect(log).not.toMatch(/weft1\.[0-9a-f]{16}\.[0-9a-f]{64}/);
  expect(log).not.toContain('PRIVATE KEY');
  expect(readFileSync(join(second.dataDir, 'identity/cluster.json'), 'utf8')).toContain(`https://${listen}`);
});
