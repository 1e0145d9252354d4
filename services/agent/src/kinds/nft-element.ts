// Elements of the rule set's sets and maps. Many go in one transaction; when that fails it is halved until the bad one fails
// alone. The transaction's ack is the read-back: it is given after the commit. A table that is gone or changed is put back
// whole, elements and all, in one transaction.
import type { FaultError } from '@weft/fault';
import type { HostObject } from '@weft/hoststate';
import {
  changeElements,
  type ElementChange,
  ERRNO,
  elementKey,
  inScratchNamespace,
  KernelError,
  listElements,
  listTableText,
  type NftElement,
  type NftSet,
  runNft,
  WEFT_TABLE,
} from '@weft/kernel';
import type { NftElementObject } from '@weft/proto/agent';
import type { Context } from '../context.ts';
import { faultOf } from '../kernel-fault.ts';
import { rulesetText, setOf, sets } from '../ruleset.ts';
import type { Kind, Result } from './kind.ts';

interface Item {
  readonly key: string;
  readonly set: NftSet;
  readonly element: NftElement;
}

const dataOf = (set: NftSet, data: readonly string[]): readonly string[] =>
  set.data === 'verdict' ? (data[0] ?? '').split(' ') : data;

const item = (key: string, spec: NftElementObject): Item => {
  const set = setOf(spec.set);
  const data = set.data === undefined ? {} : { data: dataOf(set, spec.data) };
  // Also proves that the key parses.
  elementKey(set, spec.key);
  return { key, set, element: { key: spec.key, ...data } };
};

/** What the kernel shows for the rule set when it is as it must be; learned once, in a namespace of its own. */
let reference: string | undefined;
const wantedText = (): string => {
  reference ??= inScratchNamespace(() => {
    runNft(undefined, rulesetText, 'learn the rule set');
    return listTableText(undefined, 'inet', WEFT_TABLE, { terse: true });
  });
  return reference ?? '';
};

const isMissing = (error: unknown): boolean => error instanceof KernelError && error.errno === ERRNO.ENOENT;
const isThere = (error: unknown): boolean => error instanceof KernelError && error.errno === ERRNO.EEXIST;

type Op = ElementChange['op'];
const change = (op: Op, { set, element }: Item): ElementChange => ({ set, op, element });

const one = (context: Context, op: Op, only: Item): void => {
  try {
    changeElements(context.nft(), [change(op, only)]);
  } catch (error) {
    if (op === 'delete' && isMissing(error)) return;
    if (op !== 'add' || !isThere(error)) throw error;
    // It is there with other data.
    changeElements(context.nft(), [change('delete', only), change('add', only)]);
  }
};

/** All in one transaction, or in halves where it fails. */
const bisect = (context: Context, op: Op, items: readonly Item[], failed: Map<string, FaultError>): void => {
  const [first] = items;
  if (first === undefined) return;
  if (items.length === 1) {
    try {
      one(context, op, first);
    } catch (error) {
      failed.set(first.key, faultOf(first.key, error));
    }
    return;
  }
  try {
    const changes = items.map((each) => change(op, each));
    changeElements(context.nft(), changes);
  } catch {
    const half = items.length >> 1;
    bisect(context, op, items.slice(0, half), failed);
    bisect(context, op, items.slice(half), failed);
  }
};

/** Sorted by set, so that neighbours share a message. */
const itemsOf = (objects: Iterable<HostObject>, failed: Map<string, FaultError>): Item[] => {
  const found: Item[] = [];
  for (const { key, spec } of objects) {
    if (spec?.$case !== 'nftElement') continue;
    try {
      found.push(item(key, spec.value));
    } catch (error) {
      failed.set(key, faultOf(key, error));
    }
  }
  return found.sort((a, b) => (a.set.name < b.set.name ? -1 : a.set.name > b.set.name ? 1 : 0));
};

/** The table's text with elements, so that putting it back leaves no moment without them. */
const elementText = ({ set, element }: Item): string => {
  const quoted = element.key.map((text, at) => (set.key[at] === 'ifname' ? JSON.stringify(text) : text)).join(' . ');
  const separator = set.data === 'verdict' ? ' ' : ' . ';
  const data = element.data === undefined ? '' : ` : ${element.data.join(separator)}`;
  return `add element inet ${WEFT_TABLE} ${set.name} { ${quoted}${data} }\n`;
};

/** Makes the table stand as it must; undefined when it did, else what was wrong. The elements are put back with it. */
export const ensureTable = (context: Context): string | undefined => {
  const is = listTableText(undefined, 'inet', WEFT_TABLE, { terse: true });
  context.isTableKnown = true;
  if (is === wantedText()) return undefined;
  const afresh = `table inet ${WEFT_TABLE}\ndelete table inet ${WEFT_TABLE}\n${rulesetText}`;
  const items = itemsOf(context.wanted.values(), new Map());
  try {
    runNft(undefined, afresh + items.map(elementText).join(''), 'put back the rule set');
  } catch {
    // One of the elements is bad. The rules first, then each element that will go in.
    runNft(undefined, afresh, 'put back the rule set');
    bisect(context, 'add', items, new Map());
  }
  return is === undefined ? `table inet ${WEFT_TABLE} is missing` : `table inet ${WEFT_TABLE} has other rules`;
};

const compare = (context: Context, set: NftSet, wanted: ReadonlyMap<string, Item>) => {
  const missing: Item[] = [];
  const extra: NftElement[] = [];
  const have = new Map(
    (listElements(context.nft(), set) ?? []).map((element) => [elementKey(set, element.key), element]),
  );
  for (const [text, want] of wanted) {
    const is = have.get(text);
    if (is === undefined || is.data?.join() !== want.element.data?.join()) missing.push(want);
  }
  for (const [text, element] of have) if (!wanted.has(text)) extra.push(element);
  return { missing, extra };
};

export interface ElementDrift {
  /** Key of the object, or a description of an element that no object asks for. */
  readonly key: string;
  readonly what: string;
}

/**
 * Compares all sets with the objects and repairs: missing elements of applied ones are added; with `prune`, those of no object
 * are removed. Objects on their way out are among them: their elements outlive their links.
 * Returns what was wrong and what could not be repaired.
 */
export const repairElements = (
  context: Context,
  objects: Iterable<HostObject>,
  prune: boolean,
  isApplied: (key: string) => boolean,
): { drifts: ElementDrift[] } & Pick<Result, 'failed'> => {
  const failed = new Map<string, FaultError>();
  const drifts: ElementDrift[] = [];
  const bySet = Map.groupBy(itemsOf(objects, new Map()), ({ set }) => set.name);
  for (const [name, set] of sets) {
    const wanted = new Map((bySet.get(name) ?? []).map((each) => [elementKey(set, each.element.key), each]));
    const { missing, extra } = compare(context, set, wanted);
    if (prune && extra.length > 0) {
      const items = extra.map((element) => ({ key: `nft/${name}/${element.key.join(' . ')}`, set, element }));
      bisect(context, 'delete', items, failed);
      for (const { key } of items) drifts.push({ key, what: 'nothing asks for it' });
    }
    // What failed is tried again in its own time.
    const drifted = missing.filter(({ key }) => isApplied(key));
    bisect(context, 'add', drifted, failed);
    for (const { key } of drifted) drifts.push({ key, what: 'it is missing or has other data' });
  }
  return { drifts, failed };
};

const withTable = (context: Context, op: Op, objects: readonly HostObject[]): Result => {
  const failed = new Map<string, FaultError>();
  const items = itemsOf(objects, failed);
  try {
    // An earlier release, or a person, may have left another one.
    if (op === 'add' && !context.isTableKnown) ensureTable(context);
    changeElements(
      context.nft(),
      items.map((each) => change(op, each)),
    );
  } catch (error) {
    // ENOENT on adding: the table itself is gone. On deleting: an element is, or the table.
    if (op === 'add' && isMissing(error)) {
      try {
        ensureTable(context);
      } catch (failure) {
        for (const { key } of items) failed.set(key, faultOf(key, failure));
        return { failed, deferred: new Set() };
      }
    }
    bisect(context, op, items, failed);
  }
  return { failed, deferred: new Set() };
};

export const nftElement: Kind = {
  put: (context, objects) => withTable(context, 'add', objects),
  // Looked at as a whole by repairElements: reading one set costs less than asking for each element.
  check: () => new Map(),
  remove: (context, objects) => withTable(context, 'delete', objects),
};
