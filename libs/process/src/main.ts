// What all mains share: run, print a fault as one line, end with a code. A broken invariant ends the process.
import { setReady } from '@weft/telemetry';
import { endObserving, toldOf, withOrigin } from './config/program.ts';

/** Resolves with the first of SIGTERM and SIGINT. Whoever waits for that serves: /readyz says so until then. */
export async function untilSignal(): Promise<NodeJS.Signals> {
  setReady(true);
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    for (const one of ['SIGTERM', 'SIGINT'] as const) process.once(one, () => resolve(one));
  });
  setReady(false);
  return signal;
}

/** Runs a main to its end; a fault is printed on standard error and ends the process with 1. */
export function runMain(main: () => Promise<void>): void {
  main()
    .then(endObserving)
    .catch((error: unknown) => {
      const { text, kind } = withOrigin(error, toldOf());
      process.stderr.write(`${text}${kind.remedy === '' ? '' : ` (${kind.remedy})`}\n`);
      process.exit(1);
    });
}
