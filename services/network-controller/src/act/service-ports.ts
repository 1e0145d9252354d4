// Host ports of services: planned as the driver would for an endpoint of the network, the same number on every host.
import { asFault, fault, fromMessage, isFault, joinFaults, Reason } from '@weft/fault';
import type { PortPlan } from '@weft/proto/driver';
import { Endpoint, type Network, Phase, type PublishedPort, type Service } from '@weft/proto/model';
import type { Op, Revision } from '@weft/store';
import { isChosen, openPortBook, type PortBook } from '../admit/port-book.ts';
import { itemOf } from '../plan/items.ts';
import { prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { encodeService } from '../state/records.ts';
import { type Applied, allHosts, type Context, joinedHosts, type Waiting, whenApplied } from './context.ts';
import { fenceOf, maxChoices, verdictOn } from './ports.ts';

/**
 * How the service's ports are to be published, in their order; none for a service without.
 * @throws the driver's faults; NETWORK_MODE for a network that publishes nothing; HOST_UNAVAILABLE without a host
 */
export async function planServicePorts(context: Context, network: Network, service: Service): Promise<PortPlan[]> {
  const { ports = [], name = '' } = service.spec ?? {};
  if (ports.length === 0) return [];
  if (allHosts(context).length === 0) {
    throw fault(Reason.HOST_UNAVAILABLE, 'no host has joined yet that could publish a port', { field: 'spec.ports' });
  }
  // Drivers know endpoints alone: they are asked about one that would ask for the same.
  const endpoint = Endpoint.fromPartial({
    id: service.id,
    networkId: network.id,
    spec: { name, ports },
    desired: { phase: Phase.ALLOCATING },
  });
  const { faults, ports: plans } = await verdictOn(context, network, endpoint);
  if (faults.length > 0) throw joinFaults('invalid service', faults.map(fromMessage));
  const at = ports.findIndex((_, index) => (plans[index]?.hostIps.length ?? 0) === 0);
  if (at < 0) return plans;
  const because = `network ${network.spec?.name} publishes no ports of its hosts, as it is internal, routed or isolated`;
  const field = `spec.ports[${at}]`;
  throw fault(Reason.NETWORK_MODE, `${because}: leave the port out, or use another network`, { field });
}

/** What leaves no choice is given out first, so that no port with a choice is in its way. */
export function publishService(book: PortBook, { spec }: Service, plans: readonly PortPlan[]): PublishedPort[] {
  const wishes = (spec?.ports ?? []).map((binding, at) => ({ binding, at, plan: plans[at] }));
  const ports: PublishedPort[] = [];
  for (const { binding, at, plan } of wishes.toSorted(
    (a, b) => Number(isChosen(a.binding)) - Number(isChosen(b.binding)),
  ))
    ports[at] = book.publish(binding, plan ?? { hostIps: [], families: [] }, `service ${spec?.name}`);
  return ports;
}

export interface Held extends Applied {
  readonly revision: Revision;
}

/**
 * As whenApplied, for the service on all hosts. Where a program of a host has a port that was not asked for by number,
 * another is chosen; `done` adds to the transaction that does so.
 */
export async function whenHeld(
  context: Context,
  service: Service,
  committed: Revision,
  waiting: Waiting,
  done: (service: Service) => Op[],
): Promise<Held> {
  let revision = committed;
  const avoid = new Set<number>();
  const item = itemOf.service(service.id);
  for (let tries = 0; ; tries++) {
    const outcome = await whenApplied(context, joinedHosts(context), revision, [item], waiting);
    if (!isFault(outcome.failure, Reason.PORT_IN_USE) || tries >= maxChoices) return { ...outcome, revision };
    const bad = failedPorts(context, service.id);
    for (const port of bad) avoid.add(port.hostPort);
    try {
      const moved = await untilCommitted(() => chooseAgain(context, service.id, bad, avoid, done));
      if (moved === undefined) return { ...outcome, revision };
      revision = moved;
    } catch (error) {
      return { applied: false, failure: asFault(error), revision };
    }
  }
}

/** The service's ports that a host says it cannot hold. */
function failedPorts(context: Context, serviceId: string): PublishedPort[] {
  const { view } = context.ledger;
  const item = itemOf.service(serviceId);
  const failing = allHosts(context).flatMap((hostId) => {
    const table = context.planner.table(hostId);
    const failures = context.progress.failing(hostId);
    return table.keysOf(item).flatMap((key) => (failures.has(key) ? (table.object(key) ?? []) : []));
  });
  const ports = view.services.get(serviceId)?.value.desired?.ports ?? [];
  return ports.filter(({ protocol, hostPort }) =>
    failing.some(
      ({ spec }) => spec?.$case === 'port' && spec.value.hostPort === hostPort && spec.value.protocol === protocol,
    ),
  );
}

/** Puts other host ports in the place of these; undefined if one was asked for by number, or there are none. */
async function chooseAgain(
  context: Context,
  id: string,
  bad: readonly PublishedPort[],
  avoid: ReadonlySet<number>,
  done: (service: Service) => Op[],
): Promise<Revision | undefined> {
  const { view } = context.ledger;
  const row = view.services.get(id);
  const { spec, desired } = row?.value ?? {};
  if (row === undefined || spec === undefined || desired?.phase !== Phase.READY || bad.length === 0) return undefined;
  const book = openPortBook(view, desired.hostIds, context.ports.cursor, new Set(bad));
  const ports: PublishedPort[] = [];
  for (const [at, port] of desired.ports.entries()) {
    const binding = spec.ports[at];
    if (!bad.includes(port)) ports.push(port);
    else if (binding === undefined || !isChosen(binding)) return undefined;
    else ports.push(book.publish(binding, port, `service ${spec.name}`, avoid));
  }
  const service = { ...row.value, desired: { ...desired, ports } };
  const fence = fenceOf(view, book);
  return await context.ledger.commit(
    [{ key: `${prefix.service}${id}`, modRevision: row.revision }, ...fence.compares],
    [{ put: `${prefix.service}${id}`, value: encodeService(service) }, ...fence.ops, ...done(service)],
  );
}
