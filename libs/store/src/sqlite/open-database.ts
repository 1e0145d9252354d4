// Opens a store's SQLite file: locked to this process, checked, and of the schema we know.
// Refuses (and leaves unchanged) a file that is locked, damaged, another program's, or of a later schema.
// The lock is SQLite's own exclusive locking mode: the kernel drops it when the process dies, also by kill -9.
import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../store-error.ts';
import { lockHolder } from './lock-holder.ts';
import { APPLICATION_ID, createSchema, VERSION } from './schema.ts';
import { storeErrorOf } from './sqlite-error.ts';

const IN_MEMORY = ':memory:';

export function openDatabase(file: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 0 });
    prepareDatabase(db, file);
    return db;
  } catch (cause) {
    db?.close();
    throw namingHolder(storeErrorOf(cause, file), file);
  }
}

function prepareDatabase(db: DatabaseSync, file: string): void {
  // BEFORE the first read: in this mode SQLite keeps every lock it takes, and needs no shared memory file.
  db.exec('PRAGMA locking_mode = EXCLUSIVE');
  const tables = number(db, 'SELECT count(*) AS n FROM sqlite_schema', 'n');
  const application = number(db, 'PRAGMA application_id', 'application_id');
  const version = number(db, 'PRAGMA user_version', 'user_version');
  if (tables > 0) checkSchema(file, application, version);
  db.exec(file === IN_MEMORY ? '' : 'PRAGMA journal_mode = WAL');
  // FULL: a commit is on the disk before it is answered. The limit keeps a burst's log file from staying large.
  db.exec('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384');
  // Takes the write lock now, not at the first transaction.
  db.exec('BEGIN IMMEDIATE');
  if (tables === 0) createSchema(db, randomBytes(16).toString('hex'));
  db.exec('COMMIT');
  checkHealth(db, file);
}

function checkSchema(file: string, application: number, version: number): void {
  if (application !== APPLICATION_ID) {
    throw new StoreError('corrupt', `store ${file}: it is another program's database: name another file`);
  }
  if (version > VERSION) {
    const versions = `its schema is ${version}, this program knows ${VERSION}`;
    throw new StoreError('newer', `store ${file}: a later version wrote it (${versions}): use that version`);
  }
}

function checkHealth(db: DatabaseSync, file: string): void {
  const found = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (found === 'ok') return;
  throw new StoreError(
    'corrupt',
    `store ${file}: it is damaged (${found}): import an export into a new file, or move this one away`,
  );
}

function number(db: DatabaseSync, sql: string, column: string): number {
  return Number(db.prepare(sql).get()?.[column]);
}

function namingHolder(error: unknown, file: string): unknown {
  if (!(error instanceof StoreError) || error.reason !== 'locked') return error;
  const pid = lockHolder(file);
  const who = pid === undefined ? 'another process has it' : `process ${pid} has it`;
  return new StoreError('locked', `store ${file}: ${who}: stop that one first`, { cause: error });
}
