// The stream an agent hears: what changed since it last heard, or everything after a Reset; and where the controllers are.
import { digestBytes } from '@weft/hoststate';
import { pause } from '@weft/process';
import type { WatchRequest, WatchResponse } from '@weft/proto/agent';
import type { CallContext } from '@weft/rpc';
import type { Context } from '../act/context.ts';
import type { HostTable } from '../plan/host-table.ts';
import { mostTraces } from '../plan/round.ts';
import { putsOf } from './puts.ts';

/** How often it is asked whether all has been compiled once, in ms: only while a driver or discovery is away at the start. */
const wholeMs = 100;

/** Ends when the call does, when the controller stops, and when the host is removed. */
export async function* tell(
  context: Context,
  request: WatchRequest,
  call: CallContext,
  onReset: (revision: bigint) => void,
): AsyncGenerator<WatchResponse> {
  const { planner, ledger } = context;
  const storeId = ledger.store.id;
  const signal = AbortSignal.any([call.signal, context.stopping]);
  const table = planner.table(request.hostId);
  const isOurs = request.storeId === storeId;
  if (isOurs) await catchUp(context, table, request.sinceRevision);
  await planner.planned(ledger.view.revision);
  let told = isOurs && !request.anew ? table.resume(request.sinceRevision) : undefined;
  /** What the agent says that it has, until it is told more. */
  let digest = isOurs && !request.anew && request.digest.length > 0 ? request.digest : undefined;
  let controllers = '';
  while (!signal.aborted && !table.isClosed) {
    const addresses = ledger.view.replicas.addresses();
    if (addresses.join() !== controllers) {
      controllers = addresses.join();
      yield { step: { $case: 'controllers', value: { addresses } } };
    }
    let changes = told === undefined ? undefined : table.changesFrom(told);
    if (changes === undefined && digest !== undefined && hasAll(table, request.sinceRevision, digest)) changes = [];
    if (changes === undefined && !planner.isWhole) {
      // What it does not hear of it would remove.
      await pause(wholeMs, signal);
      continue;
    }
    const { revision, end } = table;
    if (changes === undefined) {
      const objects = table.objects();
      onReset(revision);
      yield { step: { $case: 'reset', value: {} } };
      yield* putsOf(objects, request.takesMany);
    } else {
      for (const change of changes) {
        for (const key of change.deletes) yield { step: { $case: 'delete', value: key } };
        yield* putsOf(change.puts, request.takesMany);
      }
    }
    const traceParents = [...new Set((changes ?? []).flatMap((change) => change.traceParents))].slice(-mostTraces);
    yield { step: { $case: 'synced', value: { storeId, revision, traceParents, partial: planner.isPartial } } };
    told = end;
    digest = undefined;
    await changed(context, table, { revision, end }, controllers, signal);
  }
}

/** Whether an agent has what its host is to have, though nobody knows any more what it was told. */
const hasAll = (table: HostTable, since: bigint, digest: Uint8Array): boolean =>
  since <= table.revision && Buffer.compare(digestBytes(table.digest()), digest) === 0;

/** Another replica may have told the host more than is known here: waits until it is known, so that no revision goes back (I5). */
async function catchUp(context: Context, table: HostTable, since: bigint): Promise<void> {
  const { ledger, planner } = context;
  await reachView(context, since);
  if (since > ledger.view.revision) return;
  await planner.planned(since);
  table.reach(since);
}

/** Waits until the view holds a revision that a host has heard of; not for one that the store never had: that is of another history. */
export async function reachView({ ledger, registry }: Context, revision: bigint): Promise<void> {
  if (revision > ledger.view.revision && revision <= (await ledger.store.revision())) await registry.caughtUp();
}

/** Resolves when there is something to tell. */
async function changed(
  { ledger, registry }: Context,
  table: HostTable,
  told: Pick<HostTable, 'revision' | 'end'>,
  controllers: string,
  signal: AbortSignal,
): Promise<void> {
  const isNews = () =>
    table.revision !== told.revision ||
    table.end !== told.end ||
    table.isClosed ||
    signal.aborted ||
    ledger.view.replicas.addresses().join() !== controllers;
  if (isNews()) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      offTable();
      offReplicas();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const offTable = table.onChange(done);
    const offReplicas = registry.onReplicas(() => {
      if (isNews()) done();
    });
    signal.addEventListener('abort', done, { once: true });
  });
}
