// Publishing and withdrawing ports of an endpoint that is there: one transaction, then as far as its host.
import { fault, fromMessage, joinFaults, Reason } from '@weft/fault';
import type { Endpoint, PortBinding, PublishedPort } from '@weft/proto/model';
import type { Op, Revision } from '@weft/store';
import { findEndpoint } from '../admit/lookup.ts';
import { openPortBook } from '../admit/port-book.ts';
import { checkPorts, findPorts } from '../admit/ports.ts';
import { portId } from '../plan/items.ts';
import { prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { isReady, readEndpoint, readNetwork } from '../state/reading.ts';
import { assertCallerThere, type Context, patience, type Waiting, whenForgotten } from './context.ts';
import { crashPoint } from './crash-point.ts';
import type { Extra, Made } from './network.ts';
import { fenceOf, type Publishing, publishAll, publishedOps, verdictOn, whenPublished } from './ports.ts';

interface Updated {
  readonly endpoint: Endpoint;
  readonly added: readonly PublishedPort[];
  readonly removed: readonly Removed[];
  readonly revision: Revision;
}

/** A port that was withdrawn, and how it was asked for. */
interface Removed {
  readonly binding: PortBinding;
  readonly port: PublishedPort;
}

/**
 * @throws the fault that refuses it; the fault of an added port that its host did not take: then what was added is withdrawn
 *   again, and what was removed is published again where nobody has taken its place
 */
export async function updatePorts(
  context: Context,
  ref: string,
  add: readonly PortBinding[],
  remove: readonly PortBinding[],
  waiting: Waiting,
  extra: Extra<Endpoint>,
): Promise<Made<Endpoint>> {
  assertCallerThere(waiting);
  if (add.length + remove.length === 0) {
    throw fault(Reason.MISSING_FIELD, 'no port to add or to remove is given', { field: 'add' });
  }
  const updating = () => untilCommitted(() => commitUpdate(context, ref, add, remove, extra));
  const host = findEndpoint(context.ledger.view, ref).desired?.hostId;
  const { endpoint, added, removed, revision } = await (host ? context.ports.inTurn(host, updating) : updating());
  crashPoint('after-commit');
  const { id } = endpoint;
  const hostId = endpoint.desired?.hostId ?? '';
  const publishing = hostId === '' ? [] : [{ endpointId: id, ports: added }];
  const done = ([one]: readonly Endpoint[], [now]: readonly Publishing[]) =>
    one === undefined ? [] : extra.done(changeOf(one, add, now?.ports ?? []));
  const outcome = await whenPublished(context, hostId, revision, [], publishing, waiting, done);
  const { failure } = outcome;
  if (failure !== undefined) {
    const ids = outcome.publishing.flatMap(({ ports }) => ports.map(portId));
    const undoing = () => untilCommitted(() => takeBack(context, endpoint, ids, removed, extra.failed(failure)));
    const taken = await context.ports.inTurn(hostId, undoing);
    await whenForgotten(context, [hostId], taken, patience(context, waiting));
    throw failure;
  }
  const current = readEndpoint(context.ledger.view, id) ?? endpoint;
  const value = changeOf(current, add, outcome.publishing[0]?.ports ?? []);
  return { value, revision: outcome.revision, applied: outcome.applied };
}

/** The endpoint with the ports that were added alone: an answer that costs as much as the change. */
function changeOf(endpoint: Endpoint, add: readonly PortBinding[], added: readonly PublishedPort[]): Endpoint {
  const { spec, desired } = endpoint;
  return {
    ...endpoint,
    spec: spec && { ...spec, ports: [...add] },
    desired: desired && { ...desired, ports: [...added] },
  };
}

async function commitUpdate(
  context: Context,
  ref: string,
  add: readonly PortBinding[],
  remove: readonly PortBinding[],
  extra: Extra<Endpoint>,
): Promise<Updated> {
  const { view } = context.ledger;
  const known = findEndpoint(view, ref);
  const network = readNetwork(view, known.networkId);
  const { spec, desired } = known;
  if (network === undefined || spec === undefined || desired === undefined) {
    throw fault(Reason.ENDPOINT_NOT_FOUND, `no such endpoint: ${ref}`, { field: 'endpoint' });
  }
  const { hostId } = desired;
  const gone = findPorts(remove, spec.ports, hostId === '' ? [] : desired.ports);
  const isKept = (_: unknown, index: number) => !gone.has(index);
  const kept = gone.size === 0 ? spec.ports : spec.ports.filter(isKept);
  const faults = checkPorts(network, add, kept, 'add');
  if (faults.length > 0) throw joinFaults('invalid ports', faults);
  const asked = { ...known, spec: { ...spec, ports: [...add] } };
  const verdict = add.length === 0 ? undefined : await verdictOn(context, network, asked);
  if (verdict !== undefined && verdict.faults.length > 0) {
    throw joinFaults('invalid ports', verdict.faults.map(fromMessage));
  }

  const removed = [...gone].flatMap((index): Removed[] => {
    const [binding, port] = [spec.ports[index], desired.ports[index]];
    return hostId === '' || binding === undefined || port === undefined ? [] : [{ binding, port }];
  });
  const givenUp = new Set(removed.map(({ port }) => port));
  const book = openPortBook(view, [hostId], context.ports.cursor, givenUp);
  const [added = []] = hostId === '' || verdict === undefined ? [] : publishAll(book, [{ endpoint: asked, verdict }]);
  const published = gone.size === 0 ? desired.ports : desired.ports.filter(isKept);
  const ports = hostId === '' ? desired.ports : [...published, ...added];
  const endpoint = { ...known, spec: { ...spec, ports: [...kept, ...add] }, desired: { ...desired, ports } };
  const fence = fenceOf(view, book);
  const revision = await context.ledger.commit(
    [
      { key: `${prefix.endpoint}${known.id}`, modRevision: known.revision as Revision },
      { key: `${prefix.network}${network.id}`, modRevision: network.revision as Revision },
      ...fence.compares,
    ],
    [
      ...view.portLists.puts(endpoint),
      ...fence.ops,
      ...publishedOps([endpoint]),
      ...extra.done(changeOf(endpoint, add, added)),
    ],
  );
  return { endpoint, added, removed, revision };
}

/**
 * Withdraws ports again, by what they are known by, the newest first; those that are no more are none of ours. Publishes the
 * removed ones again, as they were.
 */
async function takeBack(
  context: Context,
  { id, desired: told }: Endpoint,
  ids: readonly string[],
  removed: readonly Removed[],
  ops: readonly Op[],
): Promise<Revision> {
  const { view } = context.ledger;
  const row = view.endpoints.get(id);
  const { spec, desired } = row?.value ?? {};
  if (row === undefined || spec === undefined || desired === undefined || desired.hostId !== told?.hostId) {
    return await context.ledger.commit([], ops);
  }
  const due = new Map<string, number>();
  for (const one of ids) due.set(one, (due.get(one) ?? 0) + 1);
  const gone = new Set<number>();
  for (const [index, port] of [...desired.ports.entries()].reverse()) {
    const left = due.get(portId(port)) ?? 0;
    if (left > 0) gone.add(index);
    due.set(portId(port), left - 1);
  }
  const isKept = (_: unknown, index: number) => !gone.has(index);
  const givenUp = new Set(desired.ports.filter((_, index) => gone.has(index)));
  const book = openPortBook(view, [desired.hostId], context.ports.cursor, givenUp);
  const back = isReady(row.value) ? removed.filter(({ port }) => book.keep(port, `endpoint ${spec.name}`)) : [];
  const endpoint = {
    ...row.value,
    spec: { ...spec, ports: [...spec.ports.filter(isKept), ...back.map(({ binding }) => binding)] },
    desired: { ...desired, ports: [...desired.ports.filter(isKept), ...back.map(({ port }) => port)] },
  };
  const fence = fenceOf(view, book);
  return await context.ledger.commit(
    [{ key: `${prefix.endpoint}${id}`, modRevision: row.revision }, ...fence.compares],
    [...view.portLists.puts(endpoint), ...fence.ops, ...publishedOps([endpoint]), ...ops],
  );
}
