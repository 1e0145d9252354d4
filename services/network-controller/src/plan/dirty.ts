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
  /** Networks that some hosts alone have to be told of, as they are new or others than they were: hosts by network. */
  readonly networksOn: Map<string, Set<string>>;
}

export const newDirty = (): Dirty => ({
  networks: new Set(),
  endpoints: new Set(),
  sandboxes: new Set(),
  hosts: new Set(),
  records: new Set(),
  services: new Set(),
  networksOn: new Map(),
});

export const isClean = (dirty: Dirty): boolean =>
  Object.values<{ readonly size: number }>({ ...dirty }).every((ids) => ids.size === 0);

/** The network is to be told to the host, whatever else it is told to. */
export function addPlace({ networksOn }: Dirty, networkId: string, hostId: string): void {
  networksOn.set(networkId, (networksOn.get(networkId) ?? new Set()).add(hostId));
}

/** By host, then by item. */
export type Wants = Map<string, Map<ItemKey, readonly HostObject[]>>;

export function want(wants: Wants, hostId: string, item: ItemKey, objects: readonly HostObject[]): void {
  const items = wants.get(hostId) ?? new Map<ItemKey, readonly HostObject[]>();
  items.set(item, objects);
  wants.set(hostId, items);
}
