// Making endpoints: record first, leases second, the commit third. One request may make several, and the sandbox they
// join, all or nothing.
import { macOf, parseCidr } from '@weft/address';
import { fault, fromMessage, isFault, joinFaults, Reason } from '@weft/fault';
import type { ValidateEndpointResponse } from '@weft/proto/driver';
import type { LeaseItem } from '@weft/proto/ipam';
import {
  type Endpoint,
  EndpointSpec,
  Family,
  HostState,
  type Network,
  Phase,
  type PublishedPort,
  type Sandbox,
} from '@weft/proto/model';
import type { Compare, Op, Revision } from '@weft/store';
import { traced } from '@weft/telemetry';
import { admitAttachments, admitEndpoint, admitMacOption, type Wanted } from '../admit/endpoint.ts';
import { chooseInterfaceName } from '../admit/interface-name.ts';
import { openPortBook, type PortBook } from '../admit/port-book.ts';
import { admitEndpointNames } from '../admit/service.ts';
import { endpointNameKey, prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { readNetwork } from '../state/reading.ts';
import { encodeSandbox } from '../state/records.ts';
import type { View } from '../state/view.ts';
import { assertCallerThere, type Context, type Waiting } from './context.ts';
import { crashPoint } from './crash-point.ts';
import { endpointOwner } from './owners.ts';
import { fenceOf, publishAll, publishedOps, verdictOn } from './ports.ts';
import { assertOurs, undoAttach } from './take-back.ts';
import { failSurely } from './until-answered.ts';

/** One network to attach to. */
export interface Attachment {
  readonly network: Network;
  readonly spec: EndpointSpec;
}

/** What an attachment is for, looked up in the view of the moment: it is asked again when another writer was faster. */
export interface Plan {
  /** The sandbox to join; undefined makes endpoints that have not joined one. */
  readonly sandbox: Sandbox | undefined;
  /** The sandbox is made by this request. */
  readonly created: boolean;
  readonly attachments: readonly Attachment[];
}

interface Draft {
  readonly endpoint: Endpoint;
  readonly network: Network;
  readonly items: readonly LeaseItem[];
  readonly verdict: ValidateEndpointResponse;
}

interface Recorded {
  readonly sandbox: Sandbox | undefined;
  readonly created: boolean;
  readonly drafts: readonly Draft[];
  /** The revision of the record transaction: what it put has this one. */
  readonly revision: Revision;
}

export interface Attached {
  readonly sandbox: Sandbox | undefined;
  readonly endpoints: readonly Endpoint[];
  readonly revision: Revision;
}

export async function attach(
  context: Context,
  waiting: Waiting,
  decide: () => Plan,
  done: (sandbox: Sandbox | undefined, endpoints: readonly Endpoint[]) => Op[],
): Promise<Attached> {
  assertCallerThere(waiting);
  const recorded = await traced('admit', () => untilCommitted(() => record(context, decide())));
  crashPoint('after-record');
  try {
    const leased = await Promise.all(recorded.drafts.map((draft) => lease(context, draft)));
    crashPoint('after-lease');
    assertCallerThere(waiting);
    const committing = () => untilCommitted(() => commit(context, recorded, leased, done));
    const hostId = recorded.drafts.some((one) => one.verdict.ports.length > 0) && recorded.sandbox?.desired?.hostId;
    const attached = await (hostId ? context.ports.inTurn(hostId, committing) : committing());
    crashPoint('after-commit');
    return attached;
  } catch (error) {
    const { revision, sandbox } = recorded;
    const endpoints = recorded.drafts.map((draft) => ({ value: draft.endpoint, revision }));
    const made = recorded.created && sandbox !== undefined ? { value: sandbox, revision } : undefined;
    return await failSurely(context, error, () => undoAttach(context, made, endpoints));
  }
}

async function record(context: Context, plan: Plan): Promise<Recorded> {
  const { view } = context.ledger;
  const { sandbox, created } = plan;
  const wanted: Wanted[] = plan.attachments.map(({ network }) => ({
    network,
    driver: context.drivers.describe(network.desired?.driver ?? ''),
  }));
  if (sandbox !== undefined) admitAttachments(view, sandbox, wanted, created);
  const drafts: Draft[] = [];
  for (const [index, attachment] of plan.attachments.entries()) {
    const driver = wanted[index]?.driver ?? context.drivers.describe(attachment.network.desired?.driver ?? '');
    const admitted = admitEndpoint(view, attachment.network, attachment.spec, sandbox?.spec?.name ?? '', driver);
    const draft: Endpoint = {
      id: context.newId(),
      networkId: attachment.network.id,
      spec: EndpointSpec.fromPartial({ ...attachment.spec, name: admitted.name }),
      desired: {
        phase: Phase.ALLOCATING,
        addresses: [],
        macAddress: admitted.mac,
        sandboxId: '',
        hostId: '',
        interfaceName: '',
        knownBy: [],
        ports: [],
        replica: context.registry.id,
      },
      status: undefined,
      created: context.now(),
      revision: 0n,
    };
    const verdict = await verdictOn(context, attachment.network, draft);
    if (verdict.faults.length > 0) throw joinFaults('invalid endpoint', verdict.faults.map(fromMessage));
    const macAddress = admitMacOption(view, attachment.network, admitted.mac, verdict.macAddress, driver);
    const endpoint = draft.desired === undefined ? draft : { ...draft, desired: { ...draft.desired, macAddress } };
    drafts.push({ endpoint, network: attachment.network, items: admitted.items, verdict });
  }
  for (const { network, endpoint } of drafts) {
    const { name = '', hostname = '' } = sandbox?.spec ?? {};
    const names = [endpoint.spec?.name ?? '', ...(endpoint.spec?.aliases ?? []), name, hostname];
    admitEndpointNames(view, network, names);
  }
  const compares: Compare[] = drafts.map(({ network }) => servicesFence(view, network.id));
  const ops: Op[] = [];
  if (sandbox !== undefined && created) {
    compares.push({ key: `${prefix.sandboxName}${sandbox.spec?.name}`, modRevision: 0n });
    ops.push({ put: `${prefix.sandbox}${sandbox.id}`, value: encodeSandbox(sandbox) });
    ops.push({ put: `${prefix.sandboxName}${sandbox.spec?.name}`, value: Buffer.from(sandbox.id) });
  } else if (sandbox !== undefined) {
    compares.push({ key: `${prefix.sandbox}${sandbox.id}`, modRevision: sandbox.revision as Revision });
  }
  for (const { endpoint, network } of drafts) {
    const name = endpointNameKey(network.id, endpoint.spec?.name ?? '');
    compares.push(
      { key: `${prefix.network}${network.id}`, modRevision: network.revision as Revision },
      { key: name, modRevision: 0n },
    );
    ops.push(
      ...view.portLists.puts(endpoint),
      { put: name, value: Buffer.from(endpoint.id) },
      { put: `${prefix.networkLinks}${network.id}`, value: new Uint8Array() },
    );
  }
  const revision = await context.ledger.commit(compares, ops);
  return { sandbox, created, drafts, revision };
}

/** Compared by who takes names that no service of the network has. */
export function servicesFence(view: View, networkId: string): Compare {
  const key = `${prefix.serviceLinks}${networkId}`;
  return { key, modRevision: view.marks.get(key) ?? 0n };
}

async function lease(context: Context, draft: Draft): Promise<Endpoint> {
  const { endpoint, items, network } = draft;
  const desired = endpoint.desired;
  if (desired === undefined || items.length === 0) return endpoint;
  try {
    const { leases } = await context.ipam.lease({ owner: endpointOwner(endpoint.id), items: [...items] });
    const addresses = leases.map(({ poolId, cidr }) => ({
      family: cidr.includes(':') ? Family.IPV6 : Family.IPV4,
      cidr,
      poolId,
    }));
    if (draft.verdict.withoutMac) return { ...endpoint, desired: { ...desired, addresses } };
    const first = addresses[0] === undefined ? undefined : parseCidr(addresses[0].cidr)?.address;
    const made = (first && macOf(first)) ?? `02:42:${endpoint.id.slice(0, 8).match(/../g)?.join(':')}`;
    return { ...endpoint, desired: { ...desired, addresses, macAddress: desired.macAddress || made } };
  } catch (error) {
    if (isFault(error, Reason.POOL_EXHAUSTED)) await noteExhausted(context, items, network);
    throw error;
  }
}

/** Puts a mark that the event `pool exhausted` is read from, unless it is there already. */
export async function noteExhausted(context: Context, items: readonly LeaseItem[], network: Network): Promise<void> {
  const pool = network.desired?.pools.find((one) => items.some((item) => item.poolId === one.poolId));
  const key = `${prefix.exhausted}${pool?.poolId}`;
  if (pool === undefined || context.ledger.view.marks.has(key)) return;
  await context.ledger.commit([], [{ put: key, value: new Uint8Array() }]);
}

/** THE commit: from here on the request is accepted. */
async function commit(
  context: Context,
  recorded: Recorded,
  leased: readonly Endpoint[],
  done: (sandbox: Sandbox | undefined, endpoints: readonly Endpoint[]) => Op[],
): Promise<Attached> {
  const { view } = context.ledger;
  const { created, revision: recordRevision } = recorded;
  const drafts = await Promise.all(recorded.drafts.map((draft) => upToDate(context, draft)));
  const before = recorded.sandbox;
  assertOurs(leased, recordRevision, (id) => view.endpoints.get(id)?.revision);
  if (created && before !== undefined) assertOurs([before], recordRevision, (id) => view.sandboxes.get(id)?.revision);
  if (before !== undefined && !created && view.sandboxes.get(before.id)?.revision !== before.revision) {
    throw fault(Reason.BEING_REMOVED, `sandbox ${before.spec?.name} is being removed`, { sandbox: before.id });
  }
  const sandbox =
    before?.desired === undefined || !created
      ? before
      : { ...before, desired: { ...before.desired, phase: Phase.READY, replica: '' } };
  const compares: Compare[] = [
    ...leased.map(({ id }) => ({ key: `${prefix.endpoint}${id}`, modRevision: recordRevision })),
    ...drafts.map(({ network }) => ({
      key: `${prefix.network}${network.id}`,
      modRevision: network.revision as Revision,
    })),
  ];
  const ops: Op[] = [];
  let endpoints = leased.map((endpoint) => ready(endpoint));
  if (sandbox !== undefined) {
    const links = `${prefix.sandboxLinks}${sandbox.id}`;
    compares.push({ key: links, modRevision: view.marks.get(links) ?? 0n });
    compares.push({
      key: `${prefix.sandbox}${sandbox.id}`,
      modRevision: created ? recordRevision : (sandbox.revision as Revision),
    });
    if (leased.length > 0) ops.push({ put: links, value: new Uint8Array() });
    if (created) {
      compares.push(standingHost(view, sandbox));
      ops.push({ put: `${prefix.sandbox}${sandbox.id}`, value: encodeSandbox(sandbox) });
    }
    const book = openPortBook(view, [sandbox.desired?.hostId ?? ''], context.ports.cursor);
    endpoints = joined(context, sandbox, leased, drafts, book);
    const fence = fenceOf(view, book);
    compares.push(...fence.compares);
    ops.push(...fence.ops, ...publishedOps(endpoints));
  }
  for (const endpoint of endpoints) ops.push(...view.portLists.puts(endpoint));
  const revision = await context.ledger.commit(compares, [...ops, ...done(sandbox, endpoints)]);
  return { sandbox, endpoints, revision };
}

/** Fences a new sandbox against the removal of its host. @throws HOST_UNAVAILABLE if that has begun */
function standingHost(view: View, { desired }: Sandbox): Compare {
  const hostId = desired?.hostId ?? '';
  const host = view.hosts.get(hostId);
  if (host === undefined || host.value.state === HostState.REMOVING) {
    const name = host?.value.name ?? hostId;
    throw fault(Reason.HOST_UNAVAILABLE, `host ${name} is being removed: name another host`, {
      field: 'host',
      host: name,
    });
  }
  return { key: `${prefix.host}${hostId}`, modRevision: host.revision };
}

/** The draft with the verdict on its network as it is now: that may have been changed since the record. */
async function upToDate(context: Context, draft: Draft): Promise<Draft> {
  const network = readNetwork(context.ledger.view, draft.network.id);
  if (network === undefined || network.revision === draft.network.revision) return draft;
  const verdict = await verdictOn(context, network, draft.endpoint);
  if (verdict.faults.length > 0) throw joinFaults('invalid endpoint', verdict.faults.map(fromMessage));
  return { ...draft, network, verdict };
}

function ready(endpoint: Endpoint): Endpoint {
  return endpoint.desired === undefined
    ? endpoint
    : { ...endpoint, desired: { ...endpoint.desired, phase: Phase.READY, replica: '' } };
}

function joined(
  context: Context,
  sandbox: Sandbox,
  leased: readonly Endpoint[],
  drafts: readonly Draft[],
  book: PortBook,
): Endpoint[] {
  const taken = takenInterfaceNames(context, sandbox.id);
  const ports = publishAll(book, drafts);
  return leased.flatMap((endpoint, index) => {
    const draft = drafts[index];
    return draft === undefined ? [] : [joinedTo(context, ready(endpoint), draft, sandbox, taken, ports[index] ?? [])];
  });
}

/** Names of the sandbox's interfaces: those of endpoints that are going count until their hosts have forgotten them. */
export function takenInterfaceNames(context: Context, sandboxId: string): Set<string> {
  const { view } = context.ledger;
  const names = [...view.endpointsOfSandbox.ids(sandboxId)].map(
    (id) => view.endpoints.get(id)?.value.desired?.interfaceName ?? '',
  );
  return new Set(names.filter((name) => name !== ''));
}

/** The endpoint as a member of the sandbox, with these ports; adds its interface's name to the taken ones. */
export function joinedTo(
  context: Context,
  endpoint: Endpoint,
  { network, verdict }: Pick<Draft, 'network' | 'verdict'>,
  sandbox: Sandbox,
  taken: Set<string>,
  ports: PublishedPort[],
): Endpoint {
  const description = context.drivers.describe(network.desired?.driver ?? '');
  const { desired } = endpoint;
  if (desired === undefined) return endpoint;
  let interfaceName = '';
  if (description.hasInterfaces) {
    interfaceName = chooseInterfaceName(taken, verdict.interfaceName, verdict.interfacePrefix || 'eth');
    taken.add(interfaceName);
  }
  const hostId = sandbox.desired?.hostId ?? '';
  return {
    ...endpoint,
    desired: { ...desired, sandboxId: sandbox.id, hostId, interfaceName, knownBy: [], ports, replica: '' },
  };
}
