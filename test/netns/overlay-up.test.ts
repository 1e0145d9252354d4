// An overlay on one machine alone, as a person makes it.
import { afterEach, expect, test } from 'vitest';
import { type Host, makeHost } from '../lib/host.ts';

let host: Host | undefined;
afterEach(async () => {
  await host?.remove();
  host = undefined;
});

test('weft network create -d overlay: where the host can be reached by others, and where it cannot', async () => {
  host = makeHost();
  const weft = await host.up();
  expect(host.weft('network', 'create', '-d', 'overlay', 'mesh').status).toBe(0);
  expect(host.weft('network', 'ls').stdout).toMatch(/mesh +overlay +global/);
  const refused = host.weft('sandbox', 'create', 'a', '--network', 'mesh');
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toContain('has no address at which other hosts reach it');
  expect(host.weft('sandbox', 'ls', '-q').stdout).toBe('');

  await weft.stop();
  host.sh('ip link add under type bridge; ip addr add 192.0.2.1/24 dev under; ip link set under up');
  host.sh('ip route add default via 192.0.2.254');
  await host.up();
  for (const name of ['a', 'b']) {
    const made = host.weft('sandbox', 'create', name, '--network', 'mesh');
    expect(made.stderr).toBe('');
  }
  expect(host.weft('sandbox', 'exec', 'a', '--', 'ping', '-c1', '-W2', 'b').stdout).toContain('1 received');
  expect(host.sh('ip -d link show type vxlan').stdout).toContain('local 192.0.2.1');
});
