// Which hosts were told of an item: kept beside the tables, so that a change costs what it reaches and not what hosts there are.
import type { HostObject } from '@weft/hoststate';
import { type Wants, want } from './dirty.ts';
import type { ItemKey } from './items.ts';

const nobody: ReadonlySet<string> = new Set();

export class Told {
  readonly #hosts = new Map<ItemKey, ReadonlySet<string>>();
  /** Those of these that are this item's alone: any other may be another item's too, and is never written to. */
  readonly #own = new WeakSet<ReadonlySet<string>>();

  /** Hosts that have something of the item. */
  of(item: ItemKey): ReadonlySet<string> {
    return this.#hosts.get(item) ?? nobody;
  }

  /** These hosts and no other are to have these objects of the item. The set is kept: it must not change any more. */
  all(
    wants: Wants,
    item: ItemKey,
    hosts: ReadonlySet<string>,
    objectsOf: (hostId: string) => readonly HostObject[],
  ): void {
    this.only(wants, item, hosts);
    const has = this.of(item);
    let isAll = true;
    let isAny = false;
    for (const hostId of hosts) {
      const objects = objectsOf(hostId);
      if (objects.length > 0) isAny = true;
      else isAll = false;
      if (objects.length > 0 || has.has(hostId)) want(wants, hostId, item, objects);
    }
    if (!isAny) this.#hosts.delete(item);
    else if (isAll) this.#hosts.set(item, hosts);
    else this.#set(item, new Set([...hosts].filter((hostId) => objectsOf(hostId).length > 0)));
  }

  /** Notes that the host is to have these objects of the item. */
  want(wants: Wants, hostId: string, item: ItemKey, objects: readonly HostObject[]): void {
    const isTold = this.of(item).has(hostId);
    if (objects.length === 0 && !isTold) return;
    want(wants, hostId, item, objects);
    if (objects.length > 0 === isTold) return;
    const hosts = this.#ownOf(item);
    if (objects.length > 0) hosts.add(hostId);
    else hosts.delete(hostId);
    if (hosts.size === 0) this.#hosts.delete(item);
  }

  /** These hosts and no other are to have the item: the others that have it are told to forget it. */
  only(wants: Wants, item: ItemKey, hosts: ReadonlySet<string>): void {
    const has = this.of(item);
    if (has === hosts) return;
    for (const hostId of [...has]) if (!hosts.has(hostId)) this.want(wants, hostId, item, []);
  }

  #ownOf(item: ItemKey): Set<string> {
    const hosts = this.#hosts.get(item);
    return hosts !== undefined && this.#own.has(hosts) ? (hosts as Set<string>) : this.#set(item, new Set(hosts));
  }

  #set(item: ItemKey, hosts: Set<string>): Set<string> {
    this.#hosts.set(item, hosts);
    this.#own.add(hosts);
    return hosts;
  }
}
