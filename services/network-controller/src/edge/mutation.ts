// What every mutation's edge does: read the waiting, run once per request id, and say how far it has come.

import { fault, Reason } from '@weft/fault';
import type { Mutation, Outcome } from '@weft/proto/controller';
import type { CallContext } from '@weft/rpc';
import { allHosts, type Context, type Waiting } from '../act/context.ts';

/** @throws INVALID_VALUE for a negative wait */
export function waitingOf(mutation: Mutation | undefined, call: CallContext): Waiting {
  const wait = mutation?.wait;
  if (wait === undefined) return { call: call.signal, ms: undefined };
  const ms = Number(wait.seconds) * 1000 + wait.nanos / 1e6;
  if (!(ms >= 0 && ms <= 86_400_000)) {
    throw fault(Reason.INVALID_VALUE, `a wait of ${ms} ms is not from 0 to a day`, { field: 'mutation.wait' });
  }
  return { call: call.signal, ms };
}

export function outcomeOf(context: Context, revision: bigint, applied: boolean): Outcome {
  return { storeId: context.ledger.store.id, revision, applied };
}

/** The outcome of a repeated request: whether the hosts concerned have seen its revision by now. */
export function againOf(context: Context, revision: bigint): Outcome {
  const hasSeen = (id: string) => {
    const { revision: last } = context.planner.table(id);
    return context.progress.seen(id) >= (last < revision ? last : revision);
  };
  return outcomeOf(context, revision, allHosts(context).every(hasSeen));
}
