// Which hosts were told of an item: kept beside the tables, so that a change costs what it reaches and not what hosts there are.
import type { HostObject } from '@weft/hoststate';
import { type Wants, want } from './dirty.ts';
import type { ItemKey } from './items.ts';

const nobody: ReadonlySet<string> = new Set();

export class Told {
  readonly #hosts = new Map<ItemKey, Set<string>>();

  /** Hosts that have something of the item. */
  of(item: ItemKey): ReadonlySet<string> {
    return this.#hosts.get(item) ?? nobody;
  }

  /** Notes that the host is to have these objects of the item. */
  want(wants: Wants, hostId: string, item: ItemKey, objects: readonly HostObject[]): void {
    const hosts = this.#hosts.get(item);
    if (objects.length === 0 && hosts?.has(hostId) !== true) return;
    want(wants, hostId, item, objects);
    if (objects.length > 0) this.#hosts.set(item, (hosts ?? new Set()).add(hostId));
    else {
      hosts?.delete(hostId);
      if (hosts?.size === 0) this.#hosts.delete(item);
    }
  }

  /** These hosts and no other are to have the item: the others that have it are told to forget it. */
  only(wants: Wants, item: ItemKey, hosts: ReadonlySet<string>): void {
    for (const hostId of [...this.of(item)]) if (!hosts.has(hostId)) this.want(wants, hostId, item, []);
  }
}
