// Elements of the rule set's sets and maps, whatever objects they come from. Many go in one transaction; when that fails it is
// halved until the bad one fails alone. The transaction's ack is the read-back: it is given after the commit.
import type { FaultError } from '@weft/fault';
import { type HostObject, portElement } from '@weft/hoststate';
import {
  changeElements,
  type ElementChange,
  ERRNO,
  elementKey,
  ipBytes,
  ipText,
  KernelError,
  listElements,
  type NftElement,
  type NftSet,
  WEFT_TABLE,
} from '@weft/kernel';
import type { Context } from '../context.ts';
import { faultOf } from '../kernel-fault.ts';
import { protocolText, setOf } from '../ruleset.ts';

export interface Item {
  /** Of the object that it comes from. */
  readonly key: string;
  readonly set: NftSet;
  readonly element: NftElement;
  /** Names the element in the whole table. */
  readonly id: string;
}

interface Text {
  readonly set: string;
  readonly key: readonly string[];
  readonly data: readonly string[];
}

/** As the kernel says it back. Throws TypeError for what is no address. */
const dataOf = (set: NftSet, data: readonly string[]): readonly string[] =>
  set.data === 'verdict'
    ? (data[0] ?? '').split(' ')
    : data.map((text) => (text.includes(':') ? ipText(ipBytes(text)) : text));

/** The name of an element in the whole table. Throws TypeError for a key that does not parse. */
export const elementId = (set: NftSet, key: readonly string[]): string => `${set.name} ${elementKey(set, key)}`;

const item = (key: string, text: Text): Item => {
  const set = setOf(text.set);
  const data = set.data === undefined ? {} : { data: dataOf(set, text.data) };
  return { key, set, element: { key: text.key, ...data }, id: elementId(set, text.key) };
};

const textOf = ({ spec }: HostObject): Text | undefined => {
  if (spec?.$case === 'nftElement') return spec.value;
  // A service's port is held as any, and directed by the service.
  return spec?.$case === 'port' && spec.value.targetIp !== '' ? portElement(spec.value) : undefined;
};

/** Sorted by set, so that neighbours share a message. */
export const itemsOf = (objects: Iterable<HostObject>, failed: Map<string, FaultError>): Item[] => {
  const found: Item[] = [];
  for (const object of objects) {
    const { key } = object;
    if (failed.has(key)) continue;
    try {
      const text = textOf(object);
      if (text !== undefined) found.push(item(key, text));
    } catch (error) {
      failed.set(key, faultOf(key, error));
    }
  }
  return found.sort((a, b) => (a.set.name < b.set.name ? -1 : a.set.name > b.set.name ? 1 : 0));
};

/** The objects whose elements may be there: a port's only while it is held. */
export const directable = (context: Context, objects: Iterable<HostObject>): HostObject[] =>
  [...objects].filter(({ key, spec }) => spec?.$case !== 'port' || context.ports.isHeld(key));

export const isMissing = (error: unknown): boolean => error instanceof KernelError && error.errno === ERRNO.ENOENT;
const isThere = (error: unknown): boolean => error instanceof KernelError && error.errno === ERRNO.EEXIST;

export type Op = ElementChange['op'];
export const change = (op: Op, { set, element }: Item): ElementChange => ({ set, op, element });

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

/** Ids of the elements that are there, in the sets that the items are of. */
export const presentIds = (context: Context, items: readonly Item[]): Set<string> =>
  new Set(
    [...new Set(items.map(({ set }) => set))].flatMap((set) =>
      (listElements(context.nft(), set) ?? []).map(({ key }) => elementId(set, key)),
    ),
  );

/** All in one transaction, or in halves where it fails: each failing one costs a wait of the kernel, 10 ms and more. */
export const bisect = (context: Context, op: Op, items: readonly Item[], failed: Map<string, FaultError>): void => {
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
  } catch (error) {
    if (op === 'add' && isMissing(error) && listElements(context.nft(), first.set) === undefined) {
      // The table has just gone: none of the halves would do better. Its notification brings the look that puts it back.
      for (const { key } of items) failed.set(key, faultOf(key, error));
      return;
    }
    const half = items.length >> 1;
    bisect(context, op, items.slice(0, half), failed);
    bisect(context, op, items.slice(half), failed);
  }
};

const elementText = ({ set, element }: Item): string => {
  const word = (text: string, at: number): string => {
    if (set.key[at] === 'ifname') return JSON.stringify(text);
    return set.key[at] === 'inet_proto' ? protocolText(text) : text;
  };
  const quoted = element.key.map(word).join(' . ');
  const separator = set.data === 'verdict' ? ' ' : ' . ';
  return element.data === undefined ? quoted : `${quoted} : ${element.data.join(separator)}`;
};

/** Text that adds the elements, so that putting the table back leaves no moment without them. */
export const elementsText = (items: readonly Item[]): string =>
  [...Map.groupBy(items, ({ set }) => set.name)]
    .map(([name, group]) => `add element inet ${WEFT_TABLE} ${name} { ${group.map(elementText).join(', ')} }\n`)
    .join('');
