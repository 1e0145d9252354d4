// The sets and maps of `table inet weft` on a host: what drivers may emit elements for and what the agent declares.
// What the rules make of them stands in ruleset.ts.

/** A field's type in nft's own words; a prefix field takes ADDRESS/LENGTH (an interval set). */
export type NftField =
  | 'ifname'
  | 'ipv4_prefix'
  | 'ipv6_prefix'
  | 'ipv4_addr'
  | 'ipv6_addr'
  | 'inet_proto'
  | 'inet_service'
  | 'verdict';

export interface NftSet {
  readonly name: string;
  readonly key: readonly NftField[];
  /** For maps; absent for sets. */
  readonly data?: readonly NftField[];
  /** What an element says, one sentence. */
  readonly meaning: string;
}

/** Elements are objects of their own, emitted by drivers. */
export const nftSets = [
  { name: 'bridges', key: ['ifname'], meaning: 'the interface is a bridge of weft' },
  {
    name: 'bridge_pairs',
    key: ['ifname', 'ifname'],
    data: ['verdict'],
    meaning: 'what comes in by the first bridge and leaves by the second gets this verdict',
  },
  {
    name: 'hairpins',
    key: ['ifname', 'ifname'],
    meaning: 'a published port asked for by its own network is answered by way of the host; the two are one bridge',
  },
  { name: 'internal_bridges', key: ['ifname'], meaning: 'nothing is forwarded from or to this bridge' },
  { name: 'unprotected4', key: ['ifname'], meaning: 'all IPv4 is forwarded to this bridge' },
  { name: 'unprotected6', key: ['ifname'], meaning: 'all IPv6 is forwarded to this bridge' },
  { name: 'routed4', key: ['ifname'], meaning: 'open ports and ICMP of IPv4 are forwarded to this bridge' },
  { name: 'routed6', key: ['ifname'], meaning: 'open ports and ICMP of IPv6 are forwarded to this bridge' },
  {
    name: 'trusted',
    key: ['ifname', 'ifname'],
    meaning: 'open ports of the second interface are reached directly from the first',
  },
  {
    name: 'open4',
    key: ['ipv4_addr', 'inet_proto', 'inet_service'],
    meaning: 'the port of the sandbox is open where its network is reached directly',
  },
  {
    name: 'open6',
    key: ['ipv6_addr', 'inet_proto', 'inet_service'],
    meaning: 'the port of the sandbox is open where its network is reached directly',
  },
  {
    name: 'snat4',
    key: ['ipv4_prefix'],
    data: ['ipv4_addr'],
    meaning: 'what leaves the host from here gets this IPv4 address',
  },
  {
    name: 'snat6',
    key: ['ipv6_prefix'],
    data: ['ipv6_addr'],
    meaning: 'what leaves the host from here gets this IPv6 address',
  },
  { name: 'masquerade4', key: ['ipv4_prefix'], meaning: 'what leaves the host from here gets its IPv4 address' },
  { name: 'masquerade6', key: ['ipv6_prefix'], meaning: 'what leaves the host from here gets its IPv6 address' },
] as const satisfies readonly NftSet[];

export type NftSetName = (typeof nftSets)[number]['name'];

/** Elements are made by the agent from `port` objects, once it holds the host port. */
export const portMaps = [
  {
    name: 'ports4',
    key: ['ipv4_addr', 'inet_proto', 'inet_service'],
    data: ['ipv4_addr', 'inet_service'],
    meaning: 'the port of this address of the host leads to this port of a sandbox',
  },
  {
    name: 'ports4_any',
    key: ['inet_proto', 'inet_service'],
    data: ['ipv4_addr', 'inet_service'],
    meaning: 'the port of every IPv4 address of the host leads to this port of a sandbox',
  },
  {
    name: 'ports6',
    key: ['ipv6_addr', 'inet_proto', 'inet_service'],
    data: ['ipv6_addr', 'inet_service'],
    meaning: 'the port of this address of the host leads to this port of a sandbox',
  },
  {
    name: 'ports6_any',
    key: ['inet_proto', 'inet_service'],
    data: ['ipv6_addr', 'inet_service'],
    meaning: 'the port of every IPv6 address of the host leads to this port of a sandbox',
  },
] as const satisfies readonly NftSet[];

export type PortMapName = (typeof portMaps)[number]['name'];
