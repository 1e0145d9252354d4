// What of a table stands as it must, found by listing it. nft prints rules back in its own words, which differ from release to
// release: how ours look when they are right is learnt from the kernel, in a scratch namespace, once for each text.
import { inScratchNamespace, listElements, listTableText, openNetfilter, runNft } from '@weft/kernel';
import { Learnt } from './learnt.ts';
import { type ChainPart, changeLines, type ElementPart, elementId, type Part, type SetPart } from './part.ts';

/** Names that the agent gives in such tables; what else somebody put there is none of its business. */
const OURS =
  /^(chain (services|keep|publish|prerouting|output|(service|keep)_\w+)|(set|map) ((services|kept|spoken|ports)[46](_any)?|sticky[46]_\w+))$/;
/** Stands for rules that are not ours. */
const OTHERS = '# others';

export interface Looked {
  /** What of the wanted parts is there, by id; parts that stand as they must are the very same. Undefined: make the table anew. */
  readonly parts: ReadonlyMap<string, Part> | undefined;
  /** Ids of parts that are not as they must be. */
  readonly differing: readonly string[];
}

/** What is there and asked for by nothing. */
export const STRAY = 'stray';

/** `chain x` and the like to their text. */
const blocksOf = (text: string): Map<string, string> => {
  const blocks = new Map<string, string>();
  let name: string | undefined;
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    const head = /^\t((?:chain|set|map) \S+) \{$/.exec(line)?.[1];
    if (head !== undefined) {
      name = head;
      lines = [];
    } else if (line === '\t}' && name !== undefined) {
      blocks.set(name, lines.join('\n'));
      name = undefined;
    } else lines.push(line);
  }
  return blocks;
};

const chainText = ({ name, hook, rules }: ChainPart): string => [`chain ${name}`, hook ?? '', ...rules].join('\n');
const setText = ({ kind, name, declaration }: SetPart): string => `${kind} ${name}\n${declaration}`;

// Bytes. Rounds begin elsewhere in each sandbox, so there are some texts for each service, each with all of its backends; far more
// are remains of what was.
const learnt = new Learnt(16 << 20);

const learn = (table: string, parts: readonly Part[]): void => {
  const texts = parts.flatMap(({ chains, sets }) => [...chains.map(chainText), ...sets.map(setText)]);
  if (texts.every((text) => learnt.get(text) !== undefined)) return;
  const text = [
    `add table inet ${table}`,
    ...changeLines(
      table,
      parts.map((after) => ({ before: undefined, after })),
    ),
  ];
  const blocks = inScratchNamespace(() => {
    runNft(undefined, `${text.join('\n')}\n`, 'learn the rules of services');
    return blocksOf(listTableText(undefined, 'inet', table, { terse: true }) ?? '');
  });
  learnt.add(new Map(texts.map((one) => [one, blocks.get(one.split('\n')[0] ?? '') ?? ''])));
};

const isHookRight = (is: string, wanted: string): boolean => is.split('\n')[0] === wanted.split('\n')[0];

/** Looks at the table of a namespace. What is optional may be there, and must be right then. Throws KernelError. */
export const lookAtParts = (
  namespace: string | undefined,
  table: string,
  wanted: ReadonlyMap<string, Part>,
  optional: ReadonlyMap<string, Part> = new Map(),
): Looked => {
  const text = listTableText(namespace, 'inet', table, { terse: true });
  if (text === undefined) return { parts: undefined, differing: [...wanted.keys()] };
  const known = new Map([...wanted, ...optional]);
  learn(table, [...known.values()]);
  const blocks = blocksOf(text);
  const left = new Set([...blocks.keys()].filter((name) => OURS.test(name)));
  const elements = elementsOf(namespace, [...known.values()], blocks);
  const parts = new Map<string, Part>();
  const differing: string[] = [];
  for (const [id, part] of known) {
    const chains: ChainPart[] = [];
    for (const chain of part.chains) {
      const name = `chain ${chain.name}`;
      left.delete(name);
      const is = blocks.get(name);
      const right = learnt.get(chainText(chain)) ?? '';
      if (is === undefined) continue;
      if (chain.hook !== undefined && !isHookRight(is, right)) return { parts: undefined, differing: [id] };
      chains.push(is === right ? chain : { ...chain, rules: [OTHERS] });
    }
    const sets: SetPart[] = [];
    for (const set of part.sets) {
      const name = `${set.kind} ${set.name}`;
      left.delete(name);
      const is = blocks.get(name);
      if (is === undefined) continue;
      // What refers to a set keeps it from being replaced.
      if (is !== learnt.get(setText(set))) return { parts: undefined, differing: [id] };
      sets.push(set);
    }
    const own = part.elements.filter((one) => {
      const is = elements.get(elementId(one));
      return is !== undefined && is.data.join(' ') === one.data.join(' ');
    });
    const isWhole =
      chains.every((chain, at) => chain === part.chains[at]) &&
      [chains.length - part.chains.length, sets.length - part.sets.length, own.length - part.elements.length].every(
        (lack) => lack === 0,
      );
    for (const one of own) elements.delete(elementId(one));
    const there = chains.length + sets.length + own.length > 0;
    if (!isWhole && (there || wanted.has(id))) differing.push(id);
    if (isWhole) parts.set(id, part);
    else if (there) parts.set(id, { sets, chains, elements: own, ways: [], sticky: [], isPartial: true });
  }
  if (left.size > 0 || elements.size > 0) {
    differing.push(STRAY);
    parts.set(STRAY, strayOf(left, [...elements.values()]));
  }
  return { parts, differing };
};

const strayOf = (left: ReadonlySet<string>, elements: ElementPart[]): Part => {
  const named = [...left].map((name) => name.split(' ') as [string, string]);
  return {
    chains: named.filter(([kind]) => kind === 'chain').map(([, name]) => ({ name, rules: [OTHERS] })),
    sets: named.flatMap(([kind, name]): SetPart[] =>
      kind === 'set' || kind === 'map' ? [{ kind, name, declaration: '' }] : [],
    ),
    ...{ elements, ways: [], sticky: [] },
  };
};

/** The elements of all maps that the agent fills, by id. */
const elementsOf = (
  namespace: string | undefined,
  parts: readonly Part[],
  blocks: ReadonlyMap<string, string>,
): Map<string, ElementPart> => {
  const sets = parts
    .flatMap(({ sets }) => sets)
    .flatMap(({ kind, name, set }) => (set !== undefined && blocks.has(`${kind} ${name}`) ? [set] : []));
  if (sets.length === 0) return new Map();
  const socket = openNetfilter(namespace);
  try {
    const found = sets.flatMap((set) =>
      (listElements(socket, set) ?? []).map(({ key, data = [] }): ElementPart => ({ set, key, data })),
    );
    return new Map(found.map((one) => [elementId(one), one]));
  } finally {
    socket.close();
  }
};
