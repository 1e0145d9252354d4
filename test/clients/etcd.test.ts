// One machine's weft moves to etcd and back: the same networks, sandboxes and addresses, the same kernel objects, packets all
// the time. And each service alone on etcd, killed and started again.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertInvariants } from '../invariants/check.ts';
import { type EtcdCluster, startEtcd } from '../lib/etcd-server.ts';
import { type Host, makeHost, type Running } from '../lib/host.ts';
import { type Ping, startPing } from '../lib/ping.ts';

let host: Host;
let etcd: EtcdCluster;
let url: string;
let running: Running;
let ping: Ping;

const weft = (...args: string[]) => {
  const ran = host.weft(...args);
  expect(ran, `weft ${args.join(' ')}`).toMatchObject({ status: 0, stderr: '' });
  return ran.stdout.trim();
};
const file = (name: string) => join(host.dataDir, name);
const inspect = () => JSON.parse(weft('sandbox', 'inspect', 'a', 'b'));
const links = () => weft('sandbox', 'exec', 'a', '--', 'ip', '-o', 'link') + host.sh('ip -o link').stdout;
const networks = () => weft('network', 'ls', '--no-trunc', '--format', '{{.ID}} {{.Name}} {{.Driver}}');
const check = () => assertInvariants({ runDir: host.runDir, dataDir: host.dataDir, netns: host.netns });
const exportedKeys = (dump: string): string[] =>
  readFileSync(dump, 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => JSON.parse(line).key ?? []);
/** All that should outlast a move. */
const all = () => ({
  networks: networks(),
  links: links(),
  sandboxes: inspect().map((one: { Id: string; NetworkSettings: object }) => [one.Id, one.NetworkSettings]),
});

beforeAll(async () => {
  host = makeHost();
  etcd = await startEtcd({ host });
  url = etcd.urls[0]!;
  running = await host.up();
  weft('network', 'create', 'web', '--subnet', '10.61.0.0/24', '--ipv6');
  for (const name of ['a', 'b']) weft('sandbox', 'create', name, '--network', 'web', '-p', '80');
  const [a, b] = inspect();
  ping = await startPing(a.NetworkSettings.SandboxKey, b.NetworkSettings.Networks.web.IPAddress);
});
afterAll(async () => {
  await ping?.stop();
  await host.remove();
  await etcd.remove();
});

test('moves to etcd, restarts there, and comes back', { timeout: 180_000 }, async () => {
  const before = all();
  const dump = file('dump');
  expect(host.weft('store', 'export', dump, '--data-dir', host.dataDir)).toMatchObject({
    ...{ status: 1, stdout: '', stderr: expect.stringMatching(/process \d+ has it: stop that one first/) },
  });
  expect(existsSync(dump)).toBe(false);
  await running.stop();

  const told = weft('store', 'export', dump, '--data-dir', host.dataDir).split('\n');
  const up = host.weft('up', '--data-dir', host.dataDir, '--run-dir', host.runDir, '--etcd', url);
  expect(up).toMatchObject({ status: 1, stderr: expect.stringContaining('move it with weft store export and import') });
  const imported = weft('store', 'import', dump, '--etcd', url).split('\n');
  const said = (lines: string[]) =>
    lines.filter((line) => !/^(from|to) /.test(line)).map((line) => line.replace(/^(ex|im)ported/, ''));
  expect(said(imported)).toEqual(said(told));
  expect(host.weft('store', 'import', dump, '--etcd', url)).toMatchObject({
    ...{ status: 1, stderr: expect.stringContaining('the store of network-controller is not empty') },
  });

  const storeId = () => JSON.parse(weft('status', '--json')).storeId;
  running = await host.up(['--etcd', url]);
  const onEtcd = storeId();
  expect(all()).toEqual(before);
  await check();
  weft('network', 'create', 'new');
  weft('network', 'connect', 'new', 'b');
  weft('sandbox', 'create', 'gone', '--network', 'new');
  weft('sandbox', 'rm', 'gone', '--force');

  // While it runs: what says who runs and which agent is connected is not moved.
  const busy = file('busy');
  await expect.poll(() => host.weft('store', 'export', busy, '--etcd', url).status, { timeout: 30_000 }).toBe(0);
  const kinds = new Set(exportedKeys(busy).map((key) => key.slice(0, key.indexOf('/') + 1)));
  expect([...kinds]).toEqual(expect.arrayContaining(['network/', 'endpoint/', 'lease/', 'gone/']));
  expect([...kinds].filter((kind) => ['replica/', 'alive/', 'seen/'].includes(kind))).toEqual([]);

  await running.stop('SIGKILL');
  // Nor what a life before left, until its lease is over.
  const left = file('left');
  weft('store', 'export', left, '--etcd', url);
  expect(exportedKeys(left).filter((key) => /^(replica|alive|seen)\//.test(key))).toEqual([]);
  running = await host.up(['--etcd', url]);
  weft('network', 'disconnect', 'new', 'b');
  weft('network', 'rm', 'new');
  expect(all()).toEqual(before);
  await check();

  const back = file('back');
  await running.stop();
  weft('store', 'export', back, '--etcd', url);
  host.sh(`rm ${host.dataDir}/network-controller.db* ${host.dataDir}/ipam.db*`);
  weft('store', 'import', back, '--data-dir', host.dataDir);
  running = await host.up();
  expect(storeId()).not.toBe(onEtcd);
  expect(all()).toEqual(before);
  await check();
  await running.stop();

  const { sent, received } = await ping.stop();
  expect(sent).toBeGreaterThan(20);
  expect(sent - received).toBeLessThanOrEqual(1);
});

test('refuses a file that was changed, and makes no store', () => {
  const lines = readFileSync(file('back'), 'utf8').split('\n');
  writeFileSync(file('bad'), lines.toSpliced(1, 1).join('\n'));
  const ran = host.weft('store', 'import', file('bad'), '--data-dir', file('nowhere'));
  expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('it was changed since it was written') });
  expect(existsSync(file('nowhere'))).toBe(false);
});
