// Who reaches whom, with real packets: within a network, across networks, the host, the world behind it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Clients, type Host, joinHosts, makeHost } from '../lib/host.ts';

let host: Host;
let world: Host;
let api: Clients;
const addresses = new Map<string, string>();

/** The network's own settings, and two sandboxes on it. */
const networks: Record<string, object> = {
  one: { ipam: { configs: [{ subnet: '10.1.0.0/24' }, { subnet: 'fd00:1::/64' }] }, enableIpv6: true },
  two: { ipam: { configs: [{ subnet: '10.2.0.0/24' }, { subnet: 'fd00:2::/64' }] }, enableIpv6: true },
  inside: { ipam: { configs: [{ subnet: '10.3.0.0/24' }] }, internal: true },
  quiet: {
    ipam: { configs: [{ subnet: '10.4.0.0/24' }] },
    options: { 'com.docker.network.bridge.enable_icc': 'false' },
  },
  plain: {
    ipam: { configs: [{ subnet: '10.5.0.0/24' }] },
    options: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' },
  },
  six: { ipam: { configs: [{ subnet: 'fd00:6::/64' }] }, enableIpv4: false, enableIpv6: true },
};

beforeAll(async () => {
  host = makeHost();
  world = makeHost();
  joinHosts(host, '192.0.2.1/24', world, '192.0.2.2/24');
  host.sh(
    'ip -6 addr add 2001:db8::1/64 dev $(ip -o link | grep -o "u[0-9a-f]*a@" | tr -d @) nodad && ip route add default via 192.0.2.2',
  );
  world.sh('ip -6 addr add 2001:db8::2/64 dev $(ip -o link | grep -o "u[0-9a-f]*b@" | tr -d @) nodad');
  await host.up();
  api = host.clients();
  for (const [name, spec] of Object.entries(networks)) {
    await api.networks.createNetwork({ spec: { name, ...spec } });
    for (const index of [1, 2]) {
      const { endpoints } = await api.sandboxes.createSandbox({
        spec: { name: `${name}${index}` },
        attachments: [{ network: name }],
      });
      for (const { cidr } of endpoints[0]?.desired?.addresses ?? []) {
        addresses.set(`${name}${index}${cidr.includes(':') ? '/6' : ''}`, cidr.split('/')[0] ?? '');
      }
    }
  }
  addresses
    .set('world', '192.0.2.2')
    .set('world/6', '2001:db8::2')
    .set('gateway of one', '10.1.0.1')
    .set('gateway of two', '10.2.0.1');
});
afterAll(async () => {
  await host.remove();
  await world.remove();
});

const reaches = (from: string, to: string): boolean =>
  host.weft('sandbox', 'exec', from, '--', 'ping', '-c1', '-W1', addresses.get(to) ?? to).status === 0;

test.each([
  ['one1', 'one2', true],
  ['one1', 'one2/6', true],
  ['one1', 'gateway of one', true],
  ['one1', 'two1', false],
  ['one1', 'two1/6', false],
  ['two1', 'one1', false],
  ['one1', 'world', true],
  ['one1', 'world/6', true],
  ['inside1', 'inside2', true],
  ['inside1', 'world', false],
  ['inside1', 'one1', false],
  ['one1', 'inside1', false],
  ['quiet1', 'quiet2', false],
  ['quiet1', 'world', true],
  ['six1', 'six2/6', true],
  ['six1', 'world/6', true],
  ['plain1', 'plain2', true],
])('%s -> %s: %s', (from, to, expected) => {
  expect(reaches(from, to)).toBe(expected);
});

describe('what the world sees', () => {
  /** The source address of a connection from a sandbox, as a server in the world sees it. */
  async function seenFrom(sandbox: string): Promise<string> {
    const serve = `require('net').createServer((s) => { s.end(s.remoteAddress); }).listen(7777, '0.0.0.0', () => console.error('listening'))`;
    const server = await world.start(process.execPath, ['-e', serve], 'listening');
    const ask = `const s = require('net').connect(7777, '192.0.2.2'); s.setTimeout(1000, () => { console.log('nothing'); process.exit() }); s.pipe(process.stdout)`;
    const { stdout } = host.weft('sandbox', 'exec', sandbox, '--', process.execPath, '-e', ask);
    await server.stop();
    return stdout.trim();
  }

  test('a masqueraded network has the host\u2019s address', async () => {
    expect(await seenFrom('one1')).toBe('192.0.2.1');
  });

  test('without masquerade the sandbox has its own, if the world knows the way back', async () => {
    world.sh('ip route add 10.5.0.0/24 via 192.0.2.1');
    // It is established from inside, so the answer is let in; a new connection from outside is not.
    expect(await seenFrom('plain1')).toBe(addresses.get('plain1'));
    expect(world.sh(`ping -c1 -W1 ${addresses.get('plain1')}`, { mayFail: true }).status).not.toBe(0);
  });
});

test('an IPv4-only network keeps the interface\u2019s link-local address and forwards no IPv6', () => {
  const { stdout } = host.weft('sandbox', 'exec', 'plain1', '--', 'ip', '-j', '-6', 'addr', 'show', 'eth0');
  const found = JSON.parse(stdout)[0].addr_info.map((one: { local: string; scope: string }) => [one.local, one.scope]);
  expect(found).toEqual([['fe80::42:aff:fe05:2', 'link']]);
  const acceptRa = host
    .weft('sandbox', 'exec', 'plain1', '--', 'cat', '/proc/sys/net/ipv6/conf/eth0/accept_ra')
    .stdout.trim();
  expect(acceptRa).toBe('0');
});
