// What a host's own state means for weft: its networks are left alone, and what a reboot takes is made again.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { deleteNamespace } from '@weft/kernel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Host, makeHost, weftCommand } from '../lib/host.ts';

let host: Host;
beforeEach(() => {
  host = makeHost();
});
afterEach(async () => await host.remove());

const subnetOf = (name: string) => JSON.parse(host.weft('network', 'inspect', name).stdout)[0].IPAM.Config[0].Subnet;

test('automatic pools avoid the networks the host is on', async () => {
  host.sh('ip link add mine type bridge && ip addr add 172.17.5.1/24 dev mine && ip link set mine up');
  await host.up();
  expect(subnetOf('bridge')).toBe('172.18.0.0/16');
  host.weft('network', 'create', 'one');
  expect(subnetOf('one')).toBe('172.19.0.0/16');
});

test('after a reboot weft\u2019s own sandboxes are there again, with the same addresses', async () => {
  const first = await host.up();
  host.weft('network', 'create', 'web');
  host.weft('sandbox', 'create', 'a', '--network', 'web');
  host.weft('sandbox', 'create', 'b', '--network', 'web');
  const addresses = () =>
    ['a', 'b'].map(
      (name) =>
        host.weft('sandbox', 'exec', name, '--', 'ip', '-br', '-4', 'addr', 'show', 'eth0').stdout.split(/\s+/)[2],
    );
  const before = addresses();
  await first.stop();

  // What a reboot takes: namespaces and their mounts, links, firewall, sysctls.
  for (const name of readdirSync(join(host.runDir, 'netns'))) deleteNamespace(join(host.runDir, 'netns', name));
  host.sh(
    'for l in $(ip -o link | grep -oE "(br-|wv-|weft0)[0-9a-f]*" | sort -u); do ip link del $l 2>/dev/null; done; nft flush ruleset; echo 0 > /proc/sys/net/ipv4/ip_forward',
    { mayFail: true },
  );
  host.sh(`rm -rf ${host.runDir}/netns`);

  await host.up();
  expect(addresses()).toEqual(before);
  expect(
    host.weft('sandbox', 'exec', 'a', '--', 'ping', '-c1', '-W1', (before[1] ?? '').split('/')[0] ?? ''),
  ).toMatchObject({ status: 0 });
  expect(host.sh('cat /proc/sys/net/ipv4/ip_forward').stdout.trim()).toBe('1');
});

test('a second weft on the same directories is refused, and the first goes on', async () => {
  await host.up();
  await expect(host.up()).rejects.toThrow(/agent\.db/);
  expect(host.weft('network', 'ls')).toMatchObject({ status: 0 });
});

test('without root a clear sentence says which capability lacks', () => {
  const up = ['up', '--data-dir', '/var/lib/none', '--run-dir', '/run/none'];
  const refused = host.run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', weftCommand, ...up], {
    mayFail: true,
  });
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(refused.stderr).toBe(
    '[permission denied] the agent lacks CAP_NET_BROADCAST, CAP_NET_ADMIN, CAP_SYS_ADMIN (run the agent as root)\n',
  );
});
