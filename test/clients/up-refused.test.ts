// `weft up` that cannot be what it is told to be: one sentence that names the flag and the address, and nothing of weft's in the kernel.
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Host, joinHosts, makeHost } from '../lib/host.ts';

const own = '10.99.4.1';
const other = '10.99.4.2';
let host: Host;
let neighbour: Host;
let before: string;
const links = () => host.sh('ip -o link; ip -o -4 addr; nft list ruleset').stdout;
const token = `weft1.${'0'.repeat(16)}.${'0'.repeat(64)}.${'A'.repeat(43)}`;

beforeAll(() => {
  host = makeHost('alone');
  neighbour = makeHost('near');
  joinHosts(host, `${own}/24`, neighbour, `${other}/24`);
  before = links();
});
afterAll(async () => {
  for (const one of [host, neighbour]) await one.remove();
});

const upOf = (...flags: string[]) =>
  host.weft('up', '--data-dir', host.dataDir, '--run-dir', host.runDir, '--name', 'alone', ...flags);

test.each([
  [['--listen', '10.99.4.9:7420'], 'up --listen: 10.99.4.9 is no address of this machine'],
  [['--join', `${other}:7420`, '--token', token], `up --join: https://${other}:7420: connect ECONNREFUSED`],
  [['--join', '10.77.0.1:7420', '--token', token], 'up --join: https://10.77.0.1:7420: connect ENETUNREACH'],
  [['--join', `${other}:7420`], 'up --join: this machine has not joined yet'],
  [['--join', `${other}:7420`, '--token', 'weft1.abc'], 'up --token: that is no join token'],
  [
    ['--etcd', `http://${other}:2379`],
    `up --etcd: no member of etcd will do: http://${other}:2379: connect ECONNREFUSED`,
  ],
])('up %j is refused: %s', { timeout: 60_000 }, (flags, words) => {
  const ran = upOf(...flags);
  expect(ran).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining(words) });
  expect(ran.stderr.trim().split('\n')).toHaveLength(1);
  expect(ran.stderr).not.toMatch(/\] \[/);
  expect(links()).toBe(before);
  expect(readdirSync(host.runDir)).toEqual([]);
});

test('--listen where another process listens is refused before anything is begun', { timeout: 60_000 }, async () => {
  const program = `require('net').createServer().listen(7420, '${own}', () => console.error('listens'))`;
  const listener = await host.start(process.execPath, ['-e', program], 'listens');
  const words = `up --listen: another process listens on ${own} port 7420`;
  expect(upOf('--listen', `${own}:7420`)).toMatchObject({ status: 1, stderr: expect.stringContaining(words) });
  expect(links()).toBe(before);
  await listener.stop();
});

test('sandbox exec of a sandbox on another host names that host', { timeout: 60_000 }, async () => {
  await host.up(['--listen', `${own}:7420`]);
  const made = host.weft('cluster', 'token').stdout.trim();
  const near = await neighbour.up(['--join', `${own}:7420`, '--token', made]);
  expect(neighbour.weft('sandbox', 'create', 'far')).toMatchObject({ status: 0, stderr: '' });
  const path = neighbour.weft('sandbox', 'inspect', '-f', '{{.NetworkSettings.SandboxKey}}', 'far').stdout.trim();
  expect(neighbour.weft('sandbox', 'exec', 'far', '--', 'true')).toMatchObject({ status: 0, stderr: '' });
  // Both machines of this test see each other's files; no two of a person's do.
  await near.stop();
  neighbour.sh(`umount ${path} && rm ${path}`);
  const ran = host.weft('sandbox', 'exec', 'far', '--', 'true');
  expect(ran).toMatchObject({ status: 1, stderr: expect.stringMatching(/it is on host "near".*run it there/) });
});
