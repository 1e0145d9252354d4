// Explaining by way of a service: who is meant by its name or address, and the way to the first of its backends.
import { formatAddress, parseAddress } from '@weft/address';
import { fault, isFault, Reason } from '@weft/fault';
import type { ExplainRequest, ExplainResponse, ExplainStep } from '@weft/proto/controller';
import {
  BackendState,
  Balance,
  Family,
  type Protocol,
  type Sandbox,
  type Service,
  ServiceMode,
} from '@weft/proto/model';
import type { Context } from '../act/context.ts';
import { findSandbox } from '../admit/lookup.ts';
import { addressesOf, isReady, readService } from '../state/reading.ts';
import { type Standing, standingsOf } from '../state/standing.ts';
import type { View } from '../state/view.ts';

const balanceWords: Readonly<Record<number, string>> = {
  [Balance.ROUND_ROBIN]: 'round-robin',
  [Balance.RANDOM]: 'random',
  [Balance.SOURCE]: 'source',
  [Balance.WEIGHTED]: 'weighted',
};

/** The sandbox of this reference; undefined if there is none. @throws AMBIGUOUS, MISSING_FIELD */
function sandboxOf(view: View, text: string): Sandbox | undefined {
  try {
    return findSandbox(view, text);
  } catch (error) {
    if (isFault(error, Reason.SANDBOX_NOT_FOUND)) return undefined;
    throw error;
  }
}

/** The service that is asked for, by its address, or by a name that no sandbox has. Of several, one of the asker's networks. */
export function serviceAsked(view: View, from: string, to: string): Service | undefined {
  if (to === 'host' || to === 'outside' || to === '') return undefined;
  const address = parseAddress(to);
  const ids =
    address === undefined
      ? [...view.networks.ids()].flatMap((network) => [...view.servicesNamed(network, to)])
      : [...view.servicesAt.ids(formatAddress(address))];
  const services = ids.flatMap((id) => readService(view, id) ?? []).filter((one) => isReady(one));
  if (services.length === 0 || (address === undefined && sandboxOf(view, to) !== undefined)) return undefined;
  const own = ['host', 'outside', ''].includes(from) ? undefined : sandboxOf(view, from);
  return services.find(({ networkId }) => own !== undefined && networksOf(view, own).has(networkId)) ?? services[0];
}

const networksOf = (view: View, { id, desired }: Sandbox): ReadonlySet<string> =>
  new Set(
    [...view.endpointsOfSandbox.ids(desired?.sharedWithId || id)].map(
      (one) => view.endpoints.get(one)?.value.networkId ?? '',
    ),
  );

/** @param walk explains the way to an address */
export async function explainService(
  { ledger: { view } }: Context,
  request: ExplainRequest,
  service: Service,
  walk: (request: ExplainRequest) => Promise<ExplainResponse>,
): Promise<ExplainResponse> {
  const name = service.spec?.name ?? '';
  const network = view.networks.get(service.networkId)?.value.spec?.name ?? '';
  const from = ['host', 'outside'].includes(request.from) ? undefined : findSandbox(view, request.from, 'from');
  const place = from === undefined ? request.from : `sandbox ${from.spec?.name}`;
  const stop = (says: string): ExplainResponse => {
    const step = stepOf(service, place, says, true);
    return { reaches: false, because: says, steps: [step], probe: probeless(says) };
  };
  if (from === undefined || !networksOf(view, from).has(service.networkId)) {
    const who = from === undefined ? request.from : (from.spec?.name ?? '');
    return stop(`${name} is a service of network ${network}, and known in sandboxes on it alone: ${who} is not on it`);
  }
  const serving = standingsOf(view, service).filter(
    ({ state, endpoint }) => state === BackendState.UP && hasFamily(endpoint, request.family),
  );
  const [first] = serving;
  if (first === undefined) return stop(`${name} has no backend that is up${familyWord(request.family)}`);
  // Which address it is on another host only that host knows: the way over hosts is between sandboxes.
  const isElsewhere = first.sandbox.desired?.hostId !== from.desired?.hostId;
  const answer = await walk({ ...request, to: isElsewhere ? first.sandbox.id : addressFor(first, request.family) });
  const says = spreadWords(service, serving);
  return {
    ...answer,
    because: `${says}; ${answer.because}`,
    steps: [stepOf(service, place, says, false), ...answer.steps],
    probe: probeless('a packet may go to any of its backends: try one of them'),
  };
}

const familyWord = (family: Family) =>
  family === Family.UNSPECIFIED ? '' : ` with an IPv${family === Family.IPV6 ? 6 : 4} address`;

const isOf = (family: Family) => (address: string) =>
  family === Family.UNSPECIFIED || address.includes(':') === (family === Family.IPV6);

const hasFamily = (endpoint: Standing['endpoint'], family: Family) => addressesOf(endpoint).some(isOf(family));

const addressFor = ({ endpoint }: Standing, family: Family): string => addressesOf(endpoint).find(isOf(family)) ?? '';

/** "web is a service: its name leads to 10.0.0.9, whose connections are spread ... over 3 backends; this one goes to a" */
function spreadWords({ spec, desired }: Service, serving: readonly Standing[]): string {
  const names = serving.slice(0, 5).map(({ sandbox }) => sandbox.spec?.name ?? '');
  const rest = serving.length > names.length ? ` and ${serving.length - names.length} more` : '';
  const all = `${serving.length} backend${serving.length === 1 ? '' : 's'} (${names.join(', ')}${rest})`;
  const first = names[0] ?? '';
  if (spec?.mode === ServiceMode.DNSRR) return `the name ${spec.name} leads to its ${all}; this one is ${first}`;
  const at = desired?.addresses.map(({ cidr }) => cidr.split('/', 1)[0]).join(' and ') ?? '';
  const how = balanceWords[spec?.balance ?? 0] ?? '';
  return `${spec?.name} is a service at ${at}, which spreads connections (${how}) over ${all}; this one goes to ${first}`;
}

function stepOf({ id, spec }: Service, place: string, says: string, stops: boolean): ExplainStep {
  const how = spec?.mode === ServiceMode.DNSRR ? '--mode dnsrr' : `--balance ${balanceWords[spec?.balance ?? 0]}`;
  return { place, object: `service/${id}`, rule: '', setting: `service ${spec?.name}: ${how}`, says, stops };
}

const probeless = (impossible: string) => ({
  fromNetns: '',
  impossible,
  address: '',
  port: 0,
  toNetns: '',
  toAddress: '',
  toPort: 0,
});

/** @throws NOT_IMPLEMENTED for a host port that a service holds: its way is not walked yet */
export function refuseServicePort(view: View, hostId: string, protocol: Protocol, port: number): void {
  const holder =
    port === 0 ? undefined : view.portHolders.of(hostId, protocol, port).find(({ kind }) => kind === 'service');
  if (holder === undefined) return;
  const { spec } = view.services.get(holder.id)?.value ?? {};
  const because = `host port ${port} leads to service ${spec?.name}, and the way through a service's port is not explained`;
  throw fault(Reason.NOT_IMPLEMENTED, `${because}: ask for one of its backends`, { field: 'port' });
}
