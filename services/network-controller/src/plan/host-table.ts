// What one host must have, kept as a table of keyed objects with the items that want each, and a log of its changes
// from which its agent's watch resumes. Derived: after a restart of the controller it begins anew, by Reset.
import { type Object as HostObject, Object as HostObjectCodec } from '@weft/proto/agent';

/** What an object is compiled from, as items.ts names it: "endpoint/<id>". */
export type ItemKey = string;

interface Entry {
  object: HostObject;
  bytes: Uint8Array;
  readonly owners: Set<ItemKey>;
}

export interface TableChange {
  readonly revision: bigint;
  readonly puts: readonly HostObject[];
  readonly deletes: readonly string[];
  /** The revision had been told already: something that could not be compiled was tried again, with no change since. */
  readonly isLate: boolean;
}

/** How many changes the log keeps, and of how many objects; an agent that is further behind gets everything again. */
const keptChanges = 1024;
const keptObjects = 65_536;
const sizeOf = ({ puts, deletes }: TableChange) => puts.length + deletes.length;

export class HostTable {
  readonly #entries = new Map<string, Entry>();
  readonly #items = new Map<ItemKey, readonly string[]>();
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

  /** All objects. */
  objects(): HostObject[] {
    return [...this.#entries.values()].map((entry) => entry.object);
  }

  /** The object of a key. */
  object(key: string): HostObject | undefined {
    return this.#entries.get(key)?.object;
  }

  /** Items that want the object of this key. */
  owners(key: string): ReadonlySet<ItemKey> {
    return this.#entries.get(key)?.owners ?? new Set();
  }

  /** Keys of the objects an item wants. */
  keysOf(item: ItemKey): readonly string[] {
    return this.#items.get(item) ?? [];
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

  /** Sets what items want as of the revision; an item without objects is forgotten. */
  set(revision: bigint, wants: ReadonlyMap<ItemKey, readonly HostObject[]>): void {
    const touched = new Map<string, HostObject | undefined>();
    for (const [item, objects] of wants) this.#setItem(item, objects, touched);
    const puts: HostObject[] = [];
    const deletes: string[] = [];
    for (const [key, object] of touched) {
      const entry = this.#entries.get(key);
      if (entry === undefined || entry.owners.size === 0) {
        this.#entries.delete(key);
        if (entry !== undefined && entry.bytes.length > 0) deletes.push(key);
        continue;
      }
      if (object === undefined) continue;
      const bytes = HostObjectCodec.encode(object).finish();
      if (Buffer.compare(bytes, entry.bytes) === 0) continue;
      entry.object = object;
      entry.bytes = bytes;
      puts.push(object);
    }
    const isLate = this.#isSet && this.#revision === revision;
    this.#isSet = true;
    this.#revision = revision;
    if (puts.length > 0 || deletes.length > 0) {
      this.#log.push({ revision, puts, deletes, isLate });
      this.#logged += puts.length + deletes.length;
      if (this.#log.length > 2 * keptChanges || this.#logged > 2 * keptObjects) this.#trim();
    }
    for (const listener of this.#listeners) listener();
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

  #setItem(item: ItemKey, objects: readonly HostObject[], touched: Map<string, HostObject | undefined>): void {
    const keys = new Set(objects.map((object) => object.key));
    for (const key of this.#items.get(item) ?? []) {
      if (keys.has(key)) continue;
      this.#entries.get(key)?.owners.delete(item);
      if (!touched.has(key)) touched.set(key, undefined);
    }
    for (const object of objects) {
      const entry = this.#entries.get(object.key) ?? { object, bytes: new Uint8Array(), owners: new Set<ItemKey>() };
      entry.owners.add(item);
      this.#entries.set(object.key, entry);
      touched.set(object.key, object);
    }
    if (keys.size === 0) this.#items.delete(item);
    else this.#items.set(item, [...keys]);
  }
}
