// The rules of `table inet weft`: the same on every host, whatever its networks; what differs are the elements of the sets.
// Each rule is text for nft and a sentence for people. The rule book, `explain` and the agent all read it from here.
//   raw           what may not even be looked at
//   prerouting    traffic from elsewhere to a published port     output       the host's own traffic to one
//   publish       host port to sandbox, for both
//   marking       tells other tables' rules what weft decides    forward      who reaches whom
//   postrouting   source addresses of what leaves

export interface Rule {
  readonly id: string;
  readonly nft: string;
  /** What the rule does and why, one sentence. */
  readonly says: string;
}

export interface Chain {
  readonly name: string;
  /** Where the kernel calls it; absent for one that others jump to. */
  readonly hook?: string;
  readonly says: string;
  readonly rules: readonly Rule[];
}

/** Forwarded packets that weft decides about carry it: others' tables can let them pass by one rule. */
export const FORWARD_MARK = 0x4e000000;
/** Forwarded packets that carry it are let pass: an administrator's word against weft's. */
export const ACCEPT_MARK = 0x57000000;

/** Forwarded packets for a published port of the network they come from. With br_netfilter such a packet is bridged. */
/** Set on a packet whose answer must come back by this host. */
export const HAIRPIN_MARK = 0xa0000000;

const hex = (mark: number): string => `0x${mark.toString(16)}`;
const rule = (id: string, nft: string, says: string): Rule => ({ id, nft, says });

const drop127 = 'a bridge can carry 127.0.0.0/8 for ports published on the loopback: no sandbox may use that to reach';

export const chains: readonly Chain[] = [
  {
    name: 'raw',
    hook: 'type filter hook prerouting priority raw; policy accept;',
    says: 'every packet that arrives, before anything else looks at it',
    rules: [
      rule('loopback-to', 'iifname @bridges ip daddr 127.0.0.0/8 drop', `${drop127} programs of the host`),
      rule('loopback-from', 'iifname @bridges ip saddr 127.0.0.0/8 drop', `${drop127} the host under its own name`),
    ],
  },
  {
    name: 'prerouting',
    hook: 'type nat hook prerouting priority dstnat; policy accept;',
    says: 'the first packet of each connection that arrives',
    rules: [
      rule(
        'loopback-port',
        'iifname != "lo" ip daddr 127.0.0.0/8 return',
        'a port published on the loopback is not there for other machines',
      ),
      rule('to-host', 'fib daddr type local jump publish', 'what is addressed to the host may be for a published port'),
    ],
  },
  {
    name: 'output',
    hook: 'type nat hook output priority -100; policy accept;',
    says: 'the first packet of each connection of the host itself',
    rules: [
      rule('from-host', 'fib daddr type local jump publish', 'the host reaches its own published ports like everybody'),
    ],
  },
  {
    name: 'publish',
    says: 'from host port to sandbox: one lookup, however many ports there are',
    rules: [
      rule(
        'port-of-address4',
        'dnat ip to ip daddr . meta l4proto . th dport map @ports4',
        'a port published on one IPv4 address of the host',
      ),
      rule(
        'port-of-any4',
        'meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports4_any',
        'a port published on every IPv4 address of the host',
      ),
      rule('link-local', 'ip6 saddr fe80::/10 return', 'an answer could not be routed to a link-local address'),
      rule('loopback6', 'ip6 daddr ::1 return', 'the kernel cannot redirect ::1: refused at once, not lost on the way'),
      rule(
        'port-of-address6',
        'dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6',
        'a port published on one IPv6 address of the host',
      ),
      rule(
        'port-of-any6',
        'meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @ports6_any',
        'a port published on every IPv6 address of the host',
      ),
    ],
  },
  {
    name: 'marking',
    hook: 'type filter hook forward priority filter - 5; policy accept;',
    says: 'before the rules of others: packets about which weft decides get a mark, so that one rule of theirs lets them pass',
    rules: [
      rule(
        'mark-in',
        `oifname @bridges meta mark set meta mark | ${hex(FORWARD_MARK)}`,
        'what goes to a bridge of weft is decided below',
      ),
      rule('others', 'meta oifkind "bridge" return', 'what goes to a bridge of others is for them to decide'),
      rule(
        'mark-out',
        `iifname @bridges meta mark set meta mark | ${hex(FORWARD_MARK)}`,
        'what leaves for the world may leave',
      ),
    ],
  },
  {
    name: 'forward',
    hook: 'type filter hook forward priority filter; policy accept;',
    says: 'who reaches whom; what touches no bridge of weft passes',
    rules: [
      rule(
        'administrator',
        `meta mark & ${hex(ACCEPT_MARK)} == ${hex(ACCEPT_MARK)} accept`,
        'an administrator marked it in table inet weft-user: it passes',
      ),
      rule(
        'internal-out',
        'iifname @internal_bridges oifname != @internal_bridges drop',
        'nothing leaves an internal network',
      ),
      rule(
        'internal-in',
        'oifname @internal_bridges iifname != @internal_bridges drop',
        'nothing enters an internal network',
      ),
      rule(
        'hairpin-mark',
        `ct status dnat iifname . oifname @hairpins meta mark set meta mark | ${hex(HAIRPIN_MARK)}`,
        'a published port asked for by its own network: noted here, since later it is not always known where it came from',
      ),
      rule(
        'pairs',
        'iifname . oifname vmap @bridge_pairs',
        'within a network: sandboxes talk to each other, or not (inter-container communication)',
      ),
      rule('published', 'oifname @bridges ct status dnat accept', 'connections to published ports pass'),
      rule('internal-pairs', 'iifname @internal_bridges drop', 'nothing passes from one internal network to another'),
      rule(
        'answers',
        'oifname @bridges ct state established,related accept',
        'answers to what a sandbox asked for pass',
      ),
      rule(
        'unprotected4',
        'meta nfproto ipv4 oifname @unprotected4 accept',
        'gateway mode nat-unprotected: every IPv4 port can be reached directly',
      ),
      rule(
        'unprotected6',
        'meta nfproto ipv6 oifname @unprotected6 accept',
        'gateway mode nat-unprotected: every IPv6 port can be reached directly',
      ),
      rule('routed-icmp4', 'oifname @routed4 meta l4proto icmp accept', 'gateway mode routed: ICMP passes'),
      rule('routed-icmp6', 'oifname @routed6 meta l4proto ipv6-icmp accept', 'gateway mode routed: ICMPv6 passes'),
      rule(
        'routed4',
        'oifname @routed4 ip daddr . meta l4proto . th dport @open4 accept',
        'gateway mode routed: published ports are reached at the address of the sandbox',
      ),
      rule(
        'routed6',
        'oifname @routed6 ip6 daddr . meta l4proto . th dport @open6 accept',
        'gateway mode routed: published ports are reached at the address of the sandbox',
      ),
      rule(
        'trusted4',
        'iifname . oifname @trusted ip daddr . meta l4proto . th dport @open4 accept',
        'from a trusted interface, published ports are reached at the address of the sandbox',
      ),
      rule(
        'trusted6',
        'iifname . oifname @trusted ip6 daddr . meta l4proto . th dport @open6 accept',
        'from a trusted interface, published ports are reached at the address of the sandbox',
      ),
      rule('isolation', 'oifname @bridges drop', 'all else does not reach a sandbox'),
    ],
  },
  {
    name: 'postrouting',
    hook: 'type nat hook postrouting priority srcnat; policy accept;',
    says: 'the first packet of each connection that leaves',
    rules: [
      rule(
        'hairpin',
        `meta mark & ${hex(HAIRPIN_MARK)} == ${hex(HAIRPIN_MARK)} masquerade`,
        'a sandbox that asks for a port of its own network by way of the host gets the answer by way of the host',
      ),
      rule(
        'loopback',
        'oifname @bridges ip saddr 127.0.0.0/8 masquerade',
        'what the host sends from its loopback gets an address that can be answered',
      ),
      rule(
        'snat4',
        'oifname != @bridges snat ip to ip saddr map @snat4',
        'the network leaves with the address it was given',
      ),
      rule(
        'snat6',
        'oifname != @bridges snat ip6 to ip6 saddr map @snat6',
        'the network leaves with the address it was given',
      ),
      rule(
        'masquerade4',
        'ip saddr @masquerade4 oifname != @bridges masquerade',
        'the network leaves with the address of the host',
      ),
      rule(
        'masquerade6',
        'ip6 saddr @masquerade6 oifname != @bridges masquerade',
        'the network leaves with the address of the host',
      ),
    ],
  },
];
