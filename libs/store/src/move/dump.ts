// What several stores hold, as a file of lines, and what such a file holds. Pure.
//   {"weft":"stores","format":1}
//   {"store":"ipam","key":"space/LocalDefault","value":"<base64>"}     a store's keys in their order
//   {"end":true,"counts":{"ipam":1},"digest":"<sha256, hex>"}
// Revisions are not in it: they are the store's that they were made in, as its id is. So keys of leases are not either.
import { createHash } from 'node:crypto';
import { fault, Reason } from '@weft/fault';

export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Entries by store, in the order of their keys. */
export type Dump = ReadonlyMap<string, readonly Entry[]>;

const format = 1;

/** Of all stores, keys and values, each with its length before it: 64 hex digits. */
export function digestOf(dump: Dump): string {
  const hash = createHash('sha256');
  const add = (bytes: Uint8Array) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const [store, entries] of [...dump].sort(([a], [b]) => (a < b ? -1 : 1))) {
    add(Buffer.from(store));
    for (const { key, value } of entries) {
      add(Buffer.from(key));
      add(value);
    }
  }
  return hash.digest('hex');
}

export function countsOf(dump: Dump): Record<string, number> {
  return Object.fromEntries([...dump].map(([store, entries]) => [store, entries.length]));
}

export function* linesOf(dump: Dump): Generator<string> {
  yield JSON.stringify({ weft: 'stores', format });
  for (const [store, entries] of dump) {
    for (const { key, value } of entries) {
      yield JSON.stringify({ store, key, value: Buffer.from(value).toString('base64') });
    }
  }
  yield JSON.stringify({ end: true, counts: countsOf(dump), digest: digestOf(dump) });
}

/**
 * Reads all of it and checks it against its own counts and digest. `name` is the file's; `stores` are those it must have.
 * @throws INVALID_VALUE
 */
export function dumpOf(lines: Iterable<string>, name: string, stores: readonly string[]): Dump {
  const dump = new Map<string, Entry[]>(stores.map((store) => [store, []]));
  let number = 0;
  let end: Record<string, unknown> | undefined;
  const refuse = (because: string) => fault(Reason.INVALID_VALUE, `${name}: ${because}`, { field: 'FILE' });
  for (const text of lines) {
    const at = `line ${++number}`;
    if (end !== undefined) throw refuse(`${at} comes after the end`);
    const line = parse(text);
    if (line === undefined) throw refuse(`${at} is not of an export`);
    if (number === 1) {
      if (line['weft'] !== 'stores') throw refuse('it is not an export of weft');
      if (line['format'] !== format) throw refuse(`its format is ${line['format']}, this program knows ${format}`);
    } else if (line['end'] === true) end = line;
    else {
      const { store, key, value } = line;
      if (typeof store !== 'string' || typeof key !== 'string' || typeof value !== 'string') {
        throw refuse(`${at} is not of an export`);
      }
      const entries = dump.get(store);
      if (entries === undefined) throw refuse(`${at} is of a store ${store}, which is none of ${stores.join(', ')}`);
      entries.push({ key, value: new Uint8Array(Buffer.from(value, 'base64')) });
    }
  }
  if (end === undefined) throw refuse('it ends too early: export again');
  if (JSON.stringify(end['counts']) !== JSON.stringify(countsOf(dump)) || end['digest'] !== digestOf(dump)) {
    throw refuse('it was changed since it was written: its digest is another one');
  }
  return dump;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? (line as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
