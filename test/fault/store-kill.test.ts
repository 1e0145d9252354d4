// kill -9 in the middle of writing: no acknowledged transaction is lost, none is half there, and the store opens again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { BEFORE_ALL, openSqliteStore, type Store } from '@weft/store';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROUNDS = 20;
const PARTS = ['a', 'b', 'c'];
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-kill-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

it(`loses no acknowledged write in ${ROUNDS} kills`, { timeout: 120_000 }, async () => {
  const file = join(directory, 'store.db');
  const acknowledged = new Set<number>();
  let storeId: string | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const before = acknowledged.size;
    await writeUntilKilled(file, round * 1_000_000, acknowledged);
    expect(acknowledged.size).toBeGreaterThan(before);
    const store = openSqliteStore({ file, retainRevisions: 1_000_000 });
    storeId ??= store.id;
    expect(store.id).toBe(storeId);
    await checkWhole(store, acknowledged);
    await store.close();
  }
});

/** Kills the writer at a random moment after a random number of acknowledgements. */
async function writeUntilKilled(file: string, first: number, acknowledged: Set<number>): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'store-writer.ts'), file, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let left = Math.floor(Math.random() * 400) + 1;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.add(Number(line));
    if (--left === 0) void setTimeout(Math.random() * 5).then(() => child.kill('SIGKILL'));
  }
  expect((await exited)[1]).toBe('SIGKILL');
}

async function checkWhole(store: Store, acknowledged: Set<number>): Promise<void> {
  const { keyValues, revision } = await store.list('t/');
  const found = new Map<number, { parts: string[]; revisions: Set<bigint> }>();
  for (const { key, value, modRevision } of keyValues) {
    const [, number, part] = key.split('/');
    const entry = found.get(Number(number)) ?? { parts: [], revisions: new Set() };
    entry.parts.push(part!);
    entry.revisions.add(modRevision);
    found.set(Number(number), entry);
    expect(value).toEqual(new Uint8Array(64 + (Number(number) % 700)).fill(Number(number)));
  }
  for (const [number, { parts, revisions }] of found) {
    expect([number, parts]).toEqual([number, PARTS]);
    expect(revisions.size).toBe(1);
  }
  for (const number of acknowledged) expect(found.has(number)).toBe(true);
  await checkHistory(store, found.size, revision);
}

/** The history tells the same transactions, one a revision, without a gap. */
async function checkHistory(store: Store, transactions: number, last: bigint): Promise<void> {
  let expected = 0n;
  for await (const item of store.watch('', BEFORE_ALL, new AbortController().signal)) {
    if ('compacted' in item) throw new Error(`compacted ${item.compacted}`);
    expected += 1n;
    expect([item.revision, item.events.length]).toEqual([expected, PARTS.length]);
    if (item.revision === last) break;
  }
  expect(expected).toBe(BigInt(transactions));
}
