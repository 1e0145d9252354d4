// What the planner has yet to look at, and what it found that hosts must have.
import type { HostObject } from '@weft/hoststate';
import type { ItemKey } from './items.ts';

/** Ids of what changed, by kind. */
export interface Dirty {
  readonly networks: Set<string>;
  readonly endpoints: Set<string>;
  readonly sandboxes: Set<string>;
  readonly hosts: Set<string>;
  readonly records: Set<string>;
  readonly services: Set<string>;
}

export const newDirty = (): Dirty => ({
  networks: new Set(),
  endpoints: new Set(),
  sandboxes: new Set(),
  hosts: new Set(),
  records: new Set(),
  services: new Set(),
});

export const isClean = (dirty: Dirty): boolean =>
  Object.values<Set<string>>({ ...dirty }).every((ids) => ids.size === 0);

/** By host, then by item. */
export type Wants = Map<string, Map<ItemKey, readonly HostObject[]>>;

export function want(wants: Wants, hostId: string, item: ItemKey, objects: readonly HostObject[]): void {
  const items = wants.get(hostId) ?? new Map<ItemKey, readonly HostObject[]>();
  items.set(item, objects);
  wants.set(hostId, items);
}
