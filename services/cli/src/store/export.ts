// `weft store export FILE`: what the controller and ipam keep, as one file that says itself whether it is whole. A weft that
// keeps its stores in files holds them alone: it is stopped first (`weft down`), and its networks stay as they are.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { fault, Reason } from '@weft/fault';
import { countsOf, type Dump, digestOf, linesOf, readStores } from '@weft/store';
import type { Run } from '../usage/command.ts';
import { openStores } from './open-stores.ts';

/** "exported 12 keys of ipam" a store, and the digest. */
export function renderMoved(done: 'exported' | 'imported', dump: Dump, place: string): string {
  const each = Object.entries(countsOf(dump)).map(([store, count]) => `${done} ${count} keys of ${store}\n`);
  return `${each.join('')}${done === 'exported' ? 'from' : 'to'} ${place}\nsha256 ${digestOf(dump)}\n`;
}

export const exportStore: Run = async ([file = ''], flags, session) => {
  const refuse = (because: string) => fault(Reason.INVALID_VALUE, `store export: ${because}`, { field: 'FILE' });
  if (existsSync(file)) throw refuse(`${file} is there already: name another file`);
  const open = await openStores(flags, 'store export', false);
  try {
    const dump = await readStores(open.stores);
    const next = `${file}.part`;
    try {
      write(next, linesOf(dump));
      renameSync(next, file);
    } catch (error) {
      rmSync(next, { force: true });
      throw refuse((error as Error).message);
    }
    session.out(renderMoved('exported', dump, open.place));
    return 0;
  } finally {
    await open.close();
  }
};

/** For the owner alone: labels and names are in it. On the disk when this returns. */
function write(path: string, lines: Iterable<string>): void {
  const descriptor = openSync(path, 'w', 0o600);
  try {
    for (const line of lines) writeSync(descriptor, `${line}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
