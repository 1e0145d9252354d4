// Names through a whole host, as people use them: weft's own command makes and changes things, dig asks inside sandboxes. Nothing
// has to be waited for: what a command has acknowledged is what is answered.
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createNamespace, deleteNamespace, listTable, listTableText } from '@weft/kernel';
import { GetStatusResponse } from '@weft/proto/controller';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { dig, said } from '../lib/dns.ts';
import { type Host, makeHost, type Running } from '../lib/host.ts';

// Some eighty commands, each a process.
vi.setConfig({ testTimeout: 180_000 });

let host: Host;
let weftUp: Running;
beforeEach(async () => {
  host = makeHost();
  host.sh('ip link set lo up');
  weftUp = await host.up(['--dns', '127.0.0.1:5353']);
  weft('network', 'create', 'one', '--subnet', '10.71.0.0/24');
  weft('network', 'create', 'two', '--subnet', '10.72.0.0/24', '--ipv6', '--subnet', 'fd72::/64');
});
afterEach(async () => await host.remove());

const weft = (...args: string[]): string => {
  const ran = host.weft(...args);
  expect(ran, `weft ${args.join(' ')}`).toMatchObject({ status: 0, stderr: '' });
  return ran.stdout.trim();
};
const inspect = (sandbox: string) => JSON.parse(weft('sandbox', 'inspect', sandbox))[0];
const pathOf = (sandbox: string): string => inspect(sandbox).NetworkSettings.SandboxKey;

test('a sandbox finds another by all of its names, and what is changed is right at once', () => {
  weft('sandbox', 'create', 'b', '--network', 'one', '--alias', 'db', '--hostname', 'beta');
  weft('sandbox', 'create', 'a', '--network', 'one', '--link', 'b:store');
  const a = pathOf('a');
  const ask = (...args: string[]) => said(dig(a, ...args));
  const id = inspect('b').Id.slice(0, 12);
  const all = ['b', 'db', 'beta', id, 'store'].flatMap((name) => [name, `${name}.one`]);
  for (const name of all) expect(`${name} ${ask(name)}`).toBe(`${name} NOERROR 10.71.0.2`);
  expect(ask('-x', '10.71.0.2')).toBe('NOERROR b.one.');
  // The gateway, for who asks there; and the host, for who is outside.
  expect(ask('@10.71.0.1', 'db')).toBe('NOERROR 10.71.0.2');
  const outside = (name: string) => host.sh(`dig @127.0.0.1 -p 5353 +tries=1 ${name}`).stdout;
  expect(outside('db.one')).toContain('10.71.0.2');
  expect(outside('db')).toContain('REFUSED');

  weft('network', 'disconnect', 'one', 'b');
  for (const name of all.filter((one) => one.endsWith('.one'))) expect(`${name} ${ask(name)}`).toBe(`${name} NXDOMAIN`);
  expect(ask('-x', '10.71.0.2')).toBe('NXDOMAIN');
  expect(outside('db.one')).toContain('NXDOMAIN');
  weft('network', 'connect', 'one', 'b', '--alias', 'other', '--ip', '10.71.0.77');
  expect([ask('b'), ask('other.one'), ask('db.one')]).toEqual(['NOERROR 10.71.0.77', 'NOERROR 10.71.0.77', 'NXDOMAIN']);

  const record = weft('record', 'create', 'one', 'www', 'CNAME', 'b.one').split('\n').at(-1) ?? '';
  expect(ask('www')).toBe('NOERROR 10.71.0.77 b.one.');
  weft('record', 'rm', record);
  expect(ask('www.one')).toBe('NXDOMAIN');

  // Another network: its names are known while the sandbox is on it.
  weft('network', 'connect', 'two', 'b');
  expect(ask('b.two')).not.toContain('10.72');
  weft('network', 'connect', 'two', 'a');
  expect([ask('b.two'), ask('b.two', 'AAAA'), ask('b')]).toEqual([
    'NOERROR 10.72.0.2',
    'NOERROR fd72::2',
    // The default gateway is on the network with both families: its names come first.
    'NOERROR 10.72.0.2',
  ]);
  expect(ask('b.one')).toBe('NOERROR 10.71.0.77');
  expect(said(dig(a, '@fd72::1', 'b', 'AAAA'))).toBe('NOERROR fd72::2');
  weft('network', 'disconnect', 'one', 'a');
  expect([ask('b'), ask('b.two')]).toEqual(['NOERROR 10.72.0.2', 'NOERROR 10.72.0.2']);
  expect(ask('b.one')).not.toContain('10.71');
  // Its old gateway is still an address of the host, but not for who is elsewhere.
  expect(ask('@10.71.0.1', '+time=1', 'b')).toBe('silence');
  weft('sandbox', 'rm', 'b');
  expect(ask('b.two')).toBe('NXDOMAIN');
});

test('what a user writes into hosts and resolv.conf stays, through changes and a restart, until it is taken back', async () => {
  weft('sandbox', 'create', 'a', '--network', 'one');
  weft('sandbox', 'create', 'b', '--network', 'one');
  const [, hosts, resolv] = [pathOf('a'), inspect('a').HostsPath, inspect('a').ResolvConfPath];
  const own = { hosts: readFileSync(hosts, 'utf8'), resolv: readFileSync(resolv, 'utf8') };
  const inodes = () => [hosts, resolv].map((path) => statSync(path).ino);
  const before = inodes();
  appendFileSync(hosts, '10.9.9.9\tmine\n');
  writeFileSync(resolv, 'nameserver 192.0.2.53\n');
  const edited = () => [readFileSync(hosts, 'utf8'), readFileSync(resolv, 'utf8')];
  const kept = edited();
  weft('network', 'connect', 'two', 'a');
  expect(edited()).toEqual(kept);
  await weftUp.stop('SIGKILL');
  weftUp = await host.up();
  weft('network', 'disconnect', 'one', 'a');
  expect(edited()).toEqual(kept);
  expect(weft('events', '--since', '1h', '--until', '0s', '--filter', 'kind=drift')).toContain(`${hosts} was edited`);
  // The other sandbox's files go on as ever.
  weft('network', 'connect', 'two', 'b');
  expect(readFileSync(inspect('b').HostsPath, 'utf8')).toContain('10.72.0.');
  // Taken back: at the next change of the sandbox it is weft's again.
  writeFileSync(hosts, own.hosts);
  writeFileSync(resolv, own.resolv);
  weft('network', 'connect', 'one', 'a', '--ip', '10.71.0.99');
  expect(readFileSync(hosts, 'utf8')).toContain('10.71.0.99\t');
  expect(readFileSync(resolv, 'utf8')).toContain('nameserver 127.0.0.11\n');
  expect(inodes()).toEqual(before);
});

test('status tells what was asked', async () => {
  weft('sandbox', 'create', 'web', '--network', 'one');
  const a = pathOf('web');
  dig(a, 'web');
  dig(a, 'nobody.one');
  const counted = () => GetStatusResponse.fromJSON(JSON.parse(weft('status', '--json'))).names;
  await expect
    .poll(counted, { timeout: 15_000, interval: 200 })
    .toMatchObject([{ host: host.name, counters: { queries: 2n, found: 1n, unknown: 1n } }]);
  expect(weft('status')).toContain(`Names:\n  ${host.name}: 2 questions: 1 found, 1 unknown`);
});

test('a purge takes the redirect from a namespace that was adopted', async () => {
  const theirs = `${host.dataDir}-theirs`;
  createNamespace(theirs);
  try {
    weft('sandbox', 'create', 'web', '--network', 'one', '--netns', theirs);
    expect(said(dig(theirs, 'web'))).toBe('NOERROR 10.71.0.2');
    expect(listTableText(theirs, 'inet', 'weft')).toContain('127.0.0.11');
    weft('down', '--purge', '--run-dir', host.runDir, '--data-dir', host.dataDir);
    expect(listTable(theirs, 'inet', 'weft')).toBeUndefined();
  } finally {
    deleteNamespace(theirs);
  }
});
