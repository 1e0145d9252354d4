// Records of one kind by id and by a second key each, kept right as records come and go. Derived, never stored.
import type { Stored } from './records.ts';

/** Something derived from a table's records, told of each change. */
export interface Indexing<T> {
  change(id: string, before: T | undefined, after: T | undefined): void;
}

export class Table<T> {
  readonly #rows = new Map<string, Stored<T>>();
  readonly #indexes: readonly Indexing<T>[];

  constructor(...indexes: readonly Indexing<T>[]) {
    this.#indexes = indexes;
  }

  get(id: string): Stored<T> | undefined {
    return this.#rows.get(id);
  }

  get size(): number {
    return this.#rows.size;
  }

  values(): IterableIterator<Stored<T>> {
    return this.#rows.values();
  }

  ids(): IterableIterator<string> {
    return this.#rows.keys();
  }

  put(id: string, row: Stored<T>): void {
    const before = this.#rows.get(id);
    for (const index of this.#indexes) index.change(id, before?.value, row.value);
    this.#rows.set(id, row);
  }

  delete(id: string): void {
    const before = this.#rows.get(id);
    if (before === undefined) return;
    for (const index of this.#indexes) index.change(id, before.value, undefined);
    this.#rows.delete(id);
  }
}

/** Ids by keys computed from the record, each once. What is asked for is as of its moment. */
export class KeysIndex<T> implements Indexing<T> {
  /** Most keys have one id: a name is one's own. A set of its own for each costs more than all the rest of an index. */
  readonly #buckets = new Map<string, string | Set<string>>();
  readonly #keysOf: (value: T) => readonly string[];

  constructor(keysOf: (value: T) => readonly string[]) {
    this.#keysOf = keysOf;
  }

  ids(key: string): ReadonlySet<string> {
    const bucket = this.#buckets.get(key);
    return typeof bucket === 'string' ? new Set([bucket]) : (bucket ?? none);
  }

  change(id: string, before: T | undefined, after: T | undefined): void {
    const from = before === undefined ? [] : this.#keysOf(before);
    const to = after === undefined ? [] : this.#keysOf(after);
    if (from.length === to.length && from.every((key, at) => key === to[at])) return;
    for (const key of from) this.#remove(key, id);
    for (const key of to) this.#add(key, id);
  }

  #add(key: string, id: string): void {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, id);
    else if (typeof bucket !== 'string') bucket.add(id);
    else if (bucket !== id) this.#buckets.set(key, new Set([bucket, id]));
  }

  #remove(key: string, id: string): void {
    const bucket = this.#buckets.get(key);
    if (bucket === id) this.#buckets.delete(key);
    else if (typeof bucket === 'object' && bucket.delete(id) && bucket.size === 0) this.#buckets.delete(key);
  }
}
const none: ReadonlySet<string> = new Set();

/** Ids by a key computed from the record; records whose key is undefined are in no bucket. */
export class Index<T> extends KeysIndex<T> {
  constructor(keyOf: (value: T) => string | undefined) {
    super((value) => {
      const key = keyOf(value);
      return key === undefined ? [] : [key];
    });
  }
}
