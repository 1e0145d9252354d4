// Takes away all that a stopped weft left on its host: kernel objects by their marks, then files. What is not marked is
// never touched; sysctls get back the values they had before. The administrator's table goes unless there is anything in it.
import { rmSync } from 'node:fs';
import { SERVICES_TABLE } from '@weft/hoststate';
import { deleteLink, listTable, namespaceIdentity, runNft, WEFT_TABLE, withNetlink } from '@weft/kernel';
import type { Log } from '@weft/process';
import { createKernelWriter } from './kernel-writer.ts';
import { adoptedNamespaces } from './kinds/sandbox.ts';
import { openLedger } from './ledger.ts';
import { madeInside } from './prune.ts';
import { USER_TABLE } from './ruleset.ts';

export interface PurgeOptions {
  readonly runDir: string;
  readonly dataDir: string;
  readonly log: Log;
}

/** @throws PERMISSION_LACKING; the first fault of what could not be removed, after trying all of it */
export async function purgeHost({ runDir, dataDir, log }: PurgeOptions): Promise<void> {
  const writer = await createKernelWriter({ runDir, dataDir, log });
  try {
    // A host that must have nothing: the same path that removes anything else.
    await writer.apply({ put: [], delete: [], reset: true, synced: true });
  } finally {
    await writer.close();
  }
  leaveAdopted(dataDir, log);
  runNft(undefined, `add table inet ${WEFT_TABLE}\ndelete table inet ${WEFT_TABLE}`); // added first: one that is gone is no error
  runNft(undefined, `add table inet ${SERVICES_TABLE}\ndelete table inet ${SERVICES_TABLE}`);
  // Only the chain that weft made.
  if (listTable(undefined, 'inet', USER_TABLE)?.length === 2) runNft(undefined, `delete table inet ${USER_TABLE}`);
  for (const directory of [runDir, dataDir]) rmSync(directory, { recursive: true, force: true });
}

/** Takes weft's table (the redirect of names) and interfaces from namespaces that weft adopted, as far as they are still the same ones. */
function leaveAdopted(dataDir: string, log: Log): void {
  const ledger = openLedger(dataDir);
  try {
    for (const { path, identity } of adoptedNamespaces(ledger)) {
      const found = namespaceIdentity(path);
      if (found === undefined || found.dev !== identity.dev || found.ino !== identity.ino) continue;
      try {
        withNetlink(path, (socket) => socket.batch(madeInside(socket).map(({ index }) => deleteLink(index))));
        if (listTable(path, 'inet', WEFT_TABLE) !== undefined) runNft(path, `delete table inet ${WEFT_TABLE}`);
      } catch (error) {
        // The rest is still to go.
        log.warn({ err: error, path }, 'cannot take what is left of weft from an adopted namespace');
      }
    }
  } finally {
    ledger.close();
  }
}
