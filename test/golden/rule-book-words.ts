// The words of docs/firewall.md that are not the rules': a sentence for each element, the kinds of network, the examples.
import { ACCEPT_MARK, type NftSetName, type PortMapName } from '@weft/hoststate';
import type { CaseName } from './bridge-cases.ts';

type Sentence = (key: readonly string[], data: readonly string[]) => string;
const target = ([address = '', port]: readonly string[]) =>
  `port ${port} of ${address.includes(':') ? `[${address}]` : address}`;

export const sentences: Readonly<Record<NftSetName | PortMapName, Sentence>> = {
  bridges: () => 'the network has this bridge: what would leave by it is dropped unless a rule lets it pass',
  bridge_pairs: (_, [verdict]) =>
    verdict === 'accept'
      ? 'sandboxes of the network talk to each other'
      : 'sandboxes of the network do not talk to each other',
  hairpins: () => 'a sandbox reaches ports of its own network at the address of the host',
  internal_bridges: () => 'nothing is forwarded between this bridge and any other interface',
  unprotected4: () => 'every IPv4 port of its sandboxes can be reached directly, published or not',
  unprotected6: () => 'every IPv6 port of its sandboxes can be reached directly, published or not',
  routed4: () => 'ICMP reaches its sandboxes, and so do open ports, at their own IPv4 addresses',
  routed6: () => 'ICMPv6 reaches its sandboxes, and so do open ports, at their own IPv6 addresses',
  trusted: ([from]) => `from ${from}, open ports of its sandboxes are reached directly`,
  open4: ([address = '', protocol, port = '']) => `${target([address, port])} is open for ${protocol}`,
  open6: ([address = '', protocol, port = '']) => `${target([address, port])} is open for ${protocol}`,
  snat4: (_, [address]) => `what leaves the host from this subnet gets the address ${address}`,
  snat6: (_, [address]) => `what leaves the host from this subnet gets the address ${address}`,
  masquerade4: () => 'what leaves the host from this subnet gets the IPv4 address it leaves by',
  masquerade6: () => 'what leaves the host from this subnet gets the IPv6 address it leaves by',
  ports4: ([address, protocol, port], data) => `${protocol} port ${port} of ${address} leads to ${target(data)}`,
  ports4_any: ([protocol, port], data) => `${protocol} port ${port} of every IPv4 address leads to ${target(data)}`,
  ports6: ([address, protocol, port], data) => `${protocol} port ${port} of [${address}] leads to ${target(data)}`,
  ports6_any: ([protocol, port], data) => `${protocol} port ${port} of every IPv6 address leads to ${target(data)}`,
};

export const kinds: readonly { title: string; name: CaseName; says: string }[] = [
  {
    title: 'Plain',
    name: 'plain',
    says: 'No options: sandboxes talk to each other and to the world; nobody reaches them.',
  },
  { title: 'Dual-stack', name: 'dual-stack', says: '`--ipv6`: the same for both families.' },
  { title: 'IPv6 only', name: 'ipv6-only', says: '`--ipv4=false --ipv6`.' },
  {
    title: 'Internal',
    name: 'internal',
    says: '`--internal`: sandboxes talk to each other and to nobody else. Published ports are not published.',
  },
  {
    title: 'Without inter-container communication',
    name: 'icc-off',
    says: '`enable_icc=false`: the verdict for what is routed; what is switched within the bridge is stopped by its isolated ports.',
  },
  {
    title: 'Without masquerading',
    name: 'no-masquerade',
    says: '`enable_ip_masquerade=false`: what leaves keeps the address of the sandbox; the routers around must know the way back.',
  },
  {
    title: 'With a source address',
    name: 'host-ipv4-and-ipv6',
    says: '`host_ipv4=192.0.2.9`, `host_ipv6=2001:db8::9`: in place of masquerading.',
  },
  {
    title: 'Gateway mode nat-unprotected',
    name: 'nat-unprotected-ipv4',
    says: '`gateway_mode_ipv4=nat-unprotected`, a port 8080:80: as nat, and whoever has a route reaches every IPv4 port.',
  },
  {
    title: 'Gateway mode routed',
    name: 'routed-both',
    says: '`gateway_mode_ipv4=routed`, `gateway_mode_ipv6=routed`, a port 8080:80: no NAT and no port of the host; the port is open at the sandbox.',
  },
  {
    title: 'Gateway mode isolated',
    name: 'isolated-both',
    says: '`--internal`, `gateway_mode_ipv4=isolated`, `gateway_mode_ipv6=isolated`: as internal, and the host has no address in the network.',
  },
  {
    title: 'Trusted interfaces',
    name: 'trusted',
    says: '`trusted_host_interfaces=eth1:vlan.7`, a port 8080:80: from those the port is reached at the sandbox too.',
  },
  {
    title: 'Published ports',
    name: 'ports-every-form',
    says: 'Ports on every address, on one, of one family, of every transport; the network is dual-stack.',
  },
  {
    title: 'Published on the loopback',
    name: 'ports-loopback',
    says: '`-p 127.0.0.1:8080:80`: for programs of the host alone. Rule `loopback-port` keeps other machines out, `route_localnet` lets the host in.',
  },
];

const chain = (...rules: string[]) => [
  'table inet weft-user {',
  '  chain forward {',
  '    type filter hook forward priority filter - 10; policy accept;',
  ...rules.map((rule) => `    ${rule}`),
  '  }',
  '}',
];
const pass = `meta mark set meta mark | 0x${ACCEPT_MARK.toString(16)}`;

export const examples: readonly { title: string; nft: readonly string[]; says: string }[] = [
  {
    title: 'Keep strangers from a published port',
    nft: chain(
      'iifname "eth0" ip saddr != 198.51.100.0/24 ct direction original meta l4proto tcp ct original proto-dst 8080 drop',
    ),
    says: 'Port 8080 of the host is published; from `eth0` only the office, 198.51.100.0/24, gets to it. Sandboxes and the host itself still do.',
  },
  {
    title: 'Let a monitor into a network',
    nft: chain(`iifname "eth1" ip saddr 192.0.2.50 oifname "br-aaaaaaaaaaaa" ${pass}`),
    says: 'The monitor at 192.0.2.50, behind `eth1`, reaches every port of every sandbox of the network at its own address, though the network is in mode nat. Answers pass by themselves. It needs a route to the subnet.',
  },
];
