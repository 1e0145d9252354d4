// SystemService.Resolve: a question of a person, answered by discovery from the objects that hosts must have.
import { fault, Reason } from '@weft/fault';
import { type Object as HostObject, ResolverObject } from '@weft/proto/agent';
import type { ResolveRequest, ResolveResponse } from '@weft/proto/controller';
import type { Context } from '../act/context.ts';
import { findNetwork, findSandbox } from '../admit/lookup.ts';
import { readyNetworks } from '../state/reading.ts';

export async function resolveName(context: Context, request: ResolveRequest): Promise<ResolveResponse> {
  const { ledger, planner, discovery } = context;
  const { view } = ledger;
  const network = request.network === '' ? undefined : findNetwork(view, request.network);
  const sandbox = request.sandbox === '' ? undefined : findSandbox(view, request.sandbox);
  await planner.planned(view.revision);
  const hosts = sandbox === undefined ? [...view.hosts.ids()] : [sandbox.desired?.hostId ?? ''];

  let resolver: ResolverObject;
  if (sandbox === undefined) {
    const networks = network === undefined ? readyNetworks(view) : [network];
    resolver = ResolverObject.fromPartial({
      networks: networks.map(({ id }) => ({ networkId: id })),
      servers: [...new Set(hosts.flatMap((id) => view.hosts.get(id)?.value.facts?.resolvers ?? []))],
    });
  } else {
    const own = sandbox.desired?.sharedWithId || sandbox.id;
    const spec = planner.table(hosts[0] ?? '').object(`resolver/${own}`)?.spec;
    if (spec?.$case !== 'resolver') {
      const because = `sandbox ${sandbox.spec?.name} has no resolver: it is on no network that has names`;
      throw fault(Reason.INVALID_VALUE, because, { field: 'sandbox' });
    }
    const networks = spec.value.networks.filter(({ networkId }) => network === undefined || networkId === network.id);
    if (networks.length === 0) {
      const because = `sandbox ${sandbox.spec?.name} is not on network ${network?.spec?.name}, or it has no names`;
      throw fault(Reason.INVALID_VALUE, because, { field: 'network' });
    }
    resolver = { ...spec.value, networks };
  }

  const { name, type } = request;
  const objects = namesIn(context, hosts, new Set(resolver.networks.map(({ networkId }) => networkId)));
  const answer = await discovery.resolve({ name, type, resolver, objects });
  return { ...answer, servers: answer.forwardedName === '' ? [] : resolver.servers };
}

/** Zones and names of networks, as hosts have them: the same on each that has them. */
function namesIn({ planner }: Context, hosts: readonly string[], networks: ReadonlySet<string>): HostObject[] {
  const found = new Map<string, HostObject>();
  for (const hostId of hosts) {
    for (const object of planner.table(hostId).objects()) {
      const { spec } = object;
      if ((spec?.$case === 'zone' || spec?.$case === 'names') && networks.has(spec.value.networkId))
        found.set(object.key, object);
    }
  }
  return [...found.values()];
}
