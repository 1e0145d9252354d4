// A process to be killed: 16 writers, each transaction three keys; the number of every acknowledged one on stdout.
// Usage: node store-writer.ts FILE FIRST
import { writeSync } from 'node:fs';
import { openSqliteStore } from '@weft/store';

const WRITERS = 16;
const [file, first] = process.argv.slice(2);
const store = openSqliteStore({ file: file!, retainRevisions: 1_000_000 });
let next = Number(first);

async function write(): Promise<never> {
  while (true) {
    const number = next++;
    const value = new Uint8Array(64 + (number % 700)).fill(number);
    const ops = ['a', 'b', 'c'].map((part) => ({ put: `t/${number}/${part}`, value }));
    const { committed } = await store.transact([{ key: ops[0]!.put, modRevision: 0n }], ops);
    if (!committed) throw new Error(`transaction ${number} was there already`);
    writeSync(1, `${number}\n`);
  }
}

await Promise.all(Array.from({ length: WRITERS }, write));
