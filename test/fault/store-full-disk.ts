// The process on the small disk. Prints what it saw as JSON. Usage: node store-full-disk.ts DIRECTORY
import { unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteStore, type Store, StoreError } from '@weft/store';

const directory = process.argv[2]!;
const file = join(directory, 'store.db');
const ballast = join(directory, 'ballast');
const options = { file, retainRevisions: 1_000_000 };
writeFileSync(ballast, new Uint8Array(400 * 1024));

/** Every transaction writes the same number under two keys, with 4 KiB between them. */
const write = (store: Store, number: number) => {
  const value = Uint8Array.of(number >> 8, number);
  return store.transact(
    [],
    [
      { put: `first/${number}`, value },
      { put: 'large', value: new Uint8Array(4096) },
      { put: `second/${number}`, value },
    ],
  );
};

async function numbers(store: Store, prefix: string): Promise<string[]> {
  return (await store.list(prefix)).keyValues.map(({ key }) => key.slice(prefix.length));
}

async function isWhole(store: Store, count: number): Promise<boolean> {
  const [first, second] = [await numbers(store, 'first/'), await numbers(store, 'second/')];
  return first.length === count && first.join() === second.join();
}

const store = openSqliteStore(options);
let written = 0;
let fault: unknown;
while (fault === undefined) {
  try {
    await write(store, written);
    written++;
  } catch (cause) {
    fault = cause;
  }
}
const told = (await store.revision()) === BigInt(written) ? 'revision unchanged' : `${await store.revision()}`;
const whole = await isWhole(store, written);
unlinkSync(ballast);
await write(store, written++);
const afterFreeing = await isWhole(store, written);
await store.close();
const again = openSqliteStore(options);
const reopened = await isWhole(again, written);
await again.close();
const { reason, message } = fault instanceof StoreError ? fault : { reason: 'none', message: String(fault) };
process.stdout.write(JSON.stringify({ fault: message, reason, told, whole, afterFreeing, reopened }));
