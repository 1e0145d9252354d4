// Hosts' states, as their agents come and go. A host whose agent is connected to no replica for a while is lost; any replica may say
// so, since all compare what they change. Time is counted, never read: a clock that is stepped loses no host.
import { fault, Reason } from '@weft/fault';
import { type Host, HostState } from '@weft/proto/model';
import type { Compare, Op, Revision } from '@weft/store';
import { type Context, isRemoved } from '../act/context.ts';
import { untilAnswered } from '../act/until-answered.ts';
import { prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { encodeHost } from '../state/records.ts';

/**
 * Changes a host's record, however often others are faster and until the store answers; `change` returns undefined for none.
 * @throws NAME_TAKEN if another host has the name; what `change` throws
 */
export async function putHost(
  context: Context,
  hostId: string,
  change: (host: Host | undefined) => Host | undefined,
): Promise<Revision> {
  const { ledger } = context;
  const { view } = ledger;
  const put = async () => {
    const row = view.hosts.get(hostId);
    const next = change(row?.value);
    if (next === undefined) return view.revision;
    const key = `${prefix.host}${hostId}`;
    const compares: Compare[] = [{ key, modRevision: row?.revision ?? 0n }];
    const ops: Op[] = [{ put: key, value: encodeHost(next) }];
    if (next.name !== row?.value.name) {
      const namesake = [...view.hosts.values()].find(({ value }) => value.name === next.name && value.id !== hostId);
      if (namesake !== undefined) throw nameTaken(next.name, namesake.value.id);
      // Two replicas may be asked at once.
      const name = `${prefix.hostName}${next.name}`;
      compares.push({ key: name, modRevision: view.marks.get(name) ?? 0n });
      ops.push({ put: name, value: Buffer.from(hostId) });
      if (row !== undefined) ops.push({ delete: `${prefix.hostName}${row.value.name}` });
    }
    return await ledger.commit(compares, ops);
  };
  // An agent says a thing once: it waits here until the store has it, or its call is over.
  return await untilAnswered(context, () => untilCommitted(put));
}

function nameTaken(name: string, holder: string) {
  return fault(Reason.NAME_TAKEN, `host name ${name} is taken by ${holder.slice(0, 12)}`, { field: 'name', holder });
}

/** Marks hosts lost, and back, until it is closed; every host has a table of the planner's, as long as it is one. */
export function watchHosts(context: Context, graceMs: number): { close(): void } {
  const { view } = context.ledger;
  const timers = new Map<string, NodeJS.Timeout>();
  const say = (hostId: string, from: HostState, to: HostState) =>
    putHost(context, hostId, (host) => {
      const isDue = host?.state === from && view.replicas.isAlive(hostId) === (to === HostState.JOINED);
      return isDue ? { ...host, state: to } : undefined;
    }).catch((error: unknown) => {
      if (!context.stopping.aborted) context.log.error({ err: error, hostId }, 'cannot note the state of a host');
    });

  function look(hostId: string): void {
    const state = view.hosts.get(hostId)?.value.state;
    if (isRemoved(context, hostId)) {
      context.progress.forget(hostId);
      context.planner.drop(hostId);
    } else context.planner.table(hostId); // before anybody asks, so that an agent is told what changed one by one
    const isAlive = view.replicas.isAlive(hostId);
    if (state !== HostState.JOINED || isAlive) {
      clearTimeout(timers.get(hostId));
      timers.delete(hostId);
      // It never left: the replica it is connected to was not heard of.
      if (state === HostState.LOST && isAlive) void say(hostId, HostState.LOST, HostState.JOINED);
      return;
    }
    if (timers.has(hostId)) return;
    const timer = setTimeout(() => {
      timers.delete(hostId);
      if (!context.stopping.aborted) void say(hostId, HostState.JOINED, HostState.LOST);
    }, graceMs);
    timers.set(hostId, timer.unref());
  }

  const unsubscribe = view.onChange((change) => {
    for (const id of new Set([...change.alive, ...change.hosts])) look(id);
  });
  for (const id of view.hosts.ids()) look(id);
  return {
    close() {
      unsubscribe();
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
