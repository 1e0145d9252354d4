// Changing a service: one transaction, then as far as its hosts; what one does not take is taken back.
import { fault, Reason } from '@weft/fault';
import type { Service } from '@weft/proto/model';
import type { Op, Revision } from '@weft/store';
import { findService } from '../admit/lookup.ts';
import { changedSpec, type ServiceChange } from '../admit/service-change.ts';
import { itemOf } from '../plan/items.ts';
import { weightOf } from '../state/backends.ts';
import { backendStatusKey, prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { readNetwork, readService } from '../state/reading.ts';
import { encodeService } from '../state/records.ts';
import type { View } from '../state/view.ts';
import { assertCallerThere, type Context, failingOf, joinedHosts, type Waiting, whenApplied } from './context.ts';
import { crashPoint } from './crash-point.ts';
import type { Extra, Made } from './network.ts';

/** @throws the fault that refuses it; the fault of a host that did not take it: then all is as it was */
export async function updateService(
  context: Context,
  ref: string,
  network: string,
  change: ServiceChange,
  waiting: Waiting,
  extra: Extra<Service>,
): Promise<Made<Service>> {
  assertCallerThere(waiting);
  const { view } = context.ledger;
  const hosts = joinedHosts(context);
  const failing = failingOf(context, hosts, itemOf.service(findService(view, ref, network).id));
  const { before, after, revision } = await untilCommitted(() => commit(context, ref, network, change, extra));
  const { id } = before;
  crashPoint('after-commit');
  const items = [itemOf.service(id)];
  const outcome = await whenApplied(context, hosts, revision, items, waiting, failing);
  const { failure } = outcome;
  if (failure !== undefined) {
    const back = await untilCommitted(() => putBack(context, before, revision, extra.failed(failure)));
    await whenApplied(context, joinedHosts(context), back, [], waiting);
    throw failure;
  }
  return { ...outcome, value: readService(view, id) ?? after, revision };
}

async function commit(
  context: Context,
  ref: string,
  networkRef: string,
  change: ServiceChange,
  extra: Extra<Service>,
): Promise<{ before: Service; after: Service; revision: Revision }> {
  const { view } = context.ledger;
  const before = findService(view, ref, networkRef);
  const network = readNetwork(view, before.networkId);
  if (network === undefined) throw fault(Reason.NETWORK_NOT_FOUND, `network ${before.networkId} not found`);
  const after = { ...before, spec: changedSpec(view, network, before, change) };
  const key = `${prefix.service}${before.id}`;
  const revision = await context.ledger.commit(
    [{ key, modRevision: before.revision as Revision }],
    [{ put: key, value: encodeService(after) }, ...obsolete(view, after), ...extra.done(after)],
  );
  return { before, after, revision };
}

/** What was found of backends that are none any more, or by a check that there is no more. */
function obsolete(view: View, { id, spec }: Service): Op[] {
  if (spec?.check === undefined) return [{ deletePrefix: `${prefix.backendStatus}${id}/` }];
  return [...view.backends.of(id).keys()].flatMap((endpointId): Op[] => {
    const sandboxId = view.endpoints.get(endpointId)?.value.desired?.sandboxId ?? '';
    const sandbox = view.sandboxes.get(sandboxId)?.value;
    if (sandbox !== undefined && weightOf(spec, sandbox) !== undefined) return [];
    return [{ delete: backendStatusKey(id, endpointId) }];
  });
}

/** Makes the service what it was, unless it was changed again since. */
async function putBack(context: Context, before: Service, revision: Revision, ops: readonly Op[]): Promise<Revision> {
  const row = context.ledger.view.services.get(before.id);
  if (row?.revision !== revision) return await context.ledger.commit([], ops);
  const key = `${prefix.service}${before.id}`;
  return await context.ledger.commit(
    [{ key, modRevision: revision }],
    [{ put: key, value: encodeService({ ...row.value, spec: before.spec }) }, ...ops],
  );
}
