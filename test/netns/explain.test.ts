// What `weft explain` says, and what packets do: the two agree for every pair, tried by --probe and, where the other end is
// another machine, by a ping of the test's own.
import { Protocol } from '@weft/proto/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Host, joinHosts, makeHost } from '../lib/host.ts';

let host: Host;
let world: Host;
const addresses = new Map<string, string>();

const option = (name: string, value: string) => ({ [`com.docker.network.bridge.${name}`]: value });
const networks: Record<string, object> = {
  one: { ipam: { configs: [{ subnet: '10.1.0.0/24' }, { subnet: 'fd00:1::/64' }] }, enableIpv6: true },
  two: { ipam: { configs: [{ subnet: '10.2.0.0/24' }, { subnet: 'fd00:2::/64' }] }, enableIpv6: true },
  inside: { ipam: { configs: [{ subnet: '10.3.0.0/24' }] }, internal: true },
  quiet: { ipam: { configs: [{ subnet: '10.4.0.0/24' }] }, options: option('enable_icc', 'false') },
  plain: { ipam: { configs: [{ subnet: '10.5.0.0/24' }] }, options: option('enable_ip_masquerade', 'false') },
  bare: { ipam: { configs: [{ subnet: '10.6.0.0/24' }] }, options: option('inhibit_ipv4', 'true') },
};
const kinds: Record<string, object> = {
  routed: { ipam: { configs: [{ subnet: '10.11.0.0/24' }] }, options: option('gateway_mode_ipv4', 'routed') },
  bared: { ipam: { configs: [{ subnet: '10.12.0.0/24' }] }, options: option('gateway_mode_ipv4', 'nat-unprotected') },
  apart: {
    ipam: { configs: [{ subnet: '10.13.0.0/24' }] },
    internal: true,
    options: option('gateway_mode_ipv4', 'isolated'),
  },
};
const port = (number: number, hostPort: number, hostIp = '', protocol: Protocol = Protocol.TCP) => ({
  protocol,
  port: number,
  hostIp,
  hostPort,
});
/** Sandboxes that publish ports, on their network. */
const publishers: Record<string, [network: string, ports: object[]]> = {
  shop: ['one', [port(80, 8080), port(80, 8081, '127.0.0.1'), port(53, 8053, '', Protocol.UDP)]],
  routed1: ['routed', [port(80, 0)]],
  bared1: ['bared', [port(80, 8090)]],
  apart1: ['apart', []],
  apart2: ['apart', []],
};
/** Sandboxes, by the networks they are on. */
const sandboxes: Record<string, string[]> = {
  ...Object.fromEntries(Object.keys(networks).flatMap((name) => [1, 2].map((index) => [`${name}${index}`, [name]]))),
  both: ['two', 'inside'],
  alone: ['none'],
};

beforeAll(async () => {
  host = makeHost();
  world = makeHost();
  joinHosts(host, '192.0.2.1/24', world, '192.0.2.2/24');
  host.sh('ip route add default via 192.0.2.2');
  await host.up();
  const api = host.clients();
  for (const [name, spec] of Object.entries(networks)) await api.networks.createNetwork({ spec: { name, ...spec } });
  for (const [name, on] of Object.entries(sandboxes)) {
    const { endpoints } = await api.sandboxes.createSandbox({
      spec: { name },
      attachments: on.map((network) => ({ network })),
    });
    addresses.set(name, endpoints[0]?.desired?.addresses[0]?.cidr.split('/')[0] ?? '');
  }
  for (const [name, spec] of Object.entries(kinds)) await api.networks.createNetwork({ spec: { name, ...spec } });
  for (const [name, [network, ports]] of Object.entries(publishers)) {
    const { endpoints } = await api.sandboxes.createSandbox({
      spec: { name },
      attachments: [{ network, spec: { ports } }],
    });
    addresses.set(name, endpoints[0]?.desired?.addresses[0]?.cidr.split('/')[0] ?? '');
  }
});
afterAll(async () => {
  await host.remove();
  await world.remove();
});

function explain(line: string) {
  const { status, stdout, stderr } = host.weft('explain', ...line.split(' '), '--format', 'json');
  expect(stderr).toBe('');
  const answer = JSON.parse(stdout) as {
    reaches: boolean;
    because: string;
    steps: { setting?: string }[];
    probed?: { reaches?: boolean; says: string };
  };
  return { ...answer, status };
}

describe('a probe agrees', () => {
  test.each<[string, boolean]>([
    ['one1 one2', true],
    ['one1 one2 tcp 80', true],
    ['one1 one2 udp 53', true],
    ['one1 one2 tcp 80 --ipv6', true],
    ['one1 one2 --ipv6', true],
    ['one1 one1 tcp 80', true],
    ['one1 127.0.0.1 tcp 80', true],
    ['alone 127.0.0.1 tcp 80', true],
    ['one1 two1', false],
    ['one1 two1 tcp 80', false],
    ['one1 two1 udp 53 --ipv6', false],
    ['one1 host', true],
    ['one1 host tcp 7070', true],
    ['one1 host udp 7070 --ipv6', true],
    ['one1 10.2.0.1', true],
    ['host one1 tcp 80', true],
    ['host one1 --ipv6', true],
    ['host host tcp 7070', true],
    ['host 127.0.0.1 udp 7070', true],
    ['inside1 inside2 tcp 80', true],
    ['inside1 one1', false],
    ['inside1 host', true],
    ['one1 inside1', false],
    ['host inside1 tcp 80', true],
    ['both inside1 tcp 80', true],
    ['both one1', false],
    ['both two1 --ipv6', true],
    ['inside1 both tcp 80', true],
    ['quiet1 quiet2', false],
    ['quiet1 quiet2 tcp 80', false],
    ['quiet1 host', true],
    ['quiet1 one1', false],
    ['plain1 plain2 udp 53', true],
    ['plain1 one1', false],
    ['bare1 bare2 tcp 80', true],
    ['host bare1 tcp 80', false],
    ['two1 host tcp 8080', true],
    ['one2 host tcp 8080', true],
    ['two1 host tcp 8080 --ipv6', true],
    ['two1 host udp 8053', true],
    ['inside1 host tcp 8080', false],
    ['two1 host tcp 8081', true],
    ['host 127.0.0.1 tcp 8081', true],
    ['host 127.0.0.1 tcp 8080', true],
    ['host host tcp 8080', true],
    ['host host tcp 8080 --ipv6', true],
    ['two1 shop tcp 80', false],
    ['one1 routed1 tcp 80', true],
    ['one1 routed1 tcp 81', false],
    ['one1 routed1', true],
    ['routed1 one1 tcp 80', false],
    ['one1 bared1 tcp 81', true],
    ['two1 host tcp 8090', true],
    ['apart1 apart2 tcp 80', true],
    ['host apart1', false],
  ])('%s: %s', (line, expected) => {
    const { reaches, probed, status } = explain(`${line} --probe`);
    expect([reaches, probed?.reaches, status]).toEqual([expected, expected, expected ? 0 : 1]);
  });
});

describe('a ping agrees where no probe can be set up', () => {
  test.each([
    ['one1', true],
    ['two1', true],
    ['inside1', false],
    ['both', true],
    ['quiet1', true],
    ['bare1', false],
    ['bared1', true],
    ['apart1', false],
  ])('%s to the world: %s', (from, expected) => {
    const answer = explain(`${from} 192.0.2.2 --probe`);
    const ping = host.weft('sandbox', 'exec', from, '--', 'ping', '-n', '-c1', '-W1', '192.0.2.2');
    expect([answer.reaches, ping.status === 0, answer.probed?.reaches]).toEqual([expected, expected, undefined]);
    expect(explain(`${from} outside`).reaches).toBe(expected);
  });

  test.each([
    ['one1', false],
    ['inside1', false],
    ['quiet1', false],
    ['plain1', false],
    ['routed1', true],
    ['bared1', true],
    ['apart1', false],
  ])('the world to %s: %s', (to, expected) => {
    world.sh('ip route replace 10.0.0.0/8 via 192.0.2.1');
    const ping = world.run('ping', ['-n', '-c1', '-W1', addresses.get(to) ?? ''], { mayFail: true });
    expect([explain(`outside ${to}`).reaches, ping.status === 0]).toEqual([expected, expected]);
  });

  test.each(['plain1', 'routed1'])('%s: without masquerade an answer comes back if the world knows the way', (from) => {
    world.sh('ip route replace 10.0.0.0/8 via 192.0.2.1');
    const answer = explain(`${from} 192.0.2.2`);
    const ping = host.weft('sandbox', 'exec', from, '--', 'ping', '-n', '-c1', '-W1', '192.0.2.2');
    expect([answer.reaches, ping.status]).toEqual([true, 0]);
  });
});

test.each<[string, boolean, string]>([
  ['outside host tcp 8080', true, 'endpoint shop: published 0.0.0.0:8080 -> 80/tcp'],
  ['outside host tcp 8081', true, ''],
  ['outside routed1 tcp 80', true, 'network routed: com.docker.network.bridge.gateway_mode_ipv4=routed'],
  ['outside bared1 tcp 81', true, 'network bared: com.docker.network.bridge.gateway_mode_ipv4=nat-unprotected'],
  ['outside one1 tcp 80', false, 'network one: com.docker.network.bridge.gateway_mode_ipv4=nat'],
])('%s: %s, by %s', (line, expected, setting) => {
  const answer = explain(line);
  expect(answer.reaches).toBe(expected);
  expect(answer.steps.map((step) => step.setting ?? '').join('; ')).toContain(setting);
});

test('people read why, and which setting', () => {
  const { stdout, status } = host.weft('explain', 'quiet1', 'quiet2', 'tcp', '80', '--probe');
  expect(status).toBe(1);
  expect(stdout).toContain('quiet1 reaches quiet2 (10.4.0.3) tcp 80: no\nbecause quiet keeps its sandboxes');
  expect(stdout).toContain('network quiet: com.docker.network.bridge.enable_icc=false\n');
  expect(stdout).toMatch(/\nprobe: does not reach: tcp 10\.4\.0\.3 port 80: (EHOSTUNREACH|no answer for 1000 ms)\n$/);
});

test('a packet that does otherwise is told, with exit code 2', () => {
  // Somebody else's rule, which HostState does not hold.
  host.sh('nft add table inet other && nft add chain inet other in "{ type filter hook input priority 0; }"');
  host.sh('nft add rule inet other in ip saddr 10.1.0.0/24 drop');
  const { status, stdout } = host.weft('explain', 'one1', 'host', 'tcp', '7070', '--probe');
  host.sh('nft delete table inet other');
  expect([status, stdout.split('\n').at(-2)]).toEqual([
    2,
    'probe: does not reach: tcp 10.1.0.1 port 7070: no answer for 1000 ms (DISAGREES with the above)',
  ]);
});

test.each([
  ['nobody host', 'not found', 1],
  ['host nobody', 'not found', 1],
  ['one1 one2 tcp', 'invalid argument', 1],
  ['one1 one2 tcp 0', 'invalid argument', 1],
  ['one1 one2 tcp 65536', 'invalid argument', 1],
  ['one1 one2 http 80', 'invalid argument', 1],
  ['one1 one2 icmp 80', 'invalid argument', 1],
  ['one1 inside1 --ipv6', 'invalid argument', 1],
  ['one1 one2 --ipv6 --ipv4', 'invalid argument', 1],
  ['10.1.0.2 one1', 'invalid argument', 1],
  ['outside outside', 'invalid argument', 1],
  ['one1 one2 --host nowhere', 'not found', 1],
  ['one1 one2 --format yaml', 'invalid argument', 1],
])('%s is refused: %s', (line, code, exitCode) => {
  const { status, stdout, stderr } = host.weft('explain', ...line.split(' '));
  expect([status, stdout, stderr.split(']')[0]]).toEqual([exitCode, '', `[${code}`]);
});

test('what cannot be tried says why', () => {
  const says = (line: string) => explain(`${line} --probe`).probed;
  expect(says('one1 one2 sctp 80')).toEqual({ says: 'sctp is not tried' });
  expect(says('one1 outside')?.says).toContain('no address that could be tried');
  expect(says('apart1 host')?.says).toContain('no address that could be tried');
  expect(says('outside one1')?.says).toContain('another machine');
});
