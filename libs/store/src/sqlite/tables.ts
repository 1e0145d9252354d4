// The statements: every line of SQL that runs after the start, prepared once. It decides nothing.
// Callers own the transactions; numbers cross as bigint, because revisions are 64 bits wide.
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { compareKeys, prefixEnd } from '../keys.ts';
import type { KeyValue, ListOptions, Revision, StoreEvent, WatchBatch } from '../store.ts';

type Row = Record<string, SQLOutputValue>;

/** SQLite orders every blob after every text, so an empty blob is "no upper bound". */
const NO_END = new Uint8Array(0);
const PRESENT = 'key, value, created, modified, lease';
const EVENT = 'revision, key, value, created, lease, old_value, old_created, old_modified, old_lease';

export type Tables = ReturnType<typeof createTables>;

export function createTables(db: DatabaseSync) {
  const prepare = (sql: string): StatementSync => {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    return statement;
  };
  const get = prepare(`SELECT ${PRESENT} FROM kv WHERE key = ?`);
  const from = prepare(`SELECT ${PRESENT} FROM kv WHERE key >= ? AND key < ? ORDER BY key LIMIT ?`);
  const after = prepare(`SELECT ${PRESENT} FROM kv WHERE key > ? AND key < ? ORDER BY key LIMIT ?`);
  const ofLease = prepare(`SELECT ${PRESENT} FROM kv WHERE lease = ? ORDER BY key`);
  const put = prepare(
    `INSERT INTO kv (${PRESENT}) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
       value = excluded.value, modified = excluded.modified, lease = excluded.lease`,
  );
  const remove = prepare('DELETE FROM kv WHERE key = ?');
  const log = prepare(`INSERT INTO log (at, ${EVENT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const upper = prepare('SELECT revision FROM log WHERE revision > ? ORDER BY revision LIMIT 1 OFFSET ?');
  const events = prepare(
    `SELECT ${EVENT} FROM log WHERE revision > ? AND revision <= ? AND key >= ? AND key < ? ORDER BY sequence`,
  );
  const lastAt = prepare('SELECT at FROM log ORDER BY sequence DESC LIMIT 1');
  const nthOldest = prepare('SELECT revision, at FROM log ORDER BY sequence LIMIT 1 OFFSET ?');
  const trim = prepare('DELETE FROM log WHERE revision <= ?');
  const meta = prepare('SELECT value FROM meta WHERE name = ?');
  const setMeta = prepare('UPDATE meta SET value = ? WHERE name = ?');
  const leases = prepare('SELECT id, ttl FROM lease');
  const lease = prepare('SELECT id FROM lease WHERE id = ?');
  const grant = prepare('INSERT INTO lease (ttl) VALUES (?) RETURNING id');
  const drop = prepare('DELETE FROM lease WHERE id = ?');
  const rows = (statement: StatementSync, ...values: SQLInputValue[]) => statement.all(...values) as Row[];

  return {
    storeId: () => meta.get('id')?.['value'] as string,
    revision: () => meta.get('revision')?.['value'] as Revision,
    setRevision: (revision: bigint) => setMeta.run(revision, 'revision'),
    forgotten: () => meta.get('forgotten')?.['value'] as Revision,
    setForgotten: (revision: bigint) => setMeta.run(revision, 'forgotten'),

    get(key: string): KeyValue | undefined {
      const row = get.get(key);
      return row && presentOf(row);
    },
    list(prefix: string, { limit = -1, startAfter }: ListOptions = {}): KeyValue[] {
      const end = prefixEnd(prefix) ?? NO_END;
      const skips = startAfter !== undefined && compareKeys(startAfter, prefix) >= 0;
      return rows(skips ? after : from, skips ? startAfter : prefix, end, limit).map(presentOf);
    },
    put: (key: string, value: Uint8Array, created: bigint, revision: bigint, leaseId: bigint | undefined) =>
      put.run(key, value, created, revision, leaseId ?? null),
    remove: (key: string) => remove.run(key),

    /** Adds an event to history; `at` in Unix milliseconds. */
    record(at: number, revision: bigint, event: StoreEvent): void {
      const old = event.previous;
      const now = event.type === 'put' ? event : undefined;
      log.run(
        ...[at, revision, event.key, now?.value ?? null, now?.createRevision ?? null, now?.leaseId ?? null],
        ...[old?.value ?? null, old?.createRevision ?? null, old?.modRevision ?? null, old?.leaseId ?? null],
      );
    },
    /** Whole revisions after `revision`, about `count` events of any key, those below the prefix. */
    history(revision: Revision, prefix: string, count: number, last: Revision) {
      const end = (upper.get(revision, count)?.['revision'] as Revision | undefined) ?? last;
      const found = rows(events, revision, end, prefix, prefixEnd(prefix) ?? NO_END);
      return { batches: batchesOf(found), upTo: end };
    },
    /** Unix milliseconds of the last event, 0 if there is none. */
    lastAt: () => Number(lastAt.get()?.['at'] ?? 0n),
    /** The event that has `count` older ones. */
    nthOldest(count: number): { revision: Revision; at: number } | undefined {
      const row = nthOldest.get(count);
      return row && { revision: row['revision'] as Revision, at: Number(row['at']) };
    },
    trim: (upTo: bigint) => trim.run(upTo),

    leases: () => rows(leases).map((row) => ({ id: row['id'] as bigint, ttlSeconds: Number(row['ttl']) })),
    hasLease: (id: bigint) => lease.get(id) !== undefined,
    grantLease: (ttlSeconds: number) => grant.get(ttlSeconds)?.['id'] as bigint,
    dropLease: (id: bigint) => drop.run(id),
    keysOfLease: (id: bigint): KeyValue[] => rows(ofLease, id).map(presentOf),
  };
}

function presentOf(row: Row): KeyValue {
  return keyValue(row['key'], row['value'], row['created'], row['modified'], row['lease']);
}

function keyValue(...[key, value, created, modified, lease]: (SQLOutputValue | undefined)[]): KeyValue {
  return {
    key: key as string,
    value: value as Uint8Array,
    createRevision: created as Revision,
    modRevision: modified as Revision,
    ...(typeof lease === 'bigint' && { leaseId: lease }),
  };
}

function batchesOf(found: Row[]): WatchBatch[] {
  const batches: { revision: Revision; events: StoreEvent[] }[] = [];
  for (const row of found) {
    const revision = row['revision'] as Revision;
    if (batches.at(-1)?.revision !== revision) batches.push({ revision, events: [] });
    batches.at(-1)!.events.push(eventOf(row));
  }
  return batches;
}

function eventOf(row: Row): StoreEvent {
  const key = row['key'] as string;
  const previous =
    row['old_value'] !== null &&
    keyValue(key, row['old_value'], row['old_created'], row['old_modified'], row['old_lease']);
  const state = row['value'] !== null && keyValue(key, row['value'], row['created'], row['revision'], row['lease']);
  return { ...(state ? { type: 'put', ...state } : { type: 'delete', key }), ...(previous && { previous }) };
}
