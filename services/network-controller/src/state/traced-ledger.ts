// A ledger whose commits are spans: what hosts do of a change continues the span that committed it.
import { noteInSpan, traced } from '@weft/telemetry';
import type { Ledger } from './ledger.ts';

export function tracedLedger(ledger: Ledger): Ledger {
  return {
    ...ledger,
    commit: (compares, ops) =>
      traced('commit', async () => {
        const revision = await ledger.commit(compares, ops);
        noteInSpan({ 'weft.revision': Number(revision) });
        return revision;
      }),
  };
}
