// The rules of `table inet weft-services` on a host: ports of the host that lead to services. A table of its own, so that a service
// that changes touches none of weft's other rules; its chains stand just before those of `table inet weft`.
//   prerouting    traffic from elsewhere to a service's port     output   the host's own traffic to one
//   publish       host port to service, for both
//   keep_*        notes which backend a client went to, where a service is sticky
// Beside these each service has chains of its own, which choose a backend.
import type { NftSet } from './nft-sets.ts';
import type { Chain, Rule } from './ruleset.ts';

export const SERVICES_TABLE = 'weft-services';
/** The chain that the agent fills with a rule for each port of a sticky service. */
export const KEEP_CHAIN = 'keep';

const rule = (id: string, nft: string, says: string): Rule => ({ id, nft, says });

export const serviceChains: readonly Chain[] = [
  {
    name: 'prerouting',
    hook: 'type nat hook prerouting priority dstnat - 1; policy accept;',
    says: 'the first packet of each connection that arrives',
    rules: [
      rule(
        'service-loopback-port',
        'iifname != "lo" ip daddr 127.0.0.0/8 return',
        'a port published on the loopback is not there for other machines',
      ),
      rule(
        'service-to-host',
        'fib daddr type local jump publish',
        'what is addressed to the host may be for a port of a service',
      ),
    ],
  },
  {
    name: 'output',
    hook: 'type nat hook output priority -101; policy accept;',
    says: 'the first packet of each connection of the host itself',
    rules: [
      rule(
        'service-from-host',
        'fib daddr type local jump publish',
        'the host reaches the ports of its services like everybody',
      ),
    ],
  },
  {
    name: 'publish',
    says: 'from host port to service: one lookup, however many ports there are',
    rules: [
      rule(
        'service-port-of-address4',
        'ip daddr . meta l4proto . th dport vmap @ports4',
        'a port of a service on one IPv4 address of the host',
      ),
      rule(
        'service-port-of-any4',
        'meta nfproto ipv4 meta l4proto . th dport vmap @ports4_any',
        'a port of a service on every IPv4 address of the host',
      ),
      rule('service-link-local', 'ip6 saddr fe80::/10 return', 'an answer could not be routed to a link-local address'),
      rule(
        'service-loopback6',
        'ip6 daddr ::1 return',
        'the kernel cannot redirect ::1: refused at once, not lost on the way',
      ),
      rule(
        'service-port-of-address6',
        'ip6 daddr . meta l4proto . th dport vmap @ports6',
        'a port of a service on one IPv6 address of the host',
      ),
      rule(
        'service-port-of-any6',
        'meta nfproto ipv6 meta l4proto . th dport vmap @ports6_any',
        'a port of a service on every IPv6 address of the host',
      ),
    ],
  },
  {
    name: KEEP_CHAIN,
    says: 'new connections to ports of sticky services, one rule a port: who went where is noted for the next time',
    rules: [],
  },
  {
    name: 'keep_prerouting',
    hook: 'type filter hook prerouting priority dstnat + 50; policy accept;',
    says: 'what arrived, once it is known which backend it goes to',
    rules: [
      rule('keep-to-host', 'ct state new ct status dnat jump keep', 'a client that sticks to a backend is remembered'),
    ],
  },
  {
    name: 'keep_output',
    hook: 'type filter hook output priority filter; policy accept;',
    says: 'the same for what the host itself sends',
    rules: [rule('keep-from-host', 'ct state new ct status dnat jump keep', 'the host is a client like others')],
  },
];

export const servicePortMaps = [
  {
    name: 'ports4',
    key: ['ipv4_addr', 'inet_proto', 'inet_service'],
    data: ['verdict'],
    meaning: 'the port of this address of the host leads to a service',
  },
  {
    name: 'ports4_any',
    key: ['inet_proto', 'inet_service'],
    data: ['verdict'],
    meaning: 'the port of every IPv4 address of the host leads to a service',
  },
  {
    name: 'ports6',
    key: ['ipv6_addr', 'inet_proto', 'inet_service'],
    data: ['verdict'],
    meaning: 'the port of this address of the host leads to a service',
  },
  {
    name: 'ports6_any',
    key: ['inet_proto', 'inet_service'],
    data: ['verdict'],
    meaning: 'the port of every IPv6 address of the host leads to a service',
  },
] as const satisfies readonly NftSet[];
