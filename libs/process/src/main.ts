// What all mains share: run, print a fault as one line, end with a code. A broken invariant ends the process.
import { asFault } from '@weft/fault';

/** Resolves with the first of SIGTERM and SIGINT. */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

/** Runs a main to its end; a fault is printed on standard error and ends the process with 1. */
export function runMain(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    const { text, kind } = asFault(error);
    process.stderr.write(`${text}${kind.remedy === '' ? '' : ` (${kind.remedy})`}\n`);
    process.exit(1);
  });
}
