// The sets and maps of `table inet weft` on a host: what elements drivers may emit and what the agent declares.
//   bridges           every bridge of weft's           forward: what leaves by one is dropped unless let through
//   bridge_pairs      in . out : verdict               "br . br : accept" lets a network's sandboxes talk (br_netfilter)
//   internal_bridges  bridges cut off from outside     nothing is forwarded from or to them, established or not
//   masquerade4/6     source subnets                   what leaves by no bridge of weft's gets the host's address

/** A field's type in nft's own words; a prefix field takes ADDRESS/LENGTH (an interval set). */
export type NftField = 'ifname' | 'ipv4_prefix' | 'ipv6_prefix' | 'verdict';

export interface NftSet {
  readonly name: string;
  readonly key: readonly NftField[];
  /** For maps; absent for sets. */
  readonly data?: readonly NftField[];
  /** What an element says, one sentence. */
  readonly meaning: string;
}

export const nftSets = [
  { name: 'bridges', key: ['ifname'], meaning: 'the interface is a bridge of weft' },
  {
    name: 'bridge_pairs',
    key: ['ifname', 'ifname'],
    data: ['verdict'],
    meaning: 'what comes in by the first bridge and leaves by the second gets this verdict',
  },
  { name: 'internal_bridges', key: ['ifname'], meaning: 'nothing is forwarded from or to this bridge' },
  { name: 'masquerade4', key: ['ipv4_prefix'], meaning: 'what leaves the host from here gets its IPv4 address' },
  { name: 'masquerade6', key: ['ipv6_prefix'], meaning: 'what leaves the host from here gets its IPv6 address' },
] as const satisfies readonly NftSet[];

export type NftSetName = (typeof nftSets)[number]['name'];
