// Services: create and remove. The record first, virtual addresses second, the commit with the host ports third.
import { asFault, fault, isFault, Reason } from '@weft/fault';
import {
  Family,
  type Network,
  Phase,
  type PublishedPort,
  type Service,
  ServiceMode,
  type ServiceSpec,
} from '@weft/proto/model';
import type { Op, Revision } from '@weft/store';
import { leaseItems } from '../admit/endpoint.ts';
import { findNetwork, findService, orGone } from '../admit/lookup.ts';
import { openPortBook } from '../admit/port-book.ts';
import { admitService, admitServiceNames } from '../admit/service.ts';
import { prefix, serviceNameKeys } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { readNetwork, readService } from '../state/reading.ts';
import { encodeService, type Stored } from '../state/records.ts';
import { noteExhausted } from './attach.ts';
import { allHosts, assertCallerThere, type Context, type Waiting } from './context.ts';
import { crashPoint } from './crash-point.ts';
import type { Finisher } from './finish.ts';
import type { Extra, Made } from './network.ts';
import { serviceOwner } from './owners.ts';
import { fenceOf } from './ports.ts';
import { planServicePorts, publishService, whenHeld } from './service-ports.ts';
import { assertOurs, unlessTaken } from './take-back.ts';
import { untilGone } from './until-gone.ts';

interface Draft {
  readonly network: Network;
  /** As it was recorded. */
  readonly service: Service;
  readonly revision: Revision;
}

/** @throws the fault that refuses it; a host's, when it does not take it: then it is gone again */
export async function createService(
  context: Context,
  finisher: Finisher,
  networkRef: string,
  spec: ServiceSpec,
  waiting: Waiting,
  extra: Extra<Service>,
): Promise<Made<Service>> {
  assertCallerThere(waiting);
  const { view } = context.ledger;
  const draft = await untilCommitted(() => record(context, networkRef, spec));
  const { id } = draft.service;
  crashPoint('after-record');
  let made: { service: Service; revision: Revision };
  try {
    // Endpoints that were added from here on have seen the record; those that were before are in the view by now.
    admitServiceNames(view, draft.network, draft.service);
    const leased = await lease(context, draft);
    crashPoint('after-lease');
    assertCallerThere(waiting);
    made = await publishing(context, draft.service, () => commit(context, draft, leased, extra));
  } catch (error) {
    await undoService(context, { value: draft.service, revision: draft.revision }).catch(async () => {
      // ipam is away: the name is free all the same, and the rest goes when it answers.
      await untilCommitted(() => withdraw(context, id, []));
      void finisher.service(id);
    });
    throw asFault(error);
  }
  crashPoint('after-commit');
  const outcome = await whenHeld(context, made.service, made.revision, waiting, extra.done);
  if (outcome.failure !== undefined) {
    const { failure } = outcome;
    await untilCommitted(() => withdraw(context, id, extra.failed(failure)));
    await finisher.service(id);
    throw failure;
  }
  return { ...outcome, value: readService(view, id) ?? made.service };
}

export async function removeService(
  context: Context,
  finisher: Finisher,
  ref: string,
  network: string,
  waiting: Waiting,
  extra: Extra<string>,
): Promise<Made<string>> {
  assertCallerThere(waiting);
  const { view } = context.ledger;
  const { id, revision } = await untilCommitted(async () => {
    const service = orGone(ref, () => findService(view, ref, network));
    if (service === undefined) return { id: ref, revision: view.revision };
    return { id: service.id, revision: await withdraw(context, service.id, extra.done(service.id)) };
  });
  crashPoint('after-withdrawal');
  const hostIds = view.services.get(id)?.value.desired?.knownBy ?? [];
  const gone = await untilGone(context, finisher.service(id), waiting, { revision, hostIds });
  return { value: id, revision, ...gone };
}

/** Waits its turn where host ports are given out. */
async function publishing<T>(context: Context, { spec }: Service, work: () => Promise<T>): Promise<T> {
  const [first] = allHosts(context);
  const committing = () => untilCommitted(work);
  return spec?.ports.length && first !== undefined ? await context.ports.inTurn(first, committing) : await committing();
}

async function record(context: Context, networkRef: string, asked: ServiceSpec): Promise<Draft> {
  const { view } = context.ledger;
  const network = findNetwork(view, networkRef);
  const spec = admitService(view, network, asked);
  const links = `${prefix.networkLinks}${network.id}`;
  const service: Service = {
    id: context.newId(),
    networkId: network.id,
    spec,
    desired: {
      phase: Phase.ALLOCATING,
      addresses: [],
      ports: [],
      hostIds: [],
      knownBy: [],
      replica: context.registry.id,
    },
    status: undefined,
    created: context.now(),
    revision: 0n,
  };
  await planServicePorts(context, network, service);
  const names = serviceNameKeys(service);
  const revision = await context.ledger.commit(
    [
      { key: `${prefix.network}${network.id}`, modRevision: network.revision as Revision },
      ...names.map((key) => ({ key, modRevision: 0n as const })),
    ],
    [
      { put: `${prefix.service}${service.id}`, value: encodeService(service) },
      ...names.map((key): Op => ({ put: key, value: Buffer.from(service.id) })),
      { put: links, value: new Uint8Array() },
      { put: `${prefix.serviceLinks}${network.id}`, value: new Uint8Array() },
    ],
  );
  return { network, service, revision };
}

/** The service with its virtual addresses, one for each family of the network. */
async function lease(context: Context, { network, service }: Draft): Promise<Service> {
  const { desired } = service;
  const items = service.spec?.mode === ServiceMode.VIP ? leaseItems(network.desired?.pools ?? [], '', '') : [];
  if (desired === undefined || items.length === 0) return service;
  try {
    const { leases } = await context.ipam.lease({ owner: serviceOwner(service.id), items });
    const addresses = leases.map(({ poolId, cidr }) => ({
      family: cidr.includes(':') ? Family.IPV6 : Family.IPV4,
      cidr,
      poolId,
    }));
    return { ...service, desired: { ...desired, addresses } };
  } catch (error) {
    if (isFault(error, Reason.POOL_EXHAUSTED)) await noteExhausted(context, items, network);
    throw error;
  }
}

/** THE commit: from here on the request is accepted. */
async function commit(context: Context, draft: Draft, leased: Service, extra: Extra<Service>) {
  const { view } = context.ledger;
  const { id, desired } = leased;
  const network = readNetwork(view, draft.network.id);
  if (network === undefined || desired === undefined) {
    throw fault(Reason.NETWORK_NOT_FOUND, `network ${draft.network.spec?.name} not found`, { field: 'network' });
  }
  assertOurs([leased], draft.revision, (one) => view.services.get(one)?.revision);
  const plans = await planServicePorts(context, network, leased);
  const hostIds = plans.length === 0 ? [] : allHosts(context);
  const book = openPortBook(view, hostIds, context.ports.cursor);
  const ports: PublishedPort[] = publishService(book, leased, plans);
  const service = { ...leased, desired: { ...desired, phase: Phase.READY, ports, hostIds, replica: '' } };
  const fence = fenceOf(view, book);
  const revision = await context.ledger.commit(
    [
      { key: `${prefix.service}${id}`, modRevision: draft.revision },
      { key: `${prefix.network}${network.id}`, modRevision: network.revision as Revision },
      ...fence.compares,
    ],
    [{ put: `${prefix.service}${id}`, value: encodeService(service) }, ...fence.ops, ...extra.done(service)],
  );
  return { service, revision };
}

/** Its last phase: names are free at once, addresses and host ports are not. Known where its ports are, and where its network has endpoints. */
async function withdraw(context: Context, id: string, ops: readonly Op[]): Promise<Revision> {
  const row = context.ledger.view.services.get(id);
  if (row?.value.desired === undefined) throw fault(Reason.SERVICE_NOT_FOUND, `no such service: ${id}`);
  const { hostIds } = row.value.desired;
  const knownBy = [...new Set([...hostIds, ...context.ledger.view.networkHosts.of(row.value.networkId)])];
  const desired = { ...row.value.desired, phase: Phase.DELETING, knownBy, replica: context.registry.id };
  const key = `${prefix.service}${id}`;
  return await context.ledger.commit(
    [{ key, modRevision: row.revision }],
    [
      { put: key, value: encodeService({ ...row.value, desired }) },
      ...serviceNameKeys(row.value).map((name): Op => ({ delete: name })),
      { deletePrefix: `${prefix.backendStatus}${id}/` },
      ...ops,
    ],
  );
}

/** Takes back a service that never became ready: its leases, THEN its record. */
export async function undoService(context: Context, { value: service, revision }: Stored<Service>): Promise<void> {
  await context.ipam.release({ owners: [serviceOwner(service.id)] });
  const key = `${prefix.service}${service.id}`;
  const names = serviceNameKeys(service).map((name): Op => ({ delete: name }));
  await unlessTaken(context, [{ key, modRevision: revision }], [{ delete: key }, ...names]);
}
