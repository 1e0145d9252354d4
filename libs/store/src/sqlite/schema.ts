// The SQLite schema, drawn here and nowhere else. Changing it means a new VERSION and a step in `migrate`.
//
//   meta(name, value)                 id          32 hex digits, made with the file
//                                     revision    the last revision
//                                     forgotten   history up to and including it may be gone
//   kv(key, value, created, modified, lease)      the present; `lease` is null or a row of lease
//   log(sequence, revision, at, key, value, created, lease, old_*)
//                                     history, one row an event; a null value is a delete; old_* is the state before;
//                                     `at` is Unix milliseconds, never decreasing
//   lease(id, ttl)                    `ttl` in seconds; ids are never used again (AUTOINCREMENT)
import type { DatabaseSync } from 'node:sqlite';

/** SQLite's `application_id`: "weft" in ASCII. */
export const APPLICATION_ID = 0x77656674;
/** SQLite's `user_version`. */
export const VERSION = 1;

const TABLES = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE kv (
    key TEXT NOT NULL UNIQUE, value BLOB NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL, lease INTEGER
  ) STRICT;
  CREATE INDEX kv_lease ON kv (lease) WHERE lease IS NOT NULL;
  CREATE TABLE log (
    sequence INTEGER PRIMARY KEY, revision INTEGER NOT NULL, at INTEGER NOT NULL,
    key TEXT NOT NULL, value BLOB, created INTEGER, lease INTEGER,
    old_value BLOB, old_created INTEGER, old_modified INTEGER, old_lease INTEGER
  ) STRICT;
  CREATE INDEX log_revision ON log (revision);
  CREATE TABLE lease (id INTEGER PRIMARY KEY AUTOINCREMENT, ttl INTEGER NOT NULL) STRICT;
`;

/** Makes the tables of an empty database. Call it inside a transaction: a crash must leave all or nothing. */
export function createSchema(db: DatabaseSync, id: string): void {
  db.exec(TABLES);
  db.exec(`INSERT INTO meta VALUES ('revision', 0), ('forgotten', 0)`);
  db.prepare(`INSERT INTO meta VALUES ('id', ?)`).run(id);
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${VERSION}`);
}
