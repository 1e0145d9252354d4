// The rule set of libs/hoststate as nft text and as sets that libs/kernel writes elements into.
import { type Chain, chains, type NftSet, nftSets, portMaps } from '@weft/hoststate';
import { type NftSet as KernelSet, type NftField, protocolNumber, WEFT_TABLE } from '@weft/kernel';
import { refused } from './kernel-fault.ts';

type Field = NftSet['key'][number];
const kernelFields = {
  ifname: 'ifname',
  ipv4_prefix: 'ipv4_addr',
  ipv6_prefix: 'ipv6_addr',
  ipv4_addr: 'ipv4_addr',
  ipv6_addr: 'ipv6_addr',
  inet_proto: 'inet_proto',
  inet_service: 'inet_service',
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
  [...nftSets, ...portMaps].map((set: NftSet) => [
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

/** A protocol as nft takes it anywhere: by number, since its names come from /etc/protocols, which a small system lacks. */
export const protocolText = (name: string): string => String(protocolNumber(name) ?? name);

const byNumber = (nft: string): string =>
  nft.replace(/(?<=l4proto )[a-z][a-z0-9-]*/, (name) =>
    // nft's own name for it.
    protocolText(name === 'ipv6-icmp' ? 'icmpv6' : name),
  );

/** A chain as the agent writes it. */
export const chainPart = ({ name, hook, rules }: Chain): { name: string; hook?: string; rules: string[] } => ({
  name,
  ...(hook === undefined ? {} : { hook }),
  rules: rules.map(({ nft }) => byNumber(nft)),
});

const chainText = ({ name, hook, rules }: (typeof chains)[number]): string =>
  [
    `  chain ${name} {`,
    ...(hook === undefined ? [] : [`    ${hook}`]),
    ...rules.map(({ nft }) => `    ${byNumber(nft)}`),
    '  }',
  ].join('\n');

// A chain that others jump to stands before them.
const inOrder = [...chains].sort((a, b) => Number(a.hook !== undefined) - Number(b.hook !== undefined));

/** The whole table as nft text, without elements. */
export const rulesetText = `table inet ${WEFT_TABLE} {
${[...sets.values()].map(declaration).join('\n')}
${inOrder.map(chainText).join('\n')}
}
`;

/** The administrator's: rules there see what is forwarded before weft decides. Weft never changes what is in it. */
export const USER_TABLE = 'weft-user';
export const userTableText = `table inet ${USER_TABLE} {
  chain forward {
    type filter hook forward priority filter - 10; policy accept;
  }
}
`;
