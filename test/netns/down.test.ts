// weft down leaves the kernel as it is; weft up adopts it; weft down --purge leaves nothing at all.
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Host, makeHost } from '../lib/host.ts';

let host: Host;
beforeEach(() => {
  host = makeHost();
});
afterEach(async () => await host.remove());

const kernel = () => ({
  links: JSON.parse(host.sh('ip -j link').stdout).map((link: { ifname: string; ifindex: number }) => [
    link.ifname,
    link.ifindex,
  ]),
  rules: host.sh('nft list ruleset').stdout,
  forward: host.sh('cat /proc/sys/net/ipv4/ip_forward').stdout,
  routes: host.sh('ip route').stdout,
});

test('stopping keeps the network up, starting adopts it, purging removes it', async () => {
  const bare = kernel();
  const first = await host.up();
  host.weft('network', 'create', 'web');
  for (const name of ['a', 'b'])
    expect(host.weft('sandbox', 'create', name, '--network', 'web')).toMatchObject({ status: 0, stderr: '' });
  const address = JSON.parse(host.weft('sandbox', 'inspect', 'b').stdout)[0].NetworkSettings.Networks.web.IPAddress;
  const up = kernel();
  const key = JSON.parse(host.weft('sandbox', 'inspect', 'a').stdout)[0].NetworkSettings.SandboxKey;

  await first.stop();
  expect(kernel()).toEqual(up);
  expect(host.run('nsenter', [`--net=${key}`, 'ping', '-c1', '-W1', address]).status).toBe(0);

  await host.up();
  expect(kernel()).toEqual(up);
  expect(host.weft('sandbox', 'exec', 'a', '--', 'ping', '-c1', '-W1', address)).toMatchObject({ status: 0 });

  const down = host.weft('down', '--purge', '--run-dir', host.runDir, '--data-dir', host.dataDir);
  expect(down).toMatchObject({ status: 0, stderr: '' });
  expect(kernel()).toEqual(bare);
  expect([existsSync(host.runDir), existsSync(host.dataDir)]).toEqual([false, false]);
});
