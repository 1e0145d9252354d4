// `weft up`: every service in one process.
import { notImplemented } from './not-implemented.ts';
import type { UpOptions } from './up-options.ts';

/** Resolves when weft was asked to stop and has stopped. */
export function startUp(options: UpOptions): Promise<void> {
  return Promise.reject(notImplemented(`up --run-dir ${options.runDir}`, 'the services are not joined together yet'));
}
