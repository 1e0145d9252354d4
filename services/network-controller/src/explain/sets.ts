// The sets and maps of `table inet weft` as HostState fills them: elements that drivers emit, and those that ports come to.
import { containsAddress, parseAddress, parsePrefix } from '@weft/address';
import { type HostObject, type NftField, type NftSet, nftSets, portElement, portMaps } from '@weft/hoststate';

export interface Element {
  /** The key of the object it comes from. */
  readonly object: string;
  readonly key: readonly string[];
  readonly data: readonly string[];
}

export interface Sets {
  /** The element that holds the key; undefined if none does. @throws TypeError for a set that is not declared */
  find(set: string, key: readonly string[]): Element | undefined;
}

const declared = new Map<string, NftSet>([...nftSets, ...portMaps].map((set) => [set.name, set]));

function holds(field: NftField | undefined, element: string, value: string): boolean {
  if (field !== 'ipv4_prefix' && field !== 'ipv6_prefix') return element === value;
  const [prefix, address] = [parsePrefix(element), parseAddress(value)];
  return prefix !== undefined && address !== undefined && containsAddress(prefix, address);
}

function elementOf({ key: object, spec }: HostObject): (Element & { set: string }) | undefined {
  if (spec?.$case === 'nftElement') return { object, ...spec.value };
  if (spec?.$case === 'port') return { object, ...portElement(spec.value) };
  return undefined;
}

export function setsOf(objects: Iterable<HostObject>): Sets {
  const elements = new Map<string, Element[]>();
  for (const object of objects) {
    const element = elementOf(object);
    if (element === undefined) continue;
    const others = elements.get(element.set);
    if (others === undefined) elements.set(element.set, [element]);
    else others.push(element);
  }
  return {
    find(name, key) {
      const set = declared.get(name);
      if (set === undefined) throw new TypeError(`the table has no set "${name}"`);
      return elements.get(name)?.find((one) => one.key.every((value, at) => holds(set.key[at], value, key[at] ?? '')));
    },
  };
}
