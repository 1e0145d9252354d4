// The SQLite store against a model that fits on a page: the whole history in an array.
// Random transactions, watches resumed from random revisions, compactions and restarts must look the same in both.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Compare,
  type KeyValue,
  type Op,
  openSqliteStore,
  type Revision,
  type Store,
  type StoreEvent,
} from '@weft/store';
import fc from 'fast-check';
import { expect, it } from 'vitest';

interface Model {
  keys: Map<string, KeyValue>;
  /** history[n] is what revision n + 1 did. */
  history: StoreEvent[][];
  forgotten: number;
}

interface System {
  store: Store;
  file: string;
}

const byBytes = (a: { key: string }, b: { key: string }) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
const below = (model: Model, prefix: string) =>
  [...model.keys.values()].filter(({ key }) => key.startsWith(prefix)).sort(byBytes);

/** The model's transaction: undefined when a compare does not hold. */
function modelTransact(model: Model, compares: Compare[], ops: Op[]): StoreEvent[] | undefined {
  if (compares.some(({ key, modRevision }) => (model.keys.get(key)?.modRevision ?? 0n) !== modRevision))
    return undefined;
  const revision = BigInt(model.history.length + 1) as Revision;
  const events: StoreEvent[] = [];
  for (const op of ops) {
    if ('put' in op) {
      const previous = model.keys.get(op.put);
      const createRevision = previous?.createRevision ?? revision;
      const state = { key: op.put, value: op.value, createRevision, modRevision: revision };
      model.keys.set(op.put, state);
      events.push({ type: 'put', ...state, ...(previous && { previous }) });
      continue;
    }
    const gone =
      'delete' in op ? below(model, '').filter(({ key }) => key === op.delete) : below(model, op.deletePrefix);
    for (const previous of gone) {
      model.keys.delete(previous.key);
      events.push({ type: 'delete', key: previous.key, previous });
    }
  }
  if (events.length > 0) model.history.push(events);
  return events;
}

class Transact implements fc.AsyncCommand<Model, System> {
  readonly transactions: { ops: Op[]; guess: { key: string; pick: number }[] }[];
  constructor(transactions: { ops: Op[]; guess: { key: string; pick: number }[] }[]) {
    this.transactions = transactions;
  }
  check = () => true;
  toString = () => `transact ${fc.stringify(this.transactions)}`;
  async run(model: Model, { store }: System): Promise<void> {
    // Together in one tick, so that they share a commit; the model does them one after the other.
    const calls = this.transactions.map(({ ops, guess }) => {
      const compares = guess.map(({ key, pick }) => ({
        ...{ key, modRevision: pick === 0 ? (0n as const) : (model.keys.get(key)?.modRevision ?? 0n) },
      }));
      const call = store.transact(compares, ops);
      const events = modelTransact(model, compares, ops);
      return { call, expected: { committed: events !== undefined, revision: BigInt(model.history.length) } };
    });
    for (const { call, expected } of calls) expect(await call).toEqual(expected);
  }
}

class List implements fc.AsyncCommand<Model, System> {
  readonly prefix: string;
  readonly limit: number;
  readonly startAfter: string | undefined;
  constructor(prefix: string, limit: number, startAfter: string | undefined) {
    this.prefix = prefix;
    this.limit = limit;
    this.startAfter = startAfter;
  }
  check = () => true;
  toString = () => `list ${fc.stringify([this.prefix, this.limit, this.startAfter])}`;
  async run(model: Model, { store }: System): Promise<void> {
    const { limit, startAfter } = this;
    const start = startAfter;
    const wanted = below(model, this.prefix).filter(
      (entry) => start === undefined || byBytes(entry, { key: start }) > 0,
    );
    const result = await store.list(this.prefix, { limit, ...(startAfter !== undefined && { startAfter }) });
    expect(result).toEqual({ keyValues: wanted.slice(0, limit), revision: BigInt(model.history.length) });
  }
}

class Watch implements fc.AsyncCommand<Model, System> {
  readonly prefix: string;
  readonly at: number;
  constructor(prefix: string, at: number) {
    this.prefix = prefix;
    this.at = at;
  }
  check = () => true;
  toString = () => `watch ${fc.stringify([this.prefix, this.at])}`;
  async run(model: Model, { store }: System): Promise<void> {
    const from = Math.floor(this.at * (model.history.length + 1));
    const told: unknown[] = [];
    const wanted: unknown[] =
      from < model.forgotten
        ? [{ compacted: BigInt(model.forgotten) }]
        : model.history.slice(from).flatMap((all, index) => {
            const events = all.filter(({ key }) => key.startsWith(this.prefix));
            return events.length > 0 ? [{ revision: BigInt(from + index + 1), events }] : [];
          });
    // One more change below the prefix ends the reading, and shows that nothing else came before it.
    const end = `${this.prefix}end`;
    const ops = [{ put: end, value: new Uint8Array(0) }];
    const { revision } = await store.transact([], ops);
    const events = modelTransact(model, [], ops);
    if (from >= model.forgotten) wanted.push({ revision, events });
    for await (const item of store.watch(this.prefix, BigInt(from) as Revision, new AbortController().signal)) {
      told.push(item);
      if ('compacted' in item || item.revision >= revision) break;
    }
    expect(told).toEqual(wanted);
  }
}

class Compact implements fc.AsyncCommand<Model, System> {
  readonly at: number;
  constructor(at: number) {
    this.at = at;
  }
  check = () => true;
  toString = () => `compact ${this.at}`;
  async run(model: Model, { store }: System): Promise<void> {
    const before = Math.floor(this.at * (model.history.length + 1)) + 1;
    await store.compact(BigInt(before) as Revision);
    model.forgotten = Math.max(model.forgotten, before - 1);
  }
}

class Reopen implements fc.AsyncCommand<Model, System> {
  check = () => true;
  toString = () => 'reopen';
  async run(_: Model, system: System): Promise<void> {
    const { id } = system.store;
    await system.store.close();
    system.store = openSqliteStore({ file: system.file });
    expect(system.store.id).toBe(id);
  }
}

const key = fc.constantFrom('a', 'a/1', 'a/2', 'a/\u{10ffff}', 'a/\uffff', 'b', 'b/1');
const prefix = fc.constantFrom('', 'a', 'a/', 'a/\u{10ffff}', 'b/', 'z');
const value = fc.uint8Array({ maxLength: 6 });
const put = fc.record({ put: key, value });
const remove = fc.oneof(fc.record({ delete: key }), fc.record({ deletePrefix: prefix }));
/** Puts of different keys, or deletes: a transaction may not put a key that it names twice. */
const ops: fc.Arbitrary<Op[]> = fc.oneof(
  { weight: 3, arbitrary: fc.uniqueArray(put, { maxLength: 4, selector: ({ put: name }) => name }) },
  { weight: 1, arbitrary: fc.array(remove, { maxLength: 3 }) },
);
const guess = fc.array(fc.record({ key, pick: fc.nat(2) }), { maxLength: 2 });
const share = fc.double({ min: 0, max: 0.999, noNaN: true });

const commands = fc.commands(
  [
    fc.array(fc.record({ ops, guess }), { minLength: 1, maxLength: 4 }).map((list) => new Transact(list)),
    fc
      .tuple(prefix, fc.integer({ min: 1, max: 5 }), fc.option(key, { nil: undefined }))
      .map((args) => new List(...args)),
    fc.tuple(prefix, share).map((args) => new Watch(...args)),
    share.map((at) => new Compact(at)),
    fc.constant(new Reopen()),
  ],
  { maxCommands: 40, size: 'max' },
);

it('behaves as the model', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (list) => {
      const directory = mkdtempSync(join(tmpdir(), 'weft-model-'));
      const file = join(directory, 'store.db');
      const system: System = { store: openSqliteStore({ file }), file };
      try {
        await fc.asyncModelRun(() => ({ model: { keys: new Map(), history: [], forgotten: 0 }, real: system }), list);
      } finally {
        await system.store.close();
        rmSync(directory, { recursive: true });
      }
    }),
    { numRuns: 100 },
  );
});
