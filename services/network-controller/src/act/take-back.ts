// What a request began and did not bring to its commit: it is taken back by who began it, or by who took it over, never by both.
import { fault, isFault, Reason } from '@weft/fault';
import type { Endpoint, Sandbox } from '@weft/proto/model';
import type { Compare, Op, Revision } from '@weft/store';
import { endpointNameKey, prefix } from '../state/keys.ts';
import type { Stored } from '../state/records.ts';
import type { Context } from './context.ts';
import { endpointOwner } from './owners.ts';

/**
 * @param revisionOf when a record was put last
 * @throws SERVICE_UNAVAILABLE if the records are not as this controller put them: it was thought gone, and another one took them back
 */
export function assertOurs(
  records: readonly { id: string }[],
  revision: Revision,
  revisionOf: (id: string) => bigint | undefined,
): void {
  if (records.every(({ id }) => revisionOf(id) === revision)) return;
  const because = 'this controller was not heard of for too long, and another one took the request back: try again';
  throw fault(Reason.SERVICE_UNAVAILABLE, because);
}

/** Takes back what never became ready: leases, THEN records; nothing if somebody else has taken the records already. */
export async function undoAttach(
  context: Context,
  sandbox: Stored<Sandbox> | undefined,
  endpoints: readonly Stored<Endpoint>[],
): Promise<void> {
  const owners = endpoints.map(({ value }) => endpointOwner(value.id));
  if (owners.length > 0) await context.ipam.release({ owners });
  const compares: Compare[] = endpoints.map(({ value, revision }) => ({
    key: `${prefix.endpoint}${value.id}`,
    modRevision: revision,
  }));
  const ops: Op[] = endpoints.flatMap(({ value }) => [
    ...context.ledger.view.portLists.deletes(value.id),
    { delete: endpointNameKey(value.networkId, value.spec?.name ?? '') },
  ]);
  if (sandbox !== undefined) {
    const { id, spec } = sandbox.value;
    compares.push({ key: `${prefix.sandbox}${id}`, modRevision: sandbox.revision });
    ops.push({ delete: `${prefix.sandbox}${id}` }, { delete: `${prefix.sandboxName}${spec?.name}` });
  }
  if (ops.length > 0) await unlessTaken(context, compares, ops);
}

/** Deletes what this controller made; another one that has taken it does so itself. */
export async function unlessTaken(context: Context, compares: readonly Compare[], ops: readonly Op[]): Promise<void> {
  await context.ledger.commit(compares, ops).catch((error: unknown) => {
    if (!isFault(error, Reason.CONFLICT)) throw error;
  });
}
