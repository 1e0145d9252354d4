// Host ports in transactions: fenced by marks, and chosen again when a program of the host turns out to have one.
import { asFault, isFault, Reason } from '@weft/fault';
import type { ValidateEndpointResponse } from '@weft/proto/driver';
import { type Endpoint, Family, type Network, type PortBinding, type PublishedPort } from '@weft/proto/model';
import type { Compare, Op, Revision } from '@weft/store';
import { isChosen, openPortBook, type PortBook } from '../admit/port-book.ts';
import { type ItemKey, itemOf, portId } from '../plan/items.ts';
import { prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { isReady } from '../state/reading.ts';
import type { View } from '../state/view.ts';
import { type Applied, type Context, type Waiting, whenApplied } from './context.ts';

/** How often another host port is chosen before the fault is given. */
export const maxChoices = 10;

/** What a transaction that takes these ports compares and puts. Of the same view as the book. */
export function fenceOf(view: View, book: PortBook): { compares: Compare[]; ops: Op[] } {
  const marks = book.marks();
  return {
    compares: marks.map((key) => ({ key, modRevision: view.marks.get(key) ?? 0n })),
    ops: marks.map((put) => ({ put, value: new Uint8Array() })),
  };
}

/** For the transaction that publishes ports: one that changes how their network publishes compares these marks. */
export function publishedOps(endpoints: readonly Endpoint[]): Op[] {
  const publishing = endpoints.filter((one) => (one.desired?.ports.length ?? 0) > 0);
  const networks = new Set(publishing.map((one) => one.networkId));
  return [...networks].map((id) => ({ put: `${prefix.networkLinks}${id}`, value: new Uint8Array() }));
}

/** An endpoint with the driver's verdict on the ports it asks for. */
export interface Planned {
  readonly endpoint: Endpoint;
  readonly verdict: ValidateEndpointResponse;
}

/**
 * The ports of each endpoint, as the driver plans them; a driver that plans none publishes none. What leaves no choice
 * is given out first, so that no port with a choice is in its way.
 */
export function publishAll(book: PortBook, planned: readonly Planned[]): PublishedPort[][] {
  const result = planned.map((): PublishedPort[] => []);
  const wishes = planned.flatMap(({ endpoint: { spec }, verdict }, of) =>
    (spec?.ports ?? []).map((binding, at) => ({ of, at, binding, name: spec?.name ?? '', plan: verdict.ports[at] })),
  );
  const lastOf = ({ hostPort, hostPortEnd }: PortBinding) => (hostPort === 0 ? 65_536 : hostPortEnd);
  const chosen = wishes.filter((one) => isChosen(one.binding)).sort((a, b) => lastOf(a.binding) - lastOf(b.binding));
  for (const { of, at, binding, name, plan } of [...wishes.filter((one) => !isChosen(one.binding)), ...chosen]) {
    const ports = result[of];
    if (ports !== undefined)
      ports[at] = book.publish(binding, plan ?? { hostIps: [], families: [] }, `endpoint ${name}`);
  }
  return result;
}

/**
 * The driver's verdict on an endpoint with these of its ports. It may come before the leases: then the endpoint's
 * addresses tell their families alone.
 */
export async function verdictOn(
  context: Context,
  network: Network,
  endpoint: Endpoint,
  ports = endpoint.spec?.ports ?? [],
): Promise<ValidateEndpointResponse> {
  const { spec, desired } = endpoint;
  const families = [Family.IPV4, Family.IPV6].filter((one) =>
    network.desired?.pools.some((pool) => pool.family === one),
  );
  const addresses =
    desired === undefined || desired.addresses.length > 0
      ? (desired?.addresses ?? [])
      : families.map((family) => ({ family, cidr: '', poolId: '' }));
  return await context.drivers.client(network.desired?.driver ?? '').validateEndpoint({
    network,
    endpoint: {
      ...endpoint,
      spec: spec && { ...spec, ports },
      desired: desired && { ...desired, addresses, ports: [] },
      status: undefined,
    },
  });
}

/** Endpoints whose ports are waited for: which of them, in the order of the request. */
export interface Publishing {
  readonly endpointId: string;
  readonly ports: readonly PublishedPort[];
}

export interface Published extends Applied {
  readonly revision: Revision;
  /** As they are now: some may have been chosen again. */
  readonly publishing: readonly Publishing[];
}

/**
 * As whenApplied, for items and for ports of endpoints on a host. Where a program of the host has a port that was not
 * asked for by number, others are chosen; `done` adds to the transaction that does so.
 */
export async function whenPublished(
  context: Context,
  hostId: string,
  committed: Revision,
  items: readonly ItemKey[],
  publishing: readonly Publishing[],
  waiting: Waiting,
  done: (endpoints: readonly Endpoint[], publishing: readonly Publishing[]) => Op[],
): Promise<Published> {
  let revision = committed;
  let watched = publishing;
  const avoid = new Set<number>();
  for (let tries = 0; ; tries++) {
    const origin = new Map(watched.flatMap((one) => portItems(one).map((item) => [item.key, item] as const)));
    const all = [...items, ...watched.map((one) => itemOf.ports(one.endpointId)), ...origin.keys()];
    const outcome = await whenApplied(context, hostId === '' ? [] : [hostId], revision, all, waiting);
    if (outcome.failure === undefined || tries >= maxChoices) return { ...outcome, revision, publishing: watched };
    const failed = [...(outcome.failures ?? [])].map(([item, why]) => ({ port: origin.get(item), why }));
    if (failed.some(({ port, why }) => port === undefined || !isFault(why, Reason.PORT_IN_USE))) {
      return { ...outcome, revision, publishing: watched };
    }
    const bad = new Set(failed.flatMap(({ port }) => (port === undefined ? [] : [`${port.endpointId}/${port.id}`])));
    for (const { port } of failed) if (port !== undefined) avoid.add(port.hostPort);
    try {
      const moved = await context.ports.inTurn(hostId, () =>
        untilCommitted(() => chooseAgain(context, hostId, watched, bad, avoid, done)),
      );
      if (moved === undefined) return { ...outcome, revision, publishing: watched };
      ({ revision, watched } = moved);
    } catch (error) {
      return { applied: false, failure: asFault(error), revision, publishing: watched };
    }
  }
}

function portItems({ endpointId, ports }: Publishing) {
  return ports.flatMap((port) =>
    port.families.map((family) => {
      const key = itemOf.port(endpointId, family, port);
      return { key, endpointId, id: portId(port), hostPort: port.hostPort };
    }),
  );
}

/** Puts other host ports in the place of these; undefined if one of them was asked for by number or is no more. */
async function chooseAgain(
  context: Context,
  hostId: string,
  watched: readonly Publishing[],
  bad: ReadonlySet<string>,
  avoid: ReadonlySet<number>,
  done: (endpoints: readonly Endpoint[], publishing: readonly Publishing[]) => Op[],
): Promise<{ revision: Revision; watched: Publishing[] } | undefined> {
  const { view } = context.ledger;
  const rows = watched.map(({ endpointId }) => view.endpoints.get(endpointId));
  const isBad = (id: string, port: PublishedPort) => bad.has(`${id}/${portId(port)}`);
  const given = new Set(
    rows.flatMap((row) => row?.value.desired?.ports.filter((one) => isBad(row.value.id, one)) ?? []),
  );
  const book = openPortBook(view, [hostId], context.ports.cursor, given);
  const compares: Compare[] = [];
  const ops: Op[] = [];
  const endpoints: Endpoint[] = [];
  const next: Publishing[] = [];
  for (const [at, row] of rows.entries()) {
    const { desired, spec, id } = row?.value ?? {};
    if (row === undefined || id === undefined || desired?.hostId !== hostId || !isReady(row.value)) return undefined;
    const moved = new Map<string, PublishedPort>();
    for (const [index, port] of desired.ports.entries()) {
      const binding = spec?.ports[index];
      if (!isBad(id, port)) continue;
      if (binding === undefined || !isChosen(binding)) return undefined;
      moved.set(portId(port), book.publish(binding, port, `endpoint ${spec?.name}`, avoid));
    }
    const endpoint = {
      ...row.value,
      desired: { ...desired, ports: desired.ports.map((one) => moved.get(portId(one)) ?? one) },
    };
    endpoints.push(endpoint);
    next.push({ endpointId: id, ports: (watched[at]?.ports ?? []).map((one) => moved.get(portId(one)) ?? one) });
    compares.push({ key: `${prefix.endpoint}${id}`, modRevision: row.revision });
    if (moved.size > 0) ops.push(...view.portLists.puts(endpoint));
  }
  if (ops.length === 0) return undefined;
  const fence = fenceOf(view, book);
  const revision = await context.ledger.commit(
    [...compares, ...fence.compares],
    [...ops, ...fence.ops, ...done(endpoints, next)],
  );
  return { revision, watched: next };
}
