// The rule set that stands on every host: `table inet weft`, fixed but for the elements of its sets and maps.
//   forward      traffic between bridges and the world; what leaves by a bridge of weft's is dropped unless let through.
//                Policy accept: what touches none of weft's bridges is not its business.
//   postrouting  source addresses of subnets that leave the host
import { type NftSet, nftSets } from '@weft/hoststate';
import { type NftSet as KernelSet, type NftField, WEFT_TABLE } from '@weft/kernel';
import { refused } from './kernel-fault.ts';

type Field = NftSet['key'][number];
const kernelFields = {
  ifname: 'ifname',
  ipv4_prefix: 'ipv4_addr',
  ipv6_prefix: 'ipv6_addr',
} as const satisfies Record<Exclude<Field, 'verdict'>, NftField>;

const kernelField = (field: Field): NftField => {
  if (field === 'verdict') throw new TypeError('a verdict is data by itself, not a field among others');
  return kernelFields[field];
};
const dataOf = ({ data }: NftSet): Pick<KernelSet, 'data'> => {
  if (data === undefined) return {};
  return { data: data[0] === 'verdict' ? 'verdict' : data.map(kernelField) };
};

/** The sets by name, as libs/kernel writes elements into them. */
export const sets: ReadonlyMap<string, KernelSet> = new Map(
  nftSets.map((set: NftSet) => [
    set.name,
    {
      family: 'inet',
      table: WEFT_TABLE,
      name: set.name,
      key: set.key.map(kernelField),
      ...dataOf(set),
      interval: set.key.some((field) => field.endsWith('_prefix')),
    },
  ]),
);

/** The set of this name. Throws FaultError OBJECT_REFUSED when the rule set has none. */
export const setOf = (name: string): KernelSet => {
  const set = sets.get(name);
  if (set === undefined) throw refused(`the agent's rule set has no set "${name}"`);
  return set;
};

const declaration = ({ name, key, data, interval }: KernelSet): string => {
  const keys = key.join(' . ');
  const values = data === undefined ? '' : ` : ${data === 'verdict' ? data : data.join(' . ')}`;
  const flags = interval === true ? ' flags interval;' : '';
  return `  ${data === undefined ? 'set' : 'map'} ${name} { type ${keys}${values};${flags} }`;
};

/** The whole table as nft text, without elements. */
export const rulesetText = `table inet ${WEFT_TABLE} {
${[...sets.values()].map(declaration).join('\n')}
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname @internal_bridges oifname != @internal_bridges drop
    oifname @internal_bridges iifname != @internal_bridges drop
    iifname . oifname vmap @bridge_pairs
    iifname @internal_bridges drop
    oifname @bridges ct state established,related accept
    oifname @bridges drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr @masquerade4 oifname != @bridges masquerade
    ip6 saddr @masquerade6 oifname != @bridges masquerade
  }
}
`;
