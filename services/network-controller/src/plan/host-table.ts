// What one host must have, kept as a table of keyed objects with the items that want each, and a log of its changes
// from which its agent's watch resumes. Derived: after a restart of the controller it begins anew, by Reset.

import { addDigests, type Digest, digestOf } from '@weft/hoststate';
import type { Object as HostObject } from '@weft/proto/agent';
import type { TraceParent } from '@weft/telemetry';
import type { ItemKey } from './items.ts';
import { isSole, SharedObjects, sameBytes } from './shared-objects.ts';

export interface TableChange {
  readonly revision: bigint;
  readonly puts: readonly HostObject[];
  readonly deletes: readonly string[];
  /** The revision had been told already: something that could not be compiled was tried again, with no change since. */
  readonly isLate: boolean;
  /** Whom what hosts do of it continues. */
  readonly traceParents: readonly TraceParent[];
}

/** How many changes the log keeps, and of how many objects; an agent that is further behind gets everything again. */
const keptChanges = 1024;
const keptObjects = 65_536;
const sizeOf = ({ puts, deletes }: TableChange) => puts.length + deletes.length;

/** Of what an item alone wants: its array is one for all hosts that are told the same. */
const soleDigests = new WeakMap<readonly HostObject[], Digest>();

function soleDigest(objects: readonly HostObject[]): Digest {
  const known = soleDigests.get(objects);
  if (known !== undefined) return known;
  const digest = digestOf(objects.filter(isSole));
  soleDigests.set(objects, digest);
  return digest;
}

export class HostTable {
  /** What each item wants. Arrays are shared between the tables of hosts that are told the same. */
  readonly #items = new Map<ItemKey, readonly HostObject[]>();
  readonly #shared = new SharedObjects();
  /** The item of each object that only one can want; made when somebody asks, and followed from then on. */
  #ownerOf: Map<string, ItemKey> | undefined;
  #log: TableChange[] = [];
  /** How many changes have left the log. */
  #dropped = 0;
  /** How many objects the log's changes are of. */
  #logged = 0;
  /** All changes after this revision, and late ones of it, are in the log. */
  #floor: bigint;
  #revision: bigint;
  #isSet = false;
  readonly #listeners = new Set<() => void>();

  constructor(revision: bigint) {
    this.#floor = revision;
    this.#revision = revision;
  }

  /** The host was removed: nobody is told of this table any more. */
  isClosed = false;

  get revision(): bigint {
    return this.#revision;
  }

  get isEmpty(): boolean {
    return this.#items.size === 0;
  }

  /** All objects. */
  objects(): HostObject[] {
    return [...[...this.#items.values()].flatMap((objects) => objects.filter(isSole)), ...this.#shared.all()];
  }

  /** Of all objects. */
  digest(): Digest {
    let sum = this.#shared.digest();
    for (const objects of this.#items.values()) sum = addDigests(sum, soleDigest(objects));
    return sum;
  }

  /** The object of a key. */
  object(key: string): HostObject | undefined {
    const shared = this.#shared.get(key);
    if (shared !== undefined) return shared;
    const item = this.#owners().get(key);
    return item === undefined ? undefined : this.#items.get(item)?.find((object) => object.key === key);
  }

  /** Items that want the object of this key. */
  owners(key: string): ReadonlySet<ItemKey> {
    const item = this.#owners().get(key);
    return item === undefined ? this.#shared.owners(key) : new Set([item]);
  }

  /** Keys of the objects an item wants. */
  keysOf(item: ItemKey): readonly string[] {
    return this.#items.get(item)?.map(({ key }) => key) ?? [];
  }

  /** Whether the item wants anything here. */
  has(item: ItemKey): boolean {
    return this.#items.has(item);
  }

  /** Where the next change will stand. */
  get end(): number {
    return this.#dropped + this.#log.length;
  }

  /** Where a watcher goes on that was told all up to a revision; undefined when the rest cannot be told one by one. */
  resume(since: bigint): number | undefined {
    if (since < this.#floor || since > this.#revision) return undefined;
    const at = this.#log.findIndex(({ revision, isLate }) => revision > since || (isLate && revision === since));
    return at < 0 ? this.end : this.#dropped + at;
  }

  /** Changes from there on, in order; undefined when the log has lost some. */
  changesFrom(position: number): readonly TableChange[] | undefined {
    return position < this.#dropped ? undefined : this.#log.slice(position - this.#dropped);
  }

  /** Says that nothing more changed up to a revision that was planned. */
  reach(revision: bigint): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    this.#isSet = true;
    for (const listener of this.#listeners) listener();
  }

  close(): void {
    this.isClosed = true;
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first that it is to hold: nobody was told anything before, so no change is kept. */
  fill(revision: bigint, wants: ReadonlyMap<ItemKey, readonly HostObject[]>): void {
    this.#take(wants);
    this.#floor = revision;
    this.#isSet = true;
    this.#revision = revision;
    for (const listener of this.#listeners) listener();
  }

  /** Sets what items want as of the revision; an item without objects is forgotten. */
  set(
    revision: bigint,
    wants: ReadonlyMap<ItemKey, readonly HostObject[]>,
    traceParents: readonly TraceParent[] = [],
  ): void {
    const { puts, deletes } = this.#take(wants);
    const isLate = this.#isSet && this.#revision === revision;
    this.#isSet = true;
    this.#revision = revision;
    if (puts.length > 0 || deletes.length > 0) {
      this.#log.push({ revision, puts, deletes, isLate, traceParents });
      this.#logged += puts.length + deletes.length;
      if (this.#log.length > 2 * keptChanges || this.#logged > 2 * keptObjects) this.#trim();
    }
    for (const listener of this.#listeners) listener();
  }

  #take(wants: ReadonlyMap<ItemKey, readonly HostObject[]>): Pick<TableChange, 'puts' | 'deletes'> {
    const before = new Map<string, HostObject>();
    const after = new Map<string, HostObject>();
    for (const [item, objects] of wants) {
      const old = this.#items.get(item);
      if (old === objects) continue;
      for (const object of old ?? []) if (isSole(object)) before.set(object.key, object);
      for (const object of objects) if (isSole(object)) after.set(object.key, object);
      if (old !== undefined) this.#shared.leave(item, old);
      this.#shared.join(item, objects);
      this.#index(item, old ?? [], objects);
      if (objects.length === 0) this.#items.delete(item);
      else this.#items.set(item, objects);
    }
    const { puts, deletes } = this.#shared.takeChanges();
    for (const [key, object] of after) {
      const told = before.get(key);
      if (told === undefined || !sameBytes(told, object)) puts.push(object);
    }
    for (const key of before.keys()) if (!after.has(key)) deletes.push(key);
    return { puts, deletes };
  }

  #owners(): Map<string, ItemKey> {
    if (this.#ownerOf !== undefined) return this.#ownerOf;
    this.#ownerOf = new Map();
    for (const [item, objects] of this.#items) this.#index(item, [], objects);
    return this.#ownerOf;
  }

  #index(item: ItemKey, old: readonly HostObject[], now: readonly HostObject[]): void {
    if (this.#ownerOf === undefined) return;
    for (const { key } of old) if (this.#ownerOf.get(key) === item) this.#ownerOf.delete(key);
    for (const object of now) if (isSole(object)) this.#ownerOf.set(object.key, item);
  }

  #trim(): void {
    let at = this.#log.length;
    let kept = 0;
    for (let change = this.#log[at - 1]; change !== undefined; change = this.#log[at - 1]) {
      if (this.#log.length - at >= keptChanges || (kept > 0 && kept + sizeOf(change) > keptObjects)) {
        this.#floor = change.revision + 1n;
        break;
      }
      kept += sizeOf(change);
      at--;
    }
    this.#log = this.#log.slice(at);
    this.#dropped += at;
    this.#logged = kept;
  }
}
