// The same step for each name a user gave: goes on after an error, and ends with 1 if there was one.
import { isFault, type Reason } from '@weft/fault';
import { errorText } from './error-text.ts';
import type { Session } from './session.ts';

/** Names are taken in their order; those that fail for one of `forgiven` are passed over in silence. */
export async function forEachName(
  names: readonly string[],
  session: Session,
  forgiven: readonly Reason[],
  step: (name: string) => Promise<void>,
): Promise<number> {
  let exitCode = 0;
  for (const name of names) {
    try {
      await step(name);
    } catch (error) {
      if (forgiven.length > 0 && isFault(error, ...forgiven)) continue;
      session.err(`${errorText(error, session.host)}\n`);
      exitCode = 1;
    }
  }
  return exitCode;
}
