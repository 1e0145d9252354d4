// Records: create and remove. They lease nothing, so each is one transaction.
import { Record as NetworkRecord } from '@weft/proto/model';
import type { Op, Revision } from '@weft/store';
import { findNetwork, findRecord, orGone } from '../admit/lookup.ts';
import { admitRecord, type RecordSpec } from '../admit/record.ts';
import { itemOf } from '../plan/items.ts';
import { prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { assertCallerThere, type Context, joinedHosts, type Waiting, whenApplied } from './context.ts';
import type { Extra, Made } from './network.ts';

/** @throws the fault that refuses it; a host's, when it does not take it: then it is gone again */
export async function createRecord(
  context: Context,
  networkRef: string,
  spec: RecordSpec,
  waiting: Waiting,
  extra: Extra<NetworkRecord>,
): Promise<Made<NetworkRecord>> {
  assertCallerThere(waiting);
  const { view } = context.ledger;
  const id = context.newId();
  const key = `${prefix.record}${id}`;
  const { record, revision } = await untilCommitted(async () => {
    const network = findNetwork(view, networkRef);
    const record = { id, networkId: network.id, ...admitRecord(view, network, spec) };
    const links = `${prefix.recordLinks}${network.id}`;
    const revision = await context.ledger.commit(
      [
        { key: `${prefix.network}${network.id}`, modRevision: network.revision as Revision },
        { key: links, modRevision: view.marks.get(links) ?? 0n },
      ],
      [
        { put: key, value: NetworkRecord.encode(record).finish() },
        { put: links, value: new Uint8Array() },
        ...extra.done(record),
      ],
    );
    return { record, revision };
  });
  const outcome = await whenApplied(context, joinedHosts(context), revision, [itemOf.record(id)], waiting);
  const { failure } = outcome;
  if (failure !== undefined) {
    await context.ledger.commit([{ key, modRevision: revision }], [{ delete: key }, ...extra.failed(failure)]);
    throw failure;
  }
  return { ...outcome, value: record, revision };
}

export async function removeRecord(
  context: Context,
  ref: string,
  waiting: Waiting,
  done: (id: string) => Op[],
): Promise<Made<string>> {
  assertCallerThere(waiting);
  const { view } = context.ledger;
  const { id, revision } = await untilCommitted(async () => {
    const record = orGone(ref, () => findRecord(view, ref));
    if (record === undefined) return { id: ref, revision: view.revision };
    const key = `${prefix.record}${record.id}`;
    const modRevision = view.records.get(record.id)?.revision ?? 0n;
    const ops = [{ delete: key }, ...done(record.id)];
    return { id: record.id, revision: await context.ledger.commit([{ key, modRevision }], ops) };
  });
  const outcome = await whenApplied(context, joinedHosts(context), revision, [], waiting);
  return { ...outcome, value: id, revision };
}
