// What goes with every mutation, and what is said about how far it has come.
import { randomUUID } from 'node:crypto';
import type { Mutation, Outcome } from '@weft/proto/controller';
import type { Io } from './session.ts';

/** Less than a call may last, so that the answer "accepted, not yet applied" comes before the call is cut. */
const waitSeconds = 55n;

/** A fresh request id: the same request sent again by the transport happens once. */
export function newMutation(): Mutation {
  return { requestId: randomUUID(), wait: { seconds: waitSeconds, nanos: 0 } };
}

/** Tells the user when a change is accepted and not yet in the kernel. */
export function reportOutcome(what: string, outcome: Outcome | undefined, io: Io): void {
  if (outcome === undefined || outcome.applied) return;
  const because = outcome.because === '' ? '' : `: ${outcome.because}`;
  io.err(`${what}: accepted at revision ${outcome.revision}, not yet applied by its host${because}\n`);
}
