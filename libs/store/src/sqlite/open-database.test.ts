import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../index.ts';
import { holderIn } from './lock-holder.ts';
import { VERSION } from './schema.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-open-'));
  file = join(directory, 'store.db');
});
afterEach(() => rmSync(directory, { recursive: true }));

const put = (key: string) => [{ put: key, value: new Uint8Array(2000) }];

describe('openSqliteStore', () => {
  it('finds again what was there, under the same id', async () => {
    const first = openSqliteStore({ file });
    const { revision } = await first.transact([], put('a'));
    await first.close();
    const second = openSqliteStore({ file });
    expect(second.id).toBe(first.id);
    expect(second.id).toMatch(/^[0-9a-f]{32}$/);
    expect(await second.revision()).toBe(revision);
    expect((await second.get('a'))?.modRevision).toBe(revision);
    await second.close();
  });

  it('refuses a file that another process has, and names it; a killed one holds nothing', async () => {
    const index = join(import.meta.dirname, '../index.ts');
    const script = `
      const { openSqliteStore } = await import(${JSON.stringify(index)});
      openSqliteStore({ file: ${JSON.stringify(file)} });
      process.stdout.write('open');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(() => openSqliteStore({ file })).toThrow(`[locked] store ${file}: process ${child.pid} has it`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = openSqliteStore({ file });
    // A second store in the same process is refused as well.
    expect(() => openSqliteStore({ file })).toThrow('[locked]');
    await store.close();
  });

  it('refuses a later schema and leaves it unchanged', async () => {
    await openSqliteStore({ file }).close();
    const db = new DatabaseSync(file);
    db.exec(`PRAGMA user_version = ${VERSION + 1}`);
    db.close();
    const before = readFileSync(file);
    expect(() => openSqliteStore({ file })).toThrow(/\[newer\].*its schema is 2, this program knows 1/);
    expect(readFileSync(file)).toEqual(before);
  });

  it("refuses another program's database", () => {
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE mine (a)');
    db.close();
    const before = readFileSync(file);
    expect(() => openSqliteStore({ file })).toThrow(/\[corrupt\].*another program's database/);
    expect(readFileSync(file)).toEqual(before);
  });

  it('refuses what is not a database', () => {
    writeFileSync(file, 'this is a text file, '.repeat(100));
    expect(() => openSqliteStore({ file })).toThrow(/\[corrupt\].*not a SQLite database/);
  });

  it.each([0.5, 0.9])('refuses a file cut to %s of its length', async (part) => {
    const store = openSqliteStore({ file });
    for (let index = 0; index < 100; index++) await store.transact([], put(`k/${index}`));
    await store.close();
    truncateSync(file, Math.floor((readFileSync(file).length * part) / 4096) * 4096);
    expect(() => openSqliteStore({ file })).toThrow(/\[corrupt\].*damaged/);
  });

  it('refuses a file with overwritten pages', async () => {
    const store = openSqliteStore({ file });
    for (let index = 0; index < 100; index++) await store.transact([], put(`k/${index}`));
    await store.close();
    const content = readFileSync(file);
    content.fill(0xa5, 4096 * 2, 4096 * 8);
    writeFileSync(file, content);
    expect(() => openSqliteStore({ file })).toThrow(/\[corrupt\].*damaged/);
  });

  it('refuses a directory that does not exist', () => {
    expect(() => openSqliteStore({ file: join(directory, 'none', 'store.db') })).toThrow(/\[failed\].*the directory/);
  });

  it('finishes nothing of a creation that was cut off', () => {
    // SQLite made the file, the schema's transaction did not end.
    writeFileSync(file, '');
    const store = openSqliteStore({ file });
    expect(store.id).toHaveLength(32);
    return store.close();
  });
});

describe('holderIn', () => {
  it('finds the writer of the inode', () => {
    const locks = [
      '1: POSIX  ADVISORY  READ  77 fe:00:12 0 EOF',
      '2: FLOCK  ADVISORY  WRITE 78 fe:00:12 0 EOF',
      '3: POSIX  ADVISORY  WRITE 79 fe:00:120 0 EOF',
      '4: POSIX  ADVISORY  WRITE 80 fe:00:12 1073741824 1073742335',
      '5: POSIX  ADVISORY  WRITE 81 00:1f:12 1073741824 1073742335',
    ].join('\n');
    expect(holderIn(locks, 12, 'fe:00')).toBe(80);
    expect(holderIn(locks, 12, '00:1f')).toBe(81);
    // A file system that says otherwise: the number alone.
    expect(holderIn(locks, 12, '00:2a')).toBe(80);
    expect(holderIn(locks, 13, 'fe:00')).toBeUndefined();
    expect(holderIn(locks.replace('80', '0').replace('81', '0'), 12, 'fe:00')).toBeUndefined();
  });
});
