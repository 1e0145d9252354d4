// Removes every kernel object of a stopped weft, and its data.
import { notImplemented } from './not-implemented.ts';

export interface PurgeOptions {
  readonly runDir: string;
  readonly dataDir: string;
}

export function purge({ runDir }: PurgeOptions): Promise<void> {
  return Promise.reject(
    notImplemented(`down --purge --run-dir ${runDir}`, 'the agent that removes them is not there yet'),
  );
}
