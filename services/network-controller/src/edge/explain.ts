// SystemService.Explain: references to places, HostState of their host to an explanation, and how the same can be tried.
import { formatAddress, parseAddress } from '@weft/address';
import { type FaultError, fault, Reason } from '@weft/fault';
import type { ExplainProbe, ExplainRequest, ExplainResponse } from '@weft/proto/controller';
import { Family as ModelFamily, Protocol } from '@weft/proto/model';
import type { Context } from '../act/context.ts';
import { findHost, findSandbox, short } from '../admit/lookup.ts';
import { type Asked, type Explanation, explain, familiesOf } from '../explain/explain.ts';
import { type Family, Ground, isLoopback } from '../explain/ground.ts';
import type { Transport } from '../explain/packet.ts';
import type { Place } from '../explain/question.ts';
import type { HostView } from '../explain/trail.ts';
import { wordsOf } from '../explain/words.ts';
import { readHost, readSandbox } from '../state/reading.ts';
import { explainOverHosts } from './explain-overlay.ts';
import { explainService, refuseServicePort, serviceAsked } from './explain-service.ts';

type End = Asked['to'];

export async function explainPath(context: Context, request: ExplainRequest): Promise<ExplainResponse> {
  const { view } = context.ledger;
  const service = serviceAsked(view, request.from, request.to);
  if (service !== undefined) return explainService(context, request, service, (next) => explainPath(context, next));
  const from = endOf(context, request.from, 'from');
  const to = endOf(context, request.to, 'to');
  if (from.at === 'address')
    throw fault(Reason.INVALID_VALUE, `from: "${request.from}" is an address: name a sandbox, host or outside`, {
      field: 'from',
    });
  if (from.at === 'outside' && to.at === 'outside')
    throw fault(Reason.CONFLICTING_FIELDS, 'from outside to outside nothing passes this host', { field: 'to' });
  const transport = transportOf(request);
  const hostId = hostOf(context, request, [from, to]);
  if (to.at === 'host') refuseServicePort(view, hostId, request.protocol, transport.port);
  await context.planner.planned(view.revision);
  const elsewhere = [from, to].find((end) => end.at === 'sandbox' && hostOfSandbox(context, end.id) !== hostId);
  const over = from.at === 'sandbox' && to.at === 'sandbox' && elsewhere && explainOverHosts(context, from.id, to.id);
  if (over) return over;
  if (elsewhere?.at === 'sandbox') return onOtherHost(context, elsewhere.id, hostId);

  const host = hostViewOf(context, hostId);
  const lost = [from, to].map((end) => lostOf(context, host, end)).find((one) => one !== undefined);
  if (lost !== undefined) return lost;
  const isSelf = isSame(from, to) || (to.at === 'address' && isLoopback(to.address));
  const ends = [from, to].map((end) => familiesOf(host, end, isSelf));
  const detached = [from, to].find((end, at) => end.at === 'sandbox' && ends[at]?.length === 0);
  if (detached?.at === 'sandbox') return stopped(host, detached.id, 'is on no network');
  const family = familyFor(request, ends);
  const found = explain(host, { from, to, family, ...transport });
  return {
    reaches: found.reaches,
    because: found.because,
    steps: [...found.steps],
    probe: probeOf(context, hostId, from, transport, found),
  };
}

function endOf({ ledger: { view } }: Context, text: string, field: string): End {
  if (text === 'host' || text === 'outside') return { at: text };
  const address = parseAddress(text);
  if (address !== undefined) return { at: 'address', address: formatAddress(address) };
  const sandbox = findSandbox(view, text, field);
  if (sandbox.desired?.hostNamespace) return { at: 'host' };
  const owner = view.sandboxes.get(sandbox.desired?.sharedWithId || sandbox.id)?.value;
  return owner?.desired?.hostNamespace ? { at: 'host' } : { at: 'sandbox', id: owner?.id ?? sandbox.id };
}

const isSame = (a: End, b: End) => a.at === 'sandbox' && b.at === 'sandbox' && a.id === b.id;

const transports: Readonly<Record<number, Transport>> = {
  [Protocol.UNSPECIFIED]: 'icmp',
  [Protocol.TCP]: 'tcp',
  [Protocol.UDP]: 'udp',
  [Protocol.SCTP]: 'sctp',
};

function transportOf({ protocol, port }: ExplainRequest): { protocol: Transport; port: number } {
  const word = transports[protocol];
  if (word === undefined)
    throw fault(Reason.INVALID_VALUE, `protocol: ${protocol} is none of tcp, udp, sctp`, { field: 'protocol' });
  if (word === 'icmp' && port !== 0)
    throw fault(Reason.CONFLICTING_FIELDS, `an echo request has no port, and ${port} is given`, { field: 'port' });
  if (word !== 'icmp' && port === 0)
    throw fault(Reason.MISSING_FIELD, `port is missing: ${word} asks for one`, { field: 'port' });
  if (port > 65535) throw fault(Reason.INVALID_PORT, `port: ${port} is not from 1 to 65535`, { field: 'port' });
  return { protocol: word, port };
}

const hostOfSandbox = ({ ledger: { view } }: Context, id: string) =>
  view.sandboxes.get(id)?.value.desired?.hostId ?? '';

/** The host that is asked for, else that of a sandbox, else the only one. */
function hostOf(context: Context, request: ExplainRequest, ends: readonly End[]): string {
  const { view } = context.ledger;
  const homes = ends.flatMap((end) => (end.at === 'sandbox' ? [hostOfSandbox(context, end.id)] : []));
  const [home] = homes;
  if (request.host === '' && home !== undefined) return home;
  const host = findHost(view, request.host, 'host');
  if (home !== undefined && !homes.includes(host.id)) {
    const name = readHost(view, home)?.name ?? home;
    throw fault(Reason.CONFLICTING_FIELDS, `host: it is on host ${name}, not on ${host.name}`, { field: 'host' });
  }
  return host.id;
}

function hostViewOf(context: Context, hostId: string): HostView {
  const { view } = context.ledger;
  const table = context.planner.table(hostId);
  const objects = table.objects();
  const byKey = new Map(objects.map((object) => [object.key, object]));
  const ground = new Ground(objects, readHost(view, hostId)?.facts?.addresses);
  const hostName = readHost(view, hostId)?.name ?? short(hostId);
  const failures = new Map(
    context.progress
      .all()
      .filter((one) => one.hostId === hostId)
      .map((one) => [one.key, one.fault.message]),
  );
  const words = wordsOf({
    view,
    hostName,
    ground,
    object: (key) => byKey.get(key),
    owners: (key) => table.owners(key),
  });
  return { ground, words, failures };
}

function stopped({ words }: HostView, id: string, because: string): ExplainResponse {
  const says = `${words.sandbox(id)} ${because}`;
  const place = `sandbox ${words.sandbox(id)}`;
  const setting = words.setting({ of: 'no route', sandboxId: id, family: 4 });
  const step = { place, object: `sandbox/${id}`, rule: '', setting, says, stops: true };
  return { reaches: false, because: says, steps: [step], probe: impossible(says) };
}

function lostOf({ ledger: { view } }: Context, host: HostView, end: End): ExplainResponse | undefined {
  if (end.at !== 'sandbox' || !view.sandboxStatuses.get(end.id)?.value.lost) return undefined;
  return stopped(host, end.id, 'is lost: the namespace it was made for is gone');
}

function onOtherHost(context: Context, id: string, hostId: string): ExplainResponse {
  const { view } = context.ledger;
  const [here, there] = [hostId, hostOfSandbox(context, id)].map((one) => readHost(view, one)?.name ?? short(one));
  return stopped(hostViewOf(context, hostId), id, `is on host ${there}, and networks of host ${here} end there`);
}

/** @throws WRONG_FAMILY when an end has no address of the family */
function familyFor(request: ExplainRequest, ends: readonly (readonly Family[])[]): Family {
  const refused = (family: string): FaultError =>
    fault(Reason.WRONG_FAMILY, `${request.from} and ${request.to} do not both have an ${family} address`, {
      field: 'family',
    });
  const both = ([4, 6] as const).filter((family) => ends.every((held) => held.includes(family)));
  if (request.family === ModelFamily.UNSPECIFIED) {
    const [first] = both;
    if (first === undefined) throw refused('IPv4 or IPv6');
    return first;
  }
  const family = request.family === ModelFamily.IPV6 ? 6 : 4;
  if (!both.includes(family)) throw refused(`IPv${family}`);
  return family;
}

const impossible = (why: string): ExplainProbe => ({
  fromNetns: '',
  impossible: why,
  address: '',
  port: 0,
  toNetns: '',
  toAddress: '',
  toPort: 0,
});

/** How a place is entered from its host; undefined when its namespace is not there. */
function namespaceOf({ ledger: { view } }: Context, hostId: string, place: Place): string | undefined {
  if (place.at === 'sandbox') return readSandbox(view, place.id)?.status?.namespacePath || undefined;
  if (place.at === 'outside') return '';
  const pid = readHost(view, hostId)?.facts?.agentPid ?? 0;
  return pid === 0 ? '' : `/proc/${pid}/ns/net`;
}

function probeOf(
  context: Context,
  hostId: string,
  from: Place,
  transport: { protocol: Transport; port: number },
  { address, arrival }: Explanation,
): ExplainProbe {
  if (address === '' && from.at !== 'outside') return impossible('there is no address that could be tried: give one');
  const target = arrival ?? stoppedAt(context, hostId, address, transport.port);
  const [fromNetns, toNetns] = [from, target.place].map((place) => namespaceOf(context, hostId, place));
  return {
    fromNetns: fromNetns ?? '',
    impossible: whyNot(from, transport.protocol, target.place, fromNetns !== undefined && toNetns !== undefined),
    address,
    port: transport.port,
    toNetns: toNetns ?? '',
    toAddress: parseAddress(target.address) === undefined ? '' : target.address,
    toPort: target.port,
  };
}

function whyNot(from: Place, protocol: Transport, to: Place, areThere: boolean): string {
  if (from.at === 'outside') return 'outside is another machine';
  if (protocol === 'sctp') return 'sctp is not tried';
  if (to.at === 'outside') return 'it is for another machine, where nothing can be set up';
  return areThere ? '' : 'the namespace of a sandbox is not there yet';
}

/** Who would be reached if nothing stopped it. */
function stoppedAt(context: Context, hostId: string, address: string, port: number) {
  const addresses = readHost(context.ledger.view, hostId)?.facts?.addresses;
  const ground = new Ground(context.planner.table(hostId).objects(), addresses);
  const holder = ground.holder(address);
  const place: Place =
    holder !== undefined
      ? { at: 'sandbox', id: holder.sandboxId }
      : { at: ground.isLocal(address) ? 'host' : 'outside' };
  return { place, address, port };
}
