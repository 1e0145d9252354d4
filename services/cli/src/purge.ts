// `weft down --purge`: removes every kernel object of a stopped weft, and its data.
import { purgeHost } from '@weft/agent';
import { createLog } from '@weft/process';

export interface PurgeOptions {
  readonly runDir: string;
  readonly dataDir: string;
}

/** @throws PERMISSION_LACKING */
export async function purge({ runDir, dataDir }: PurgeOptions): Promise<void> {
  await purgeHost({ runDir, dataDir, log: createLog('purge') });
}
