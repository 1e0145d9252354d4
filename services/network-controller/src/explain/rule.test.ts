import { chains, hostObject, portElement } from '@weft/hoststate';
import { Protocol } from '@weft/proto/model';
import { describe, expect, test } from 'vitest';
import type { Packet } from './packet.ts';
import { readRule } from './rule.ts';
import { setsOf } from './sets.ts';

const packet: Packet = {
  family: 4,
  protocol: 'tcp',
  port: 80,
  source: '10.1.0.2',
  destination: '10.1.0.3',
  iif: 'br-a',
  oif: 'br-b',
  oifKind: 'bridge',
  isLocal: false,
  mark: 0,
  established: false,
  translated: false,
};
const element = (set: string, key: string[], data: string[] = []) =>
  hostObject({ $case: 'nftElement', value: { set, key, data } });
const port = { protocol: Protocol.TCP, hostIp: '0.0.0.0', hostPort: 80, targetIp: '10.1.0.3', targetPort: 8080 };
const sets = setsOf([
  element('bridges', ['br-a']),
  element('bridge_pairs', ['br-a', 'br-a'], ['drop']),
  element('masquerade4', ['10.1.0.0/24']),
  element('open4', ['10.1.0.3', 'tcp', '80']),
  hostObject({ $case: 'port', value: port }),
]);

test.each(chains.flatMap(({ name, rules }) => rules.map((rule) => [name, rule.id, rule.nft])))(
  'the rule %s/%s is read, and its sets are declared',
  (_chain, _id, text) => {
    const program = readRule(text);
    for (const family of [4, 6] as const)
      for (const established of [true, false])
        expect(() => program({ ...packet, family, established, mark: -1, translated: true }, sets)).not.toThrow();
  },
);

test.each([
  ['iifname @bridges queue'],
  ['ip ttl 3 drop'],
  ['iifname @bridges'],
  ['ip daddr 10.0.0.0/8 drop'],
  ['iifname . oifname "a" drop'],
  ['dnat ip to ip daddr . th sport map @ports4'],
  ['accept drop'],
  [''],
])('"%s" is refused', (text) => expect(() => readRule(text)).toThrow(TypeError));

describe('a rule and a packet', () => {
  test.each<[string, Partial<Packet>, string | undefined]>([
    ['iifname @bridges drop', {}, 'drop'],
    ['oifname @bridges drop', {}, undefined],
    ['oifname != @bridges drop', {}, 'drop'],
    ['iifname != "lo" drop', {}, 'drop'],
    ['iifname != "lo" drop', { iif: 'lo' }, undefined],
    ['iifname . oifname vmap @bridge_pairs', { oif: 'br-a' }, 'drop'],
    ['iifname . oifname vmap @bridge_pairs', {}, undefined],
    ['ip saddr @masquerade4 masquerade', {}, 'masquerade'],
    ['ip saddr @masquerade4 masquerade', { source: '10.2.0.1' }, undefined],
    ['ip6 saddr @masquerade4 masquerade', {}, undefined],
    ['ip daddr 127.0.0.0/8 drop', { destination: '127.9.9.9' }, 'drop'],
    ['ip daddr 127.0.0.0/8 drop', {}, undefined],
    ['ip6 saddr fe80::/10 return', { family: 6, source: 'fe80::1' }, 'return'],
    ['ip daddr . meta l4proto . th dport @open4 accept', {}, 'accept'],
    ['ip daddr . meta l4proto . th dport @open4 accept', { protocol: 'udp' }, undefined],
    ['ip daddr . meta l4proto . th dport @open4 accept', { protocol: 'icmp', port: 0 }, undefined],
    ['meta l4proto ipv6-icmp accept', { protocol: 'icmp', family: 6 }, 'accept'],
    ['meta nfproto ipv6 accept', {}, undefined],
    ['fib daddr type local jump publish', { isLocal: true }, 'jump'],
    ['ct state established,related accept', { established: true }, 'accept'],
    ['ct state established,related accept', {}, undefined],
    ['ct status dnat accept', { translated: true }, 'accept'],
    ['meta mark & 0x6 == 0x6 accept', { mark: 7 }, 'accept'],
    ['meta mark & 0x6 == 0x6 accept', { mark: 5 }, undefined],
    ['meta oifkind != "bridge" drop', {}, undefined],
    // The kernel gives an interface of no kind (hardware) no name of one, and the rule passes it over.
    ['meta oifkind != "bridge" drop', { oifKind: undefined }, undefined],
    ['meta mark set meta mark | 0x10', {}, 'mark'],
    ['dnat ip to ip daddr . meta l4proto . th dport map @ports4', {}, undefined],
  ])('%s, %j: %s', (text, change, does) => {
    expect(readRule(text)({ ...packet, ...change }, sets)?.action.does).toBe(does);
  });

  test('a published port leads to the sandbox, by the object of the port', () => {
    const effect = readRule('meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports4_any')(packet, sets);
    expect(effect?.action).toEqual({ does: 'dnat', address: '10.1.0.3', port: 8080 });
    expect(effect?.elements.map(({ object }) => object)).toEqual(['port/tcp/0.0.0.0/80']);
    expect(portElement(port).set).toBe('ports4_any');
  });
});
