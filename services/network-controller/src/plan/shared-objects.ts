// Objects of one host that several items may want: the last value that was said holds, and an object goes with its last
// owner. Objects of one record each need none of this, and are most of what a host has.
import { addDigests, type Digest, digestOfBytes, hasOneOwner, noObjects } from '@weft/hoststate';
import { type Object as HostObject, Object as HostObjectCodec } from '@weft/proto/agent';
import type { ItemKey } from './items.ts';

interface Entry {
  object: HostObject;
  readonly owners: Set<ItemKey>;
}

/** Whether only one item can want the object. */
export const isSole = ({ spec }: HostObject): boolean => spec !== undefined && hasOneOwner(spec.$case);

/** Of each object that was ever compared, or told with others: it is one for all hosts that are told it. */
const encoded = new WeakMap<HostObject, Buffer>();

export function bytesOf(object: HostObject): Buffer {
  const known = encoded.get(object);
  if (known !== undefined) return known;
  const bytes = Buffer.from(HostObjectCodec.encode(object).finish());
  encoded.set(object, bytes);
  return bytes;
}

export const sameBytes = (a: HostObject, b: HostObject): boolean =>
  a === b || Buffer.compare(bytesOf(a), bytesOf(b)) === 0;

export class SharedObjects {
  readonly #entries = new Map<string, Entry>();
  /** What was told of each key that was touched since the last time; undefined for nothing. */
  readonly #before = new Map<string, HostObject | undefined>();

  *all(): Iterable<HostObject> {
    for (const { object } of this.#entries.values()) yield object;
  }

  digest(): Digest {
    let sum = noObjects;
    for (const { object } of this.#entries.values()) sum = addDigests(sum, digestOfBytes(bytesOf(object)));
    return sum;
  }

  get(key: string): HostObject | undefined {
    return this.#entries.get(key)?.object;
  }

  owners(key: string): ReadonlySet<ItemKey> {
    return this.#entries.get(key)?.owners ?? new Set();
  }

  leave(item: ItemKey, objects: readonly HostObject[]): void {
    for (const object of objects) {
      if (isSole(object)) continue;
      const entry = this.#entries.get(object.key);
      if (entry === undefined) continue;
      this.#touch(object.key, entry);
      entry.owners.delete(item);
      if (entry.owners.size === 0) this.#entries.delete(object.key);
    }
  }

  join(item: ItemKey, objects: readonly HostObject[]): void {
    for (const object of objects) {
      if (isSole(object)) continue;
      const entry = this.#entries.get(object.key);
      this.#touch(object.key, entry);
      if (entry === undefined) this.#entries.set(object.key, { object, owners: new Set([item]) });
      else {
        entry.object = object;
        entry.owners.add(item);
      }
    }
  }

  /** What differs from what was told before. */
  takeChanges(): { puts: HostObject[]; deletes: string[] } {
    const puts: HostObject[] = [];
    const deletes: string[] = [];
    for (const [key, told] of this.#before) {
      const now = this.#entries.get(key)?.object;
      if (now === undefined) {
        if (told !== undefined) deletes.push(key);
      } else if (told === undefined || !sameBytes(told, now)) puts.push(now);
    }
    this.#before.clear();
    return { puts, deletes };
  }

  #touch(key: string, entry: Entry | undefined): void {
    if (!this.#before.has(key)) this.#before.set(key, entry?.object);
  }
}
