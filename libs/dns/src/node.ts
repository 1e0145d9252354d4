// What a name (or an address, for reverse names) leads to: one owner, as nearly always, or several that share it.
// A table's value is the owner itself in the first case, so that a name costs a key and a slot and no more.
import type { Name } from './name.ts';
import type { Rdata } from './rdata.ts';

export interface Port {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** What one owner says: the same for all of its names. */
export interface Owner {
  readonly names: readonly Name[];
  /** IPv4 addresses, 4 chars each. */
  readonly v4: string;
  /** IPv6 addresses, 16 chars each. */
  readonly v6: string;
  /** Its name for reverse lookups, without the network; the root when it has none. */
  readonly reverse: Name;
  /** Seconds; -1 is the default. */
  readonly ttl: number;
  readonly records: readonly Rdata[] | undefined;
  readonly ports: readonly Port[] | undefined;
}

/** Owners of one name, in no order. Joining and leaving is O(1); the union of the addresses is made when first asked for. */
export class Shared {
  readonly owners: Owner[] = [];
  readonly #places = new Map<Owner, number>();
  #v4: string | undefined;
  #v6: string | undefined;
  #ttl: number | undefined;

  add(owner: Owner): void {
    this.#places.set(owner, this.owners.length);
    this.owners.push(owner);
    this.#forget();
  }

  remove(owner: Owner): void {
    const place = this.#places.get(owner);
    const last = this.owners.at(-1);
    if (place === undefined || last === undefined) return;
    this.owners[place] = last;
    this.#places.set(last, place);
    this.owners.pop();
    this.#places.delete(owner);
    this.#forget();
  }

  #forget(): void {
    this.#v4 = undefined;
    this.#v6 = undefined;
    this.#ttl = undefined;
  }

  /** The shortest that an owner names; -1 when none does. */
  get ttl(): number {
    this.#ttl ??= this.owners.reduce((least, { ttl }) => (ttl >= 0 && (least < 0 || ttl < least) ? ttl : least), -1);
    return this.#ttl;
  }

  get v4(): string {
    this.#v4 ??= union(this.owners, (owner) => owner.v4, 4);
    return this.#v4;
  }

  get v6(): string {
    this.#v6 ??= union(this.owners, (owner) => owner.v6, 16);
    return this.#v6;
  }
}

/** The most bytes of addresses that fit into any message; more owners than that are a lottery anyway. */
const MAX_UNION = 65536;

function union(owners: readonly Owner[], data: (owner: Owner) => string, width: number): string {
  const seen = new Set<string>();
  for (const owner of owners) {
    const all = data(owner);
    for (let at = 0; at < all.length; at += width) seen.add(all.slice(at, at + width));
    if (seen.size * width > MAX_UNION) break;
  }
  return [...seen].join('');
}

export type Node = Owner | Shared;

export function ownersOf(node: Node): readonly Owner[] {
  return node instanceof Shared ? node.owners : [node];
}

export function link<K>(map: Map<K, Node>, key: K, owner: Owner): void {
  const node = map.get(key);
  if (node === undefined) map.set(key, owner);
  else if (node instanceof Shared) node.add(owner);
  else {
    const shared = new Shared();
    shared.add(node);
    shared.add(owner);
    map.set(key, shared);
  }
}

export function unlink<K>(map: Map<K, Node>, key: K, owner: Owner): void {
  const node = map.get(key);
  if (node === owner) map.delete(key);
  if (!(node instanceof Shared)) return;
  node.remove(owner);
  if (node.owners.length === 1) map.set(key, node.owners[0] as Owner);
}
