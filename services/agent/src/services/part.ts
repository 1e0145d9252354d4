// What one owner (a service, or the rules that all share) has in an nft table, as a value; and the text that makes one value out of
// another in a single transaction. What did not change is not touched: its counters and what packets wrote stay. Pure.
import { elementKey, type NftSet } from '@weft/kernel';
import { protocolText } from '../ruleset.ts';

export interface ChainPart {
  readonly name: string;
  /** Where the kernel calls it; absent for one that others jump to. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

export interface SetPart {
  readonly kind: 'set' | 'map';
  readonly name: string;
  /** Without name and braces: `type ipv4_addr : verdict;`. */
  readonly declaration: string;
  /** How elements of one that we fill read; absent where packets fill it. */
  readonly set?: NftSet;
}

export interface ElementPart {
  readonly set: NftSet;
  readonly key: readonly string[];
  /** A verdict, as the kernel says it: `["goto", "service_0123456789ab"]`. */
  readonly data: readonly string[];
}

/** A way to a service and who may be behind it: flows of the way that lead to others are to be forgotten. */
export interface Way {
  /** What was asked for: an address, with a transport and a port where it is a port of the host. Any address: undefined. */
  readonly version: '4' | '6';
  readonly address: string | undefined;
  readonly port?: { readonly protocol: string; readonly number: number };
  /** Backends that keep what they have; those that drain too. */
  readonly alive: readonly string[];
}

/** A map of clients to the backends they stick to, and who gets new connections. */
export interface Sticky {
  readonly map: NftSet;
  readonly active: readonly string[];
}

export interface Part {
  readonly sets: readonly SetPart[];
  readonly chains: readonly ChainPart[];
  readonly elements: readonly ElementPart[];
  readonly ways: readonly Way[];
  readonly sticky: readonly Sticky[];
  /** Found in the kernel otherwise than it must be: what it led to is not known. */
  readonly isPartial?: true;
}

export interface PartChange {
  readonly before: Part | undefined;
  readonly after: Part | undefined;
}

export const elementId = ({ set, key }: Pick<ElementPart, 'set' | 'key'>): string =>
  `${set.name} ${elementKey(set, key)}`;

const elementText = ({ set, key, data }: ElementPart, withData: boolean): string => {
  const words = key.map((text, at) => (set.key[at] === 'inet_proto' ? protocolText(text) : text));
  return `${words.join(' . ')}${withData ? ` : ${data.join(' ')}` : ''}`;
};

const changeElements = (table: string, verb: 'add' | 'delete', elements: readonly ElementPart[]): string[] =>
  [...Map.groupBy(elements, ({ set }) => set.name)].map(
    ([name, group]) =>
      `${verb} element inet ${table} ${name} { ${group.map((one) => elementText(one, verb === 'add')).join(', ')} }`,
  );

const sameRules = (a: ChainPart, b: ChainPart): boolean =>
  a === b || (a.rules.length === b.rules.length && a.rules.every((rule, at) => rule === b.rules[at]));

/** Lines of a transaction; none where nothing changes. The table is there. */
export const changeLines = (table: string, all: readonly PartChange[]): string[] => {
  const changes = all.filter(({ before, after }) => before !== after);
  const named = <T extends { readonly name: string }>(side: keyof PartChange, of: (part: Part) => readonly T[]) =>
    new Map(
      changes.flatMap((change) => (change[side] === undefined ? [] : of(change[side]))).map((one) => [one.name, one]),
    );
  const [setsBefore, setsAfter] = [named('before', (part) => part.sets), named('after', (part) => part.sets)];
  const [chainsBefore, chainsAfter] = [named('before', (part) => part.chains), named('after', (part) => part.chains)];
  const elements = (side: keyof PartChange) =>
    new Map(changes.flatMap((change) => change[side]?.elements ?? []).map((one) => [elementId(one), one]));
  const [before, after] = [elements('before'), elements('after')];
  const isSame = (id: string, data: readonly string[]): boolean => after.get(id)?.data.join(' ') === data.join(' ');
  const wasSame = (id: string, data: readonly string[]): boolean => before.get(id)?.data.join(' ') === data.join(' ');
  const fresh = <T>(now: ReadonlyMap<string, T>, then: ReadonlyMap<string, unknown>) =>
    [...now].filter(([name]) => !then.has(name)).map(([, one]) => one);
  const rewritten = [...chainsAfter.values()].filter((chain) => {
    const old = chainsBefore.get(chain.name);
    return old === undefined ? chain.rules.length > 0 : !sameRules(old, chain);
  });
  const gone = fresh(chainsBefore, chainsAfter);
  const chain = (name: string) => `chain inet ${table} ${name}`;
  return [
    ...fresh(setsAfter, setsBefore).map(
      ({ kind, name, declaration }) => `add ${kind} inet ${table} ${name} { ${declaration} }`,
    ),
    ...fresh(chainsAfter, chainsBefore).map(
      ({ name, hook }) => `add ${chain(name)}${hook === undefined ? '' : ` { ${hook} }`}`,
    ),
    ...[...rewritten.filter(({ name }) => chainsBefore.has(name)), ...gone].map(({ name }) => `flush ${chain(name)}`),
    ...rewritten.flatMap(({ name, rules }) => rules.map((rule) => `add rule inet ${table} ${name} ${rule}`)),
    ...changeElements(
      table,
      'delete',
      [...before].filter(([id, { data }]) => !isSame(id, data)).map(([, one]) => one),
    ),
    ...changeElements(
      table,
      'add',
      [...after].filter(([id, { data }]) => !wasSame(id, data)).map(([, one]) => one),
    ),
    // What refers to them is gone by now.
    ...gone.map(({ name }) => `delete ${chain(name)}`),
    ...fresh(setsBefore, setsAfter).map(({ kind, name }) => `delete ${kind} inet ${table} ${name}`),
  ];
};
