// What the kernel cannot carry a mark for, written down BEFORE it is changed: values of sysctls before weft, identities of
// adopted namespaces. Durable when `put` returns. Tiny on purpose: keys and values, both text.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { FaultError, Reason, whileDoing } from '@weft/fault';

export interface Ledger {
  /** The agent's data directory, in which it is. */
  readonly directory: string;
  get(key: string): string | undefined;
  /** Durable when it returns. Throws FaultError STORE_FAILED. */
  put(key: string, value: string): void;
  delete(key: string): void;
  keys(prefix: string): string[];
  close(): void;
}

const attempt = <T>(doing: string, use: () => T): T => {
  try {
    return use();
  } catch (error) {
    const inner = whileDoing(doing, error);
    throw new FaultError(Reason.STORE_FAILED, inner.message, inner.metadata, error);
  }
};

export const openLedger = (dataDir: string): Ledger => {
  const path = join(dataDir, 'ledger.sqlite');
  const database = attempt(`open ${path}`, () => {
    mkdirSync(dataDir, { recursive: true });
    const opened = new DatabaseSync(path);
    opened.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    opened.exec('CREATE TABLE IF NOT EXISTS ledger (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID');
    return opened;
  });
  const get = database.prepare('SELECT value FROM ledger WHERE key = ?');
  const put = database.prepare(
    'INSERT INTO ledger VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  const remove = database.prepare('DELETE FROM ledger WHERE key = ?');
  const keys = database.prepare('SELECT key FROM ledger WHERE key >= ? AND key < ?');
  return {
    directory: dataDir,
    get(key) {
      const value = get.get(key)?.['value'];
      return typeof value === 'string' ? value : undefined;
    },
    put: (key, value) => attempt(`write ${path}`, () => void put.run(key, value)),
    delete: (key) => attempt(`write ${path}`, () => void remove.run(key)),
    keys: (prefix) => keys.all(prefix, `${prefix}\u{10ffff}`).map((row) => String(row['key'])),
    close: () => database.close(),
  };
};
