// The way between sandboxes of two hosts, over a network that both are on: a bridge, the tunnel between the hosts, a bridge.
import type { ExplainResponse } from '@weft/proto/controller';
import type { Endpoint, Network } from '@weft/proto/model';
import type { Context } from '../act/context.ts';
import { short } from '../admit/lookup.ts';
import { isGlobal } from '../state/reach.ts';
import { addressesOf, readHost, readyEndpoints } from '../state/reading.ts';

interface Shared {
  readonly network: Network;
  readonly from: Endpoint;
  readonly to: Endpoint;
}

/** Networks over hosts that both sandboxes are on; the first is as good as any. */
function sharedBy({ ledger: { view } }: Context, fromId: string, toId: string): Shared | undefined {
  const [ones, others] = [fromId, toId].map((id) => readyEndpoints(view, view.endpointsOfSandbox.ids(id)));
  for (const from of ones ?? []) {
    const network = view.networks.get(from.networkId)?.value;
    const to = others?.find((one) => one.networkId === from.networkId);
    if (network !== undefined && to !== undefined && isGlobal(network)) return { network, from, to };
  }
  return undefined;
}

/** Undefined for sandboxes without such a network. */
export function explainOverHosts(context: Context, fromId: string, toId: string): ExplainResponse | undefined {
  const shared = sharedBy(context, fromId, toId);
  if (shared === undefined) return undefined;
  const { network, from, to } = shared;
  const { view } = context.ledger;
  const nameOf = (id: string) => view.sandboxes.get(id)?.value.spec?.name ?? short(id);
  const hostName = (id: string) => readHost(view, id)?.name ?? short(id);
  const [a, b, net] = [nameOf(fromId), nameOf(toId), network.spec?.name ?? short(network.id)];
  const steps: ExplainResponse['steps'] = [];
  const step = (place: string, object: string, says: string, stops = false) =>
    void steps.push({ place, object, rule: '', setting: `network ${net}`, says, stops });
  const answer = (reaches: boolean, because: string): ExplainResponse => ({
    ...{ reaches, because, steps },
    probe: {
      fromNetns: '',
      impossible: 'the ends are on two hosts',
      address: '',
      port: 0,
      toNetns: '',
      toAddress: '',
      toPort: 0,
    },
  });

  step(`sandbox ${a}`, `veth/${from.id}`, `${addressesOf(to)[0] ?? b} is on network ${net}: ${a} sends straight to it`);
  // There and back: each host must know the other's end.
  for (const [end, other] of [
    [from, to],
    [to, from],
  ] as const) {
    const hostId = end.desired?.hostId ?? '';
    const key = `neighbour/vx-${network.id.slice(0, 12)}/${other.desired?.macAddress}`;
    const place = `host ${hostName(hostId)}`;
    const known = context.planner.table(hostId).object(key);
    const failure = context.progress.all().find((one) => one.hostId === hostId && one.key === key);
    const [x, y] = end === from ? [a, b] : [b, a];
    if (known?.spec?.$case !== 'neighbour') {
      const says = `${net} keeps its sandboxes from each other: ${place} does not know where ${y} is`;
      step(place, key, says, true);
      return answer(false, says);
    }
    if (failure !== undefined) {
      step(place, key, failure.fault.message, true);
      return answer(false, failure.fault.message);
    }
    const way = `its VXLAN leads to ${y} at ${known.spec.value.remote}, on host ${hostName(other.desired?.hostId ?? '')}`;
    step(place, key, end === from ? way : `${way}: the answer of ${x} comes back`);
  }
  return answer(true, `${a} and ${b} are on network ${net}, which reaches over their hosts`);
}
