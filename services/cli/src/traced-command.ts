// A command whose calls are followed: its span is the first of the trace. Loaded only when OTEL_EXPORTER_OTLP_ENDPOINT says
// where spans go.
import { endObserving, observeWith, tracesFlag } from '@weft/process';
import { traced } from '@weft/telemetry';

/** @param path the command, as "weft sandbox create". @throws INVALID_VALUE for an endpoint that is no URL */
export async function tracedCommand(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  run: () => Promise<number>,
): Promise<number> {
  await observeWith('weft-cli', undefined, tracesFlag('', '--traces', env));
  try {
    return await traced(path, run, { parent: '' });
  } finally {
    await endObserving();
  }
}
