// What hosts would have to change if records were others: compiled with the planner's own functions from assumed
// records, and compared with the tables as they are. Writes nothing.
import { diff, type HostObject, textOf } from '@weft/hoststate';
import type { HostDiff } from '@weft/proto/controller';
import { Family, type PublishedPort } from '@weft/proto/model';
import { readyEndpoints } from '../state/reading.ts';
import type { View } from '../state/view.ts';
import { createAsking } from './asking.ts';
import type { Audience } from './audience.ts';
import {
  type Assumed,
  type Compilers,
  compileEndpoint,
  compileNetwork,
  compilePorts,
  compileSandbox as compileSandboxObjects,
  joinedOf,
  zoneOn,
} from './compile.ts';
import { chooseGateways, type GatewayCandidate } from './gateway.ts';
import type { HostTable } from './host-table.ts';
import type { ItemKey } from './items.ts';
import { itemOf } from './items.ts';

/** The part of the planner that this reads. */
export interface Tables {
  table(hostId: string): HostTable;
  candidate(endpointId: string): GatewayCandidate | undefined;
  readonly audience: Audience;
}

/** By host, then by item. */
type Wanted = Map<string, Map<ItemKey, readonly HostObject[]>>;

/** The hosts where something would change, by name. */
export async function whatIf(view: View, compilers: Compilers, tables: Tables, assumed: Assumed): Promise<HostDiff[]> {
  const asking = createAsking(compilers.drivers, compilers.discovery);
  const wanted: Wanted = new Map([...view.hosts.ids()].map((id) => [id, new Map()]));
  const want = (hostId: string, item: ItemKey, objects: readonly HostObject[]) =>
    wanted.get(hostId)?.set(item, objects);
  const candidates = new Map<string, GatewayCandidate>();
  const sandboxes = new Set<string>();
  for (const [id, network] of assumed.networks) {
    if (network.spec?.configOnly) continue;
    const zone = await asking.zone(network);
    for (const hostId of tables.audience.ofNetwork(network)) {
      const host = tables.audience.host(hostId);
      const objects = await compileNetwork(asking, host, network);
      const named = tables.audience.isMember(id, hostId) ? zoneOn(zone, objects, network, host.facts) : [];
      want(hostId, itemOf.network(id), [...objects, ...named]);
    }
    for (const endpointId of view.endpointsOfNetwork.ids(id)) {
      const joined = joinedOf(view, endpointId, assumed);
      if (joined === undefined) continue;
      const own = tables.audience.host(joined.endpoint.desired?.hostId ?? '');
      const { compiled, names, candidate } = await compileEndpoint(asking, joined, own);
      candidates.set(endpointId, candidate);
      sandboxes.add(joined.sandbox.id);
      for (const hostId of tables.audience.ofEndpoint(joined.network, joined.endpoint)) {
        const objects = (hostId === own.id ? compiled?.local : compiled?.remote) ?? [];
        want(hostId, itemOf.endpoint(endpointId), [...objects, ...names]);
      }
    }
  }
  for (const id of sandboxes) await compileSandbox(id);
  return [...view.hosts.values()]
    .map(({ value: { id, name } }) => ({ hostId: id, host: name, lines: linesOf(tables.table(id), wanted.get(id)) }))
    .filter((one) => one.lines.length > 0)
    .sort((a, b) => (a.host < b.host ? -1 : 1));

  async function compileSandbox(id: string): Promise<void> {
    const sandbox = view.sandboxes.get(id)?.value;
    if (sandbox === undefined) return;
    const hostId = sandbox.desired?.hostId ?? '';
    const endpointIds = [...view.endpointsOfSandbox.ids(id)];
    const offered = endpointIds.map((one) => candidates.get(one) ?? tables.candidate(one));
    const offers = offered.filter((one) => one !== undefined);
    const gateways = chooseGateways(offers);
    const objects = await compileSandboxObjects(asking, {
      sandbox,
      endpoints: readyEndpoints(view, endpointIds),
      candidates: offers,
      networkOf: (networkId) => assumed.networks.get(networkId) ?? view.networks.get(networkId)?.value,
      facts: view.hosts.get(hostId)?.value.facts,
    });
    want(hostId, itemOf.sandbox(id), objects);
    for (const endpointId of endpointIds) {
      const now = joinedOf(view, endpointId)?.endpoint.desired?.ports ?? [];
      for (const port of now) for (const item of itemsOf(endpointId, port)) want(hostId, item, []);
      const ports = joinedOf(view, endpointId, assumed)?.endpoint.desired?.ports ?? [];
      for (const family of [Family.IPV4, Family.IPV6]) {
        const due = ports.filter((one) => one.families.includes(family));
        const gateway = family === Family.IPV4 ? gateways.ipv4 : gateways.ipv6;
        const target = gateway && joinedOf(view, gateway.endpointId, assumed);
        if (due.length === 0 || target === undefined) continue;
        const objects = await compilePorts(compilers, target, family, due);
        for (const [at, port] of due.entries()) want(hostId, itemOf.port(endpointId, family, port), objects[at] ?? []);
      }
    }
  }
}

const itemsOf = (endpointId: string, port: PublishedPort) =>
  port.families.map((family) => itemOf.port(endpointId, family, port));

/** What would change in a table: of objects that others want too, nothing goes. */
function linesOf(table: HostTable, items: ReadonlyMap<ItemKey, readonly HostObject[]> = new Map()): string[] {
  const after = new Map([...items.values()].flat().map((object) => [object.key, object]));
  const isOurs = (key: string) => [...table.owners(key)].every((owner) => items.has(owner));
  const keys = new Set([...[...items.keys()].flatMap((item) => table.keysOf(item)), ...after.keys()]);
  const before = [...keys].flatMap((key) => {
    const object = table.object(key);
    return object !== undefined && (after.has(key) || isOurs(key)) ? [object] : [];
  });
  const change = diff(before, after.values());
  const old = new Map(before.map((object) => [object.key as string, object]));
  const was = (key: string) => {
    const object = old.get(key);
    return object === undefined ? [] : [`- ${textOf(object)}`];
  };
  return [
    ...change.delete.flatMap(was),
    ...change.put.flatMap((object) => [...was(object.key), `+ ${textOf(object)}`]),
  ];
}
