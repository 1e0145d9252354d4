// What a sandbox's `table inet weft` holds, as text that nft takes:
//   resolver        kinds/redirect.ts has it
//   services        nat output -99    a virtual address to the chain of its service
//   service_<id>    chooses a backend for a new connection, or refuses it at once where there is none
//   keep            filter output     new connections to sticky services
//   keep_<id>       notes which backend the client went to
//   services4/6, kept4/6   virtual addresses          spoken4/6   those spoken to without a connection
//   sticky4/6_<id>         clients to backends
// Nothing here sees a packet of a connection that is there, but for one look at its state in `keep`. Pure.
import { type NftField, type NftSet, WEFT_TABLE } from '@weft/kernel';
import { choiceOf, FAMILIES, type Family } from './choice.ts';
import type { ChainPart, ElementPart, Part, SetPart, Sticky, Way } from './part.ts';
import type { Service } from './service.ts';
import { type IsDown, type Targets, targetsOf } from './targets.ts';

/** The last of each chain that chooses: nobody is there. A client hears so at once. By number: names come from a file. */
export const REFUSE = ['meta l4proto 6 reject with tcp reset', 'reject with icmpx port-unreachable'];

const setOf = (table: string, name: string, key: NftField, data?: NftSet['data']): NftSet => ({
  ...{ family: 'inet', table, name, key: [key] },
  ...(data === undefined ? {} : { data }),
});
const verdictsOf = (kind: 'services' | 'kept', { version, type }: Family): NftSet =>
  setOf(WEFT_TABLE, `${kind}${version}`, type, 'verdict');

/** Virtual addresses that were spoken to otherwise than by TCP: only then is there a flow that must be looked for. */
export const spokenOf = ({ version, type }: Family): NftSet => setOf(WEFT_TABLE, `spoken${version}`, type);

/** The map of a sticky service's clients, in any table. */
export const stickyOf = (table: string, { shortId }: Service, { version, type }: Family): NftSet =>
  setOf(table, `sticky${version}_${shortId}`, type, [type]);

/** The kernel makes a table for that many when it makes the map. */
export const stickyDeclaration = ({ type }: Family, size: number): string =>
  `type ${type} : ${type}; size ${size}; flags dynamic,timeout;`;

// A sandbox has few addresses and speaks to few services: 16 KiB a map.
const SIZE = 1024;

/** Notes where a client went. Only who gets new connections is noted, whatever came on the way. */
export const keepRule = (service: Service, { ip, version }: Family, { active }: Targets): string =>
  `${ip} daddr { ${active.map(({ address }) => address).join(', ')} } ` +
  `update @sticky${version}_${service.shortId} { ${ip} saddr timeout ${service.stickySeconds}s : ${ip} daddr }`;

const fixedSets = FAMILIES.flatMap((family): SetPart[] => [
  ...(['services', 'kept'] as const).map((kind): SetPart => {
    const set = verdictsOf(kind, family);
    return { kind: 'map', name: set.name, declaration: `type ${family.type} : verdict;`, set };
  }),
  { kind: 'set', name: spokenOf(family).name, declaration: `type ${family.type}; size ${SIZE}; flags dynamic;` },
]);

/** What all services of a sandbox share. */
export const sharedPart: Part = {
  ...{ elements: [], ways: [], sticky: [] },
  sets: fixedSets,
  chains: [
    {
      name: 'services',
      hook: 'type nat hook output priority -99; policy accept;',
      rules: FAMILIES.map(({ ip, version }) => `${ip} daddr vmap @services${version}`),
    },
    {
      name: 'keep',
      hook: 'type filter hook output priority filter; policy accept;',
      rules: FAMILIES.map(
        ({ ip, version }) => `ct state new ct status dnat ct original ${ip} daddr vmap @kept${version}`,
      ),
    },
  ],
};

interface OfFamily {
  readonly family: Family;
  readonly address: string;
  readonly targets: Targets;
}

const chooseRules = (service: Service, { family, targets }: OfFamily, rotation: number): string[] => {
  const { ip, protocol, version } = family;
  if (targets.active.length === 0) return [];
  const isSticky = service.stickySeconds > 0;
  return [
    `meta nfproto ${protocol} meta l4proto != 6 add @spoken${version} { ${ip} daddr }`,
    ...(isSticky ? [`dnat ${ip} to ${ip} saddr map @sticky${version}_${service.shortId}`] : []),
    `meta nfproto ${protocol} dnat ${ip} to ${choiceOf(service.balance, targets.active, family, rotation)}`,
  ];
};

/** What a sandbox has of a service; undefined for one without virtual addresses. */
export const sandboxPart = (service: Service, isDown: IsDown, rotation: number): Part | undefined => {
  const found = FAMILIES.flatMap((family): OfFamily[] => {
    const address = service.addresses[family.version];
    return address === undefined ? [] : [{ family, address, targets: targetsOf(service, family, isDown) }];
  });
  if (found.length === 0) return undefined;
  const [chain, keep] = [`service_${service.shortId}`, `keep_${service.shortId}`];
  const isSticky = service.stickySeconds > 0;
  const rules = [...found.flatMap((one) => chooseRules(service, one, rotation)), ...REFUSE];
  const noting = found.filter(({ targets }) => targets.active.length > 0);
  const keepRules = noting.map(({ family, targets }) => keepRule(service, family, targets));
  const chains: ChainPart[] = [{ name: chain, rules }, ...(isSticky ? [{ name: keep, rules: keepRules }] : [])];
  const elements = found.flatMap(({ family, address }): ElementPart[] => [
    { set: verdictsOf('services', family), key: [address], data: ['goto', chain] },
    ...(isSticky ? [{ set: verdictsOf('kept', family), key: [address], data: ['goto', keep] }] : []),
  ]);
  const sticky = (isSticky ? found : []).map(
    ({ family, targets }): Sticky => ({
      map: stickyOf(WEFT_TABLE, service, family),
      active: targets.active.map((one) => one.address),
    }),
  );
  const sets = (isSticky ? found : []).map(
    ({ family }): SetPart => ({
      ...{
        kind: 'map',
        name: stickyOf(WEFT_TABLE, service, family).name,
        declaration: stickyDeclaration(family, SIZE),
      },
    }),
  );
  const ways = found.map(
    ({ family, address, targets }): Way => ({
      ...{ version: family.version, address, alive: targets.alive },
    }),
  );
  return { sets, chains, elements, ways, sticky };
};
