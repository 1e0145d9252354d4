// Changing a network in use: its spec, what the driver makes of it, and the ports that are published differently then,
// in one transaction. Or only saying what that would do to hosts.
import { fault, fromMessage, joinFaults, Reason } from '@weft/fault';
import type { HostDiff } from '@weft/proto/controller';
import type { PortPlan } from '@weft/proto/driver';
import type { Endpoint, Network, PublishedPort } from '@weft/proto/model';
import type { Op, Revision } from '@weft/store';
import { findNetwork } from '../admit/lookup.ts';
import { changedNetwork, type NetworkChange } from '../admit/network-change.ts';
import { openPortBook, type PortBook } from '../admit/port-book.ts';
import { canonical } from '../admit/ports.ts';
import { itemOf, portId } from '../plan/items.ts';
import { whatIf } from '../plan/what-if.ts';
import { prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { readEndpoint, readNetwork, readyEndpoints } from '../state/reading.ts';
import { encodeNetwork } from '../state/records.ts';
import { assertCallerThere, type Context, joinedHosts, type Waiting, whenApplied } from './context.ts';
import { crashPoint } from './crash-point.ts';
import type { Extra, Made } from './network.ts';
import { fenceOf, verdictOn } from './ports.ts';

/** The most endpoints whose ports one change may publish differently. */
const maxEndpoints = 100;

/** An endpoint whose ports are published differently, before and after. */
interface Republished {
  readonly before: Endpoint;
  readonly after: Endpoint;
}

interface Decided {
  readonly before: Network;
  readonly after: Network;
  readonly republished: readonly Republished[];
  readonly books: ReadonlyMap<string, PortBook>;
  /** The mark of the network's links when its endpoints were looked at. */
  readonly links: Revision | 0n;
}

/** @throws the fault that refuses it; the fault of an object that a host did not take: then all is as it was */
export async function updateNetwork(
  context: Context,
  ref: string,
  change: NetworkChange,
  waiting: Waiting,
  extra: Extra<Network>,
): Promise<Made<Network>> {
  assertCallerThere(waiting);
  const { view } = context.ledger;
  const { decided, revision } = await untilCommitted(async () => {
    const decided = await decide(context, ref, change);
    return { decided, revision: await commit(context, decided, extra) };
  });
  crashPoint('after-commit');
  const { after, republished } = decided;
  const items = [
    itemOf.network(after.id),
    ...republished.flatMap(({ before, after: { id, desired } }) => {
      const news = desired?.ports.filter((port) => !before.desired?.ports.includes(port)) ?? [];
      return news.flatMap((port) => port.families.map((family) => itemOf.port(id, family, port)));
    }),
  ];
  const hosts = after.spec?.configOnly ? [] : joinedHosts(context);
  const outcome = await whenApplied(context, hosts, revision, items, waiting);
  const { failure } = outcome;
  if (failure !== undefined) {
    const back = await untilCommitted(() => putBack(context, decided, revision, extra.failed(failure)));
    await whenApplied(context, hosts, back, [], waiting);
    throw failure;
  }
  return { ...outcome, value: readNetwork(view, after.id) ?? after, revision };
}

/** What hosts would have to change. Nothing is written. */
export async function tryNetwork(
  context: Context,
  ref: string,
  change: NetworkChange,
): Promise<{ network: Network; diffs: HostDiff[] }> {
  const { after, republished } = await decide(context, ref, change);
  const endpoints = new Map(republished.map((one) => [one.after.id, one.after]));
  const diffs = await whatIf(context.ledger.view, context, context.planner, {
    networks: new Map([[after.id, after]]),
    endpoints,
  });
  return { network: after, diffs };
}

async function decide(context: Context, ref: string, change: NetworkChange): Promise<Decided> {
  const { view } = context.ledger;
  const before = findNetwork(view, ref);
  const links = view.marks.get(`${prefix.networkLinks}${before.id}`) ?? 0n;
  const { desired } = before;
  if (desired === undefined) throw fault(Reason.INTERNAL, `network ${before.id} has no desired state`);
  const driver = before.spec?.configOnly ? undefined : context.drivers.describe(desired.driver);
  const changed = changedNetwork(view, before, driver, change);
  if (!changed.isDrivers) {
    return { before, after: { ...before, spec: changed.spec }, republished: [], books: new Map(), links };
  }

  const asked = { ...before, spec: changed.spec, desired: { ...desired, options: { ...changed.options } } };
  const verdict = await context.drivers.client(desired.driver).validateNetwork({ network: asked });
  if (verdict.faults.length > 0) throw joinFaults('invalid network', verdict.faults.map(fromMessage));
  const after = { ...asked, desired: { ...desired, options: verdict.options } };

  const publishing = readyEndpoints(view, view.endpointsOfNetwork.ids(before.id)).filter(
    (one) => one.desired?.hostId !== '' && (one.desired?.ports.length ?? 0) > 0,
  );
  const plans: { endpoint: Endpoint; ports: readonly PortPlan[] }[] = [];
  for (const endpoint of publishing) {
    const { faults, ports } = await verdictOn(context, after, endpoint);
    if (faults.length > 0) throw joinFaults(`endpoint ${endpoint.spec?.name}`, faults.map(fromMessage));
    if (endpoint.desired?.ports.some((port, at) => !isAsPlanned(port, ports[at]))) plans.push({ endpoint, ports });
  }
  if (plans.length > maxEndpoints) {
    const because = `the change publishes the ports of ${plans.length} endpoints differently, more than ${maxEndpoints}`;
    throw fault(Reason.REQUEST_TOO_LARGE, `${because}; disconnect some first`, { field: 'set_options' });
  }
  return { before, after, ...republish(context, plans), links };
}

/** The ports as they are planned now, each with the host port it has. */
function republish(context: Context, plans: readonly { endpoint: Endpoint; ports: readonly PortPlan[] }[]) {
  const { view } = context.ledger;
  const givenUp = new Set(
    plans.flatMap(
      ({ endpoint, ports }) => endpoint.desired?.ports.filter((one, at) => !isAsPlanned(one, ports[at])) ?? [],
    ),
  );
  const books = new Map<string, PortBook>();
  const republished = plans.map(({ endpoint, ports: planned }): Republished => {
    const { spec, desired } = endpoint;
    if (spec === undefined || desired === undefined) return { before: endpoint, after: endpoint };
    const { hostId } = desired;
    const book = books.get(hostId) ?? openPortBook(view, [hostId], context.ports.cursor, givenUp);
    books.set(hostId, book);
    const ports = desired.ports.map((port, at) => {
      const plan = planned[at] ?? { hostIps: [], families: [] };
      const binding = spec.ports[at];
      if (binding === undefined || isAsPlanned(port, planned[at])) return port;
      const { hostPort } = port;
      return book.publish(
        hostPort === 0 ? binding : { ...binding, hostPort, hostPortEnd: 0 },
        plan,
        `endpoint ${spec.name}`,
      );
    });
    return { before: endpoint, after: { ...endpoint, desired: { ...desired, ports } } };
  });
  return { republished, books };
}

function isAsPlanned(port: PublishedPort, plan: PortPlan | undefined): boolean {
  const same = (a: readonly unknown[], b: readonly unknown[] = []) => a.join() === b.join();
  return same(port.hostIps, plan?.hostIps.map(canonical)) && same(port.families, plan?.families);
}

async function commit(context: Context, decided: Decided, extra: Extra<Network>): Promise<Revision> {
  const { after, before, republished, books, links } = decided;
  const { view } = context.ledger;
  const fences = [...books.values()].map((book) => fenceOf(view, book));
  return await context.ledger.commit(
    [
      { key: `${prefix.network}${after.id}`, modRevision: before.revision as Revision },
      // Ports that were published meanwhile are published as the driver planned them before.
      { key: `${prefix.networkLinks}${after.id}`, modRevision: links },
      ...republished.map((one) => ({
        key: `${prefix.endpoint}${one.before.id}`,
        modRevision: one.before.revision as Revision,
      })),
      ...fences.flatMap((fence) => fence.compares),
    ],
    [
      { put: `${prefix.network}${after.id}`, value: encodeNetwork(after) },
      ...republished.flatMap((one) => view.portLists.puts(one.after)),
      ...fences.flatMap((fence) => fence.ops),
      ...extra.done(after),
    ],
  );
}

/**
 * Makes the network what it was, unless it was changed again since. Ports that were added since stay, and so do those whose
 * place before somebody has taken since.
 */
async function putBack(context: Context, decided: Decided, revision: Revision, ops: readonly Op[]): Promise<Revision> {
  const { view } = context.ledger;
  const { before, republished } = decided;
  const network = readNetwork(view, before.id);
  if (network?.revision !== revision) return await context.ledger.commit([], ops);
  const rows = republished.flatMap((one) => {
    const now = readEndpoint(view, one.before.id);
    return now?.desired === undefined || now.desired.hostId !== one.before.desired?.hostId
      ? []
      : [{ now, desired: now.desired, wishes: wishesBack(one, now.desired.ports) }];
  });
  const books: PortBook[] = [];
  const back = new Map<PublishedPort, PublishedPort>();
  for (const [hostId, group] of Map.groupBy(rows, ({ desired }) => desired.hostId)) {
    const wishes = new Map(
      group.flatMap(({ now, wishes }) => [...wishes].map(([port, was]) => [port, { was, name: now.spec?.name ?? '' }])),
    );
    const book = bookBack(context, hostId, wishes);
    books.push(book);
    for (const [port, { was }] of wishes) back.set(port, was);
  }
  const fences = books.map((book) => fenceOf(view, book));
  return await context.ledger.commit(
    [
      { key: `${prefix.network}${before.id}`, modRevision: revision },
      ...rows.map(({ now }) => ({ key: `${prefix.endpoint}${now.id}`, modRevision: now.revision as Revision })),
      ...fences.flatMap((fence) => fence.compares),
    ],
    [
      { put: `${prefix.network}${before.id}`, value: encodeNetwork(before) },
      ...rows.flatMap(({ now, desired }) =>
        view.portLists.puts({
          ...now,
          desired: { ...desired, ports: desired.ports.map((one) => back.get(one) ?? one) },
        }),
      ),
      ...fences.flatMap((fence) => fence.ops),
      ...ops,
    ],
  );
}

/** What each port was before, of those that are as the change published them. */
function wishesBack(
  { before, after }: Republished,
  ports: readonly PublishedPort[],
): Map<PublishedPort, PublishedPort> {
  const old = before.desired?.ports ?? [];
  // Without host ports several may be known by one name.
  const was = Map.groupBy(
    (after.desired?.ports ?? []).flatMap((port, at) => (old[at] === undefined ? [] : [{ port, was: old[at] }])),
    ({ port }) => portId(port),
  );
  return new Map(
    ports.flatMap((port): [PublishedPort, PublishedPort][] => {
      const one = was.get(portId(port))?.shift();
      return one === undefined || one.was === one.port ? [] : [[port, one.was]];
    }),
  );
}

/** Holds what can be had back on a host; wishes that cannot be fulfilled are dropped, and hold what they have. */
function bookBack(
  context: Context,
  hostId: string,
  wishes: Map<PublishedPort, { was: PublishedPort; name: string }>,
): PortBook {
  for (;;) {
    const book = openPortBook(context.ledger.view, [hostId], context.ports.cursor, new Set(wishes.keys()));
    const lost = [...wishes].filter(([, { was, name }]) => !book.keep(was, `endpoint ${name}`));
    if (lost.length === 0) return book;
    for (const [port] of lost) wishes.delete(port);
  }
}
