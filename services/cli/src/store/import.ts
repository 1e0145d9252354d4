// `weft store import FILE`: fills the empty stores of a weft that does not run yet. They keep an id of their own, so each agent
// is told everything anew (Reset), which costs it a look and changes nothing.
import { readFileSync } from 'node:fs';
import { fault, Reason } from '@weft/fault';
import { dumpOf, fillStores, storeFault } from '@weft/store';
import type { Run } from '../usage/command.ts';
import { renderMoved } from './export.ts';
import { moved, openStores } from './open-stores.ts';

export const importStore: Run = async ([file = ''], flags, session) => {
  // All of it is checked BEFORE a store is opened.
  const dump = dumpOf(linesIn(file), `store import: ${file}`, moved);
  const open = await openStores(flags, 'store import', true);
  try {
    await fillStores(open.stores, dump);
  } catch (error) {
    await open.close('remove');
    throw storeFault(error);
  }
  await open.close();
  session.out(renderMoved('imported', dump, open.place));
  return 0;
};

function linesIn(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n');
  } catch (error) {
    throw fault(Reason.INVALID_VALUE, `store import: ${(error as Error).message}`, { field: 'FILE' });
  }
}
