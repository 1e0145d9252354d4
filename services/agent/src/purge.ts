// Takes away all that a stopped weft left on its host: kernel objects by their marks, then files. What is not marked is
// never touched; sysctls get back the values they had before. The administrator's table goes unless there is anything in it.
import { rmSync } from 'node:fs';
import { SERVICES_TABLE } from '@weft/hoststate';
import { listTable, runNft, WEFT_TABLE } from '@weft/kernel';
import type { Log } from '@weft/process';
import { createKernelWriter } from './kernel-writer.ts';
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
  runNft(undefined, `add table inet ${WEFT_TABLE}\ndelete table inet ${WEFT_TABLE}`); // added first: one that is gone is no error
  runNft(undefined, `add table inet ${SERVICES_TABLE}\ndelete table inet ${SERVICES_TABLE}`);
  // Only the chain that weft made.
  if (listTable(undefined, 'inet', USER_TABLE)?.length === 2) runNft(undefined, `delete table inet ${USER_TABLE}`);
  for (const directory of [runDir, dataDir]) rmSync(directory, { recursive: true, force: true });
}
