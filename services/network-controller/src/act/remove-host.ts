// Hosts: drain, and removal for good. What was on a removed host goes as if it were removed by hand, but nobody waits for that host:
// it must Reset before it may serve again. Other hosts are waited for, as always, BEFORE an address is given out again (I6).
import { fault, isFault, Reason } from '@weft/fault';
import { type Host, HostState, Phase } from '@weft/proto/model';
import type { Op, Revision } from '@weft/store';
import { findHost, orGone } from '../admit/lookup.ts';
import { revocationOf } from '../identity/revocations.ts';
import { prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { readHost } from '../state/reading.ts';
import { encodeHost, encodeService } from '../state/records.ts';
import { assertCallerThere, type Context, type Waiting } from './context.ts';
import { crashPoint } from './crash-point.ts';
import type { Finisher } from './finish.ts';
import type { Extra, Made } from './network.ts';
import { commitRemoval } from './sandbox.ts';
import { untilAnswered } from './until-answered.ts';
import { untilGone } from './until-gone.ts';

export interface HostRemoval {
  /** @throws HOST_NOT_FOUND; HOST_UNAVAILABLE for one that is being removed */
  drain(ref: string, undo: boolean, extra: Extra<Host>): Promise<Made<Host>>;
  /** @throws HOST_NOT_FOUND; IN_USE for one whose agent is connected, unless forced */
  remove(ref: string, force: boolean, waiting: Waiting, extra: Extra<string>): Promise<Made<string>>;
  /** Resolves when a host that is being removed is gone, with all that was on it; does nothing for others. */
  finish(hostId: string): Promise<void>;
}

export function createHostRemoval(context: Context, finisher: Finisher): HostRemoval {
  const { ledger } = context;
  const { view } = ledger;
  const running = new Map<string, Promise<void>>();

  function finish(hostId: string): Promise<void> {
    const known = running.get(hostId);
    if (known !== undefined) return known;
    const task = untilAnswered(context, () => removeAll(context, finisher, hostId)).finally(() =>
      running.delete(hostId),
    );
    running.set(hostId, task);
    return task;
  }

  return {
    finish,

    async drain(ref, undo, extra) {
      const { id } = findHost(view, named(ref), 'host');
      const revision = await untilCommitted(async () => {
        const row = view.hosts.get(id);
        if (row === undefined) throw fault(Reason.HOST_NOT_FOUND, `no such host: ${ref}`, { field: 'host', host: ref });
        const { state, name } = row.value;
        if (state === HostState.REMOVING) {
          throw fault(Reason.HOST_UNAVAILABLE, `host ${name} is being removed`, { field: 'host', host: name });
        }
        const back = view.replicas.isAlive(id) ? HostState.JOINED : HostState.LOST;
        const due = undo ? (state === HostState.DRAINED ? back : state) : HostState.DRAINED;
        const next = { ...row.value, state: due };
        const put: Op[] = due === state ? [] : [{ put: `${prefix.host}${id}`, value: encodeHost(next) }];
        const ops = [...put, ...extra.done(next)];
        if (ops.length === 0) return row.revision as Revision;
        return await ledger.commit([{ key: `${prefix.host}${id}`, modRevision: row.revision }], ops);
      });
      return { value: readHost(view, id) as Host, revision, applied: true };
    },

    async remove(ref, force, waiting, extra) {
      assertCallerThere(waiting);
      const { id, revision } = await untilCommitted(async () => {
        const host = orGone(ref, () => findHost(view, named(ref), 'host'));
        if (host === undefined) return { id: ref, revision: view.revision };
        const { id, name, state } = host;
        if (!force && state !== HostState.REMOVING && view.replicas.isAlive(id)) {
          const remedy = `stop weft there first, or use --force; what is on it is removed too`;
          throw fault(Reason.IN_USE, `host ${name} is up: ${remedy}`, { field: 'force', host: name });
        }
        const next = { ...host, state: HostState.REMOVING, replica: context.registry.id };
        const put: Op = { put: `${prefix.host}${id}`, value: encodeHost(next) };
        const ops = [put, revocationOf(id), ...extra.done(id)];
        const compare = { key: `${prefix.host}${id}`, modRevision: host.revision as Revision };
        return { id, revision: await ledger.commit([compare], ops) };
      });
      crashPoint('after-withdrawal');
      context.progress.forget(id);
      // Other hosts are waited for behind it, and none for what was here alone.
      const gone = await untilGone(context, finish(id), waiting, { revision, hostIds: [] });
      return { value: id, revision, ...gone };
    },
  };
}

/** @throws MISSING_FIELD: the only host there is must be named too */
function named(ref: string): string {
  if (ref === '') throw fault(Reason.MISSING_FIELD, 'host is missing', { field: 'host' });
  return ref;
}

/**
 * Addresses that other hosts have yet to forget are released behind it. Every step looks anew and may be done twice: after a crash another replica
 * goes on where this one was.
 */
async function removeAll(context: Context, finisher: Finisher, hostId: string): Promise<void> {
  const { ledger } = context;
  const { view } = ledger;
  const isDue = () => view.hosts.get(hostId)?.value.state === HostState.REMOVING;
  if (!isDue()) return;
  const isOnHost = ({ value }: { value: { desired?: { hostId: string } | undefined } }) =>
    value.desired?.hostId === hostId;
  for (const { value } of [...view.sandboxes.values()].filter(isOnHost)) {
    await untilCommitted(async () => {
      const row = view.sandboxes.get(value.id);
      // One that is being made compares the host when it is committed: it is refused.
      if (row?.value.desired?.phase !== Phase.READY) return;
      await commitRemoval(context, { ...row.value, revision: row.revision }, []);
    });
  }
  await freePorts(context, hostId);
  const sandboxes = [...view.sandboxes.values()].filter(isOnHost).map(({ value }) => finisher.sandbox(value.id));
  const left = [...view.endpoints.values()].filter(({ value }) => value.desired?.knownBy.includes(hostId));
  await Promise.all([...sandboxes, ...left.map(({ value }) => finisher.left(value.id))]);
  if (context.stopping.aborted) return;
  await untilCommitted(async () => {
    const row = view.hosts.get(hostId);
    if (row === undefined || !isDue()) return;
    const key = `${prefix.host}${hostId}`;
    await ledger.commit(
      [{ key, modRevision: row.revision }],
      [
        { delete: key },
        { delete: `${prefix.hostName}${row.value.name}` },
        { delete: `${prefix.drift}${hostId}` },
        { deletePrefix: `${prefix.ports}${hostId}/` },
      ],
    );
  });
}

/** Services hold their ports on the hosts that stay. */
async function freePorts({ ledger }: Context, hostId: string): Promise<void> {
  const { view } = ledger;
  for (const { value } of [...view.services.values()]) {
    if (!value.desired?.hostIds.includes(hostId)) continue;
    await untilCommitted(async () => {
      const row = view.services.get(value.id);
      if (row?.value.desired === undefined || row.value.desired.phase !== Phase.READY) return;
      const hostIds = row.value.desired.hostIds.filter((one) => one !== hostId);
      const key = `${prefix.service}${value.id}`;
      const next = { ...row.value, desired: { ...row.value.desired, hostIds } };
      await ledger.commit([{ key, modRevision: row.revision }], [{ put: key, value: encodeService(next) }]);
    }).catch((error: unknown) => {
      if (!isFault(error, Reason.CONFLICT)) throw error;
    });
  }
}
