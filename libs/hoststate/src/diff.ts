// What leads from one HostState to another. Pure; its cost follows the two, so callers that know the change do not need it.
import { type HostObject, type ObjectKey, parseKey } from './key.ts';
import { inOrder } from './rank.ts';
import { sameObject } from './text.ts';

export interface HostChange {
  /** New and changed objects, in the order of applying. */
  readonly put: HostObject[];
  /** Keys of objects that are no more, in the order of removing. */
  readonly delete: ObjectKey[];
}

export const diff = (before: Iterable<HostObject>, after: Iterable<HostObject>): HostChange => {
  const old = new Map([...before].map((object) => [object.key, object]));
  const next = new Map([...after].map((object) => [object.key, object]));
  const isNew = (object: HostObject) => {
    const was = old.get(object.key);
    return was === undefined || !sameObject(was, object);
  };
  return {
    put: inOrder([...next.values()].filter(isNew)),
    delete: inOrder([...old.values()].filter(({ key }) => !next.has(key)))
      .reverse()
      .map(({ key }) => parseKey(key).key),
  };
};
