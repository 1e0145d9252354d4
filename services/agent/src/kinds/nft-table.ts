// Weft's own table as a whole. One that is gone or changed is put back whole, elements and all, in one transaction. Beside it stands
// the administrator's table: made when it is missing and weft's is made, and never changed.
import type { FaultError } from '@weft/fault';
import { type HostObject, parseKey } from '@weft/hoststate';
import {
  elementKey,
  inScratchNamespace,
  listElements,
  listTableText,
  type NftElement,
  type NftSet,
  runNft,
  WEFT_TABLE,
} from '@weft/kernel';
import type { Context } from '../context.ts';
import { forgetPortFlows } from '../port-flows.ts';
import { rulesetText, sets, USER_TABLE, userTableText } from '../ruleset.ts';
import { bisect, directable, elementId, elementsText, type Item, itemsOf } from './element.ts';
import { changedPort } from './port-change.ts';

/** What the kernel shows for the rule set when it is as it must be; learned once, in a namespace of its own. */
let reference: string | undefined;
const wantedText = (): string => {
  reference ??= inScratchNamespace(() => {
    runNft(undefined, rulesetText, 'learn the rule set');
    return listTableText(undefined, 'inet', WEFT_TABLE, { terse: true });
  });
  return reference ?? '';
};

/** Makes the table stand as it must; undefined when it did, else what was wrong. The elements are put back with it. */
export const ensureTable = (context: Context): string | undefined => {
  const is = listTableText(undefined, 'inet', WEFT_TABLE, { terse: true });
  const isRight = is === wantedText();
  if (isRight && context.isTableKnown) return undefined;
  const isMade = listTableText(undefined, 'inet', USER_TABLE, { terse: true }) !== undefined;
  const user = isMade ? '' : userTableText;
  if (isRight) {
    if (!isMade) runNft(undefined, user, "make the administrator's table");
    context.isTableKnown = true;
    return undefined;
  }
  // An agent that has just started holds none yet, and the elements of ports go with the others.
  context.ports.hold(context.wanted.values(), new Map());
  const afresh = `table inet ${WEFT_TABLE}\ndelete table inet ${WEFT_TABLE}\n${rulesetText}${user}`;
  const items = itemsOf(directable(context, context.wanted.values()), new Map());
  try {
    runNft(undefined, afresh + elementsText(items), 'put back the rule set');
  } catch {
    // One of the elements is bad. The rules first, then each element that will go in.
    runNft(undefined, afresh, 'put back the rule set');
    bisect(context, 'add', items, new Map());
  }
  context.isTableKnown = true;
  return is === undefined ? `table inet ${WEFT_TABLE} is missing` : `table inet ${WEFT_TABLE} has other rules`;
};

const compare = (set: NftSet, wanted: ReadonlyMap<string, Item>, elements: readonly NftElement[]) => {
  const missing: Item[] = [];
  const extra: NftElement[] = [];
  const have = new Map(elements.map((element) => [elementKey(set, element.key), element]));
  for (const [text, want] of wanted) {
    const is = have.get(text);
    if (is === undefined || is.data?.join() !== want.element.data?.join()) missing.push(want);
  }
  for (const [text, element] of have) if (!wanted.has(text)) extra.push(element);
  return { missing, extra };
};

const sayTable = (context: Context, what: string | undefined): void => {
  if (what !== undefined) context.say(`table inet ${WEFT_TABLE}`, what, true);
};

/** Removes elements that no object asks for, and forgets the flows of those that were ports. */
const removeExtra = (context: Context, set: NftSet, extra: readonly NftElement[], failed: Map<string, FaultError>) => {
  const items = extra.map((element) => ({
    key: `nft/${set.name}/${element.key.join(' . ')}`,
    set,
    element,
    id: elementId(set, element.key),
  }));
  bisect(context, 'delete', items, failed);
  for (const { key, id } of items) {
    context.ports.directed?.delete(id);
    context.say(key, 'nothing asks for it', !failed.has(key));
  }
  const ports = items.filter(({ key }) => !failed.has(key));
  forgetPortFlows(
    context,
    ports.flatMap((each) => changedPort(each, each.element.data)),
  );
};

/**
 * Compares all sets with the objects and repairs: missing elements of applied ones are added; with `prune`, those of no object
 * are removed. Objects on their way out are among them: their elements outlive their links.
 */
const repairElements = (
  context: Context,
  objects: readonly HostObject[],
  prune: boolean,
  isApplied: (key: string) => boolean,
): Map<string, FaultError> => {
  const failed = new Map<string, FaultError>();
  const bySet = Map.groupBy(itemsOf(directable(context, objects), new Map()), ({ set }) => set.name);
  for (const [name, set] of sets) {
    const wanted = new Map((bySet.get(name) ?? []).map((each) => [elementKey(set, each.element.key), each]));
    const elements = listElements(context.nft(), set);
    if (elements === undefined) {
      // The table has gone since it was looked at.
      sayTable(context, ensureTable(context));
      return failed;
    }
    const { missing, extra } = compare(set, wanted, elements);
    if (prune && extra.length > 0) removeExtra(context, set, extra, failed);
    // What failed is tried again in its own time.
    const drifted = missing.filter(({ key }) => isApplied(key));
    bisect(context, 'add', drifted, failed);
    for (const { key } of drifted) context.say(key, 'it is missing or has other data', !failed.has(key));
  }
  return failed;
};

const hasElement = ({ key }: HostObject): boolean => {
  const { kind } = parseKey(key);
  return kind === 'nftElement' || kind === 'port';
};

/** A look at the table and all elements; what was wrong is said. Returns what could not be repaired. */
export const lookAtTable = (
  context: Context,
  objects: readonly HostObject[],
  isSynced: boolean,
  isApplied: (key: string) => boolean,
): Map<string, FaultError> => {
  const wants = objects.some(hasElement);
  // A host without any element has no need of the table yet.
  if (!wants && !isSynced) return new Map();
  const what = ensureTable(context);
  if (wants) sayTable(context, what);
  return repairElements(context, objects, isSynced, isApplied);
};
