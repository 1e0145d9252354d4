// What every mutation's edge does: read the waiting, run once per request id, and say how far it has come.

import { fault, Reason } from '@weft/fault';
import type { Mutation, Outcome } from '@weft/proto/controller';
import type { Endpoint, Sandbox } from '@weft/proto/model';
import type { CallContext } from '@weft/rpc';
import { allHosts, type Context, isRemoved, joinedHosts, patience, type Waiting } from '../act/context.ts';
import { becauseLost, untilSeen } from '../act/until-seen.ts';
import { readEndpoint, readSandbox } from '../state/reading.ts';

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

export function outcomeOf(
  { ledger }: Context,
  { revision, applied, because = '' }: { revision: bigint; applied: boolean; because?: string | undefined },
): Outcome {
  return { storeId: ledger.store.id, revision, applied, because: applied ? '' : because };
}

interface Answer {
  readonly outcome: Outcome | undefined;
  readonly sandbox?: Sandbox | undefined;
  readonly endpoint?: Endpoint | undefined;
  readonly endpoints?: Endpoint[];
}

/**
 * The answer to a repeated request, as it was, with what hosts say of it by now: it is waited for as by the first. A caller whose
 * controller was gone before it answered gets from another one what he would have got.
 */
export async function againOf<T extends Answer>(
  context: Context,
  waiting: Waiting,
  stored: T,
  revision: bigint,
): Promise<T> {
  const { view } = context.ledger;
  const its = stored.sandbox?.desired?.hostId ?? stored.endpoint?.desired?.hostId;
  const concerned = its === undefined || its === '' ? allHosts(context) : [its].filter((id) => !isRemoved(context, id));
  await context.planner.planned(revision);
  const due = (id: string) => {
    const { revision: last } = context.planner.table(id);
    return last < revision ? last : revision;
  };
  if (waiting.ms !== 0) {
    const signal = patience(context, waiting);
    const joined = new Set(joinedHosts(context));
    for (const id of concerned) if (joined.has(id)) await untilSeen(context, id, due(id), signal);
  }
  const unseen = concerned.filter((id) => context.progress.seen(id) < due(id));
  const applied = unseen.length === 0;
  const because = becauseLost(context, unseen);
  const endpointNow = (one: Endpoint) => ({ ...one, status: readEndpoint(view, one.id)?.status ?? one.status });
  const { sandbox, endpoint, endpoints } = stored;
  return {
    ...stored,
    ...(sandbox && { sandbox: { ...sandbox, status: readSandbox(view, sandbox.id)?.status ?? sandbox.status } }),
    ...(endpoint && { endpoint: endpointNow(endpoint) }),
    ...(endpoints && { endpoints: endpoints.map(endpointNow) }),
    outcome: outcomeOf(context, { revision, applied, because }),
  };
}
