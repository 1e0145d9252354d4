// Endpoints: CNM's four verbs, and connect and disconnect made of them.
import { type FaultError, fault, fromMessage, isFault, joinFaults, Reason } from '@weft/fault';
import type { Endpoint, EndpointSpec, Sandbox } from '@weft/proto/model';
import type { Op, Revision } from '@weft/store';
import { admitAttachments } from '../admit/endpoint.ts';
import { findEndpoint, findNetwork, findSandbox, orGone } from '../admit/lookup.ts';
import { openPortBook } from '../admit/port-book.ts';
import { admitEndpointNames } from '../admit/service.ts';
import { itemOf } from '../plan/items.ts';
import { prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { readEndpoint, readNetwork, readyEndpoints } from '../state/reading.ts';
import { attach, joinedTo, servicesFence, takenInterfaceNames } from './attach.ts';
import { bequeath, heirOf } from './bequeath.ts';
import { assertCallerThere, type Context, patience, type Waiting, whenForgotten } from './context.ts';
import { crashPoint } from './crash-point.ts';
import { type Finisher, foundOps, withdrawalOps } from './finish.ts';
import type { Extra, Made } from './network.ts';
import { fenceOf, publishAll, publishedOps, verdictOn, whenPublished } from './ports.ts';
import { untilGone } from './until-gone.ts';

export interface EndpointActions {
  create(network: string, spec: EndpointSpec, waiting: Waiting, extra: Extra<Endpoint>): Promise<Made<Endpoint>>;
  connect(
    network: string,
    sandbox: string,
    spec: EndpointSpec,
    waiting: Waiting,
    extra: Extra<Endpoint>,
  ): Promise<Made<Endpoint>>;
  join(endpoint: string, sandbox: string, waiting: Waiting, extra: Extra<Endpoint>): Promise<Made<Endpoint>>;
  leave(endpoint: string, waiting: Waiting, extra: Extra<Endpoint>): Promise<Made<Endpoint>>;
  delete(endpoint: string, waiting: Waiting, extra: Extra<string>): Promise<Made<string>>;
  disconnect(
    network: string,
    sandbox: string,
    force: boolean,
    waiting: Waiting,
    extra: Extra<string>,
  ): Promise<Made<string>>;
}

export function createEndpointActions(context: Context, finisher: Finisher): EndpointActions {
  const { view } = context.ledger;

  /** Withdraws an endpoint and waits for its end as long as the caller does. */
  async function withdraw(
    find: () => Endpoint | undefined,
    waiting: Waiting,
    extra: Extra<string>,
    absent: string,
    heir?: (endpoint: Endpoint) => Endpoint | undefined,
  ): Promise<Made<string>> {
    assertCallerThere(waiting);
    const { id, revision, hostIds } = await untilCommitted(async () => {
      const endpoint = find();
      if (endpoint === undefined) return { id: absent, revision: view.revision, hostIds: [] };
      const committed = await commitWithdrawal(context, endpoint, extra.done(endpoint.id), heir?.(endpoint));
      const { hostId = '', knownBy = [] } = endpoint.desired ?? {};
      return { id: endpoint.id, revision: committed, hostIds: [hostId, ...knownBy] };
    });
    crashPoint('after-withdrawal');
    const gone = await untilGone(context, finisher.endpointHere(id), waiting, { revision, hostIds });
    return { value: id, revision, ...gone };
  }

  /** Waits for the host; takes the endpoint back if its first apply fails for good. */
  async function applied(
    endpoint: Endpoint,
    committed: Revision,
    waiting: Waiting,
    extra: Extra<Endpoint>,
  ): Promise<Made<Endpoint>> {
    const { id } = endpoint;
    const outcome = await published(endpoint, committed, waiting, extra);
    if (outcome.failure !== undefined) {
      await takeBack(context, finisher, id, extra.failed(outcome.failure));
      throw outcome.failure;
    }
    return { ...outcome, value: readEndpoint(view, id) ?? endpoint };
  }

  async function published(endpoint: Endpoint, revision: Revision, waiting: Waiting, extra: Extra<Endpoint>) {
    const { id, desired } = endpoint;
    const publishing = [{ endpointId: id, ports: desired?.ports ?? [] }];
    const done = ([one]: readonly Endpoint[]) => (one === undefined ? [] : extra.done(one));
    const items = [itemOf.endpoint(id)];
    return await whenPublished(context, desired?.hostId ?? '', revision, items, publishing, waiting, done);
  }

  return {
    async create(networkRef, spec, waiting, extra) {
      const plan = () => ({
        sandbox: undefined,
        created: false,
        attachments: [{ network: findNetwork(view, networkRef), spec }],
      });
      const { endpoints, revision } = await attach(context, waiting, plan, (_sandbox, [one]) =>
        one === undefined ? [] : extra.done(one),
      );
      return {
        value: readEndpoint(view, endpoints[0]?.id ?? '') ?? (endpoints[0] as Endpoint),
        revision,
        applied: true,
      };
    },

    async connect(networkRef, sandboxRef, spec, waiting, extra) {
      const plan = () => ({
        sandbox: findSandbox(view, sandboxRef),
        created: false,
        attachments: [{ network: findNetwork(view, networkRef), spec }],
      });
      const { endpoints, revision } = await attach(context, waiting, plan, (_sandbox, [one]) =>
        one === undefined ? [] : extra.done(one),
      );
      return await applied(endpoints[0] as Endpoint, revision, waiting, extra);
    },

    async join(endpointRef, sandboxRef, waiting, extra) {
      assertCallerThere(waiting);
      const known = findEndpoint(view, endpointRef);
      const knownBy = known.desired?.knownBy ?? [];
      if (!(await whenForgotten(context, knownBy, known.revision, patience(context, waiting)))) {
        throw fault(Reason.HOST_UNAVAILABLE, `endpoint ${known.spec?.name} is still known by the host it left`, {
          host: knownBy[0] ?? '',
        });
      }
      const joining = () => untilCommitted(() => commitJoin(context, endpointRef, sandboxRef, extra));
      const hostId = known.spec?.ports.length ? findSandbox(view, sandboxRef).desired?.hostId : '';
      const { endpoint, revision } = await (hostId ? context.ports.inTurn(hostId, joining) : joining());
      const outcome = await published(endpoint, revision, waiting, extra);
      if (outcome.failure !== undefined) {
        await untilCommitted(() => commitLeave(context, endpoint.id, extra.failed(outcome.failure as FaultError)));
        await finisher.left(endpoint.id);
        throw outcome.failure;
      }
      return {
        ...outcome,
        value: readEndpoint(view, endpoint.id) ?? endpoint,
      };
    },

    async leave(endpointRef, waiting, extra) {
      assertCallerThere(waiting);
      const endpoint = findEndpoint(view, endpointRef);
      const revision = await untilCommitted(async () => {
        const current = findEndpoint(view, endpointRef);
        if (current.desired?.sandboxId === '') {
          throw fault(Reason.NOT_JOINED, `endpoint ${current.spec?.name} has not joined a sandbox`, {
            endpoint: current.id,
          });
        }
        return await commitLeave(context, current.id, extra.done(current));
      });
      const host = { revision, hostIds: [endpoint.desired?.hostId ?? ''] };
      const gone = await untilGone(context, finisher.left(endpoint.id), waiting, host);
      return { value: readEndpoint(view, endpoint.id) ?? endpoint, revision, ...gone };
    },

    async delete(endpointRef, waiting, extra) {
      const find = () => {
        const endpoint = orGone(endpointRef, () => findEndpoint(view, endpointRef));
        if (endpoint !== undefined && endpoint.desired?.sandboxId !== '') {
          throw fault(Reason.ALREADY_JOINED, `endpoint ${endpoint.spec?.name} is in a sandbox`, {
            endpoint: endpoint.id,
          });
        }
        return endpoint;
      };
      return await withdraw(find, waiting, extra, endpointRef);
    },

    async disconnect(networkRef, sandboxRef, _force, waiting, extra) {
      const find = () => {
        const network = findNetwork(view, networkRef);
        const endpoint = endpointOf(context, network.id, sandboxRef);
        if (endpoint === undefined) {
          throw fault(
            Reason.ENDPOINT_NOT_FOUND,
            `sandbox ${sandboxRef} is not connected to network ${network.spec?.name}`,
            {
              network: network.id,
              sandbox: sandboxRef,
            },
          );
        }
        if (network.desired?.driver === 'host') {
          throw fault(Reason.NETWORK_MODE, 'cannot disconnect sandbox from host network - remove the sandbox instead', {
            network: 'host',
          });
        }
        return endpoint;
      };
      return await withdraw(find, waiting, extra, '', (endpoint) => heirOf(view, endpoint));
    },
  };
}

/** The endpoint of a sandbox (by any reference) or of this name in a network. */
function endpointOf(context: Context, networkId: string, ref: string): Endpoint | undefined {
  const { view } = context.ledger;
  const endpoints = readyEndpoints(view, view.endpointsOfNetwork.ids(networkId));
  let sandbox: Sandbox | undefined;
  try {
    sandbox = findSandbox(view, ref);
  } catch (error) {
    if (!isFault(error, Reason.SANDBOX_NOT_FOUND)) throw error;
  }
  return (
    endpoints.find((one) => one.desired?.sandboxId === sandbox?.id && sandbox !== undefined) ??
    endpoints.find((one) => one.spec?.name === ref)
  );
}

async function commitJoin(
  context: Context,
  endpointRef: string,
  sandboxRef: string,
  extra: Extra<Endpoint>,
): Promise<{ endpoint: Endpoint; revision: Revision }> {
  const { view } = context.ledger;
  const known = findEndpoint(view, endpointRef);
  const network = readNetwork(view, known.networkId);
  if (network === undefined) throw fault(Reason.NETWORK_NOT_FOUND, `network ${known.networkId} not found`);
  const verdict = await verdictOn(context, network, known);
  if (verdict.faults.length > 0) throw joinFaults('invalid endpoint', verdict.faults.map(fromMessage));

  // From here on without a pause: everything is decided from one state of the view.
  const current = findEndpoint(view, endpointRef);
  const sandbox = findSandbox(view, sandboxRef);
  if (current.desired?.sandboxId !== '') {
    throw fault(Reason.ALREADY_JOINED, `endpoint ${current.spec?.name} has already joined a sandbox`, {
      endpoint: current.id,
    });
  }
  const driver = context.drivers.describe(network.desired?.driver ?? '');
  admitAttachments(view, sandbox, [{ network, driver }], false);
  admitEndpointNames(view, network, [sandbox.spec?.name ?? '', sandbox.spec?.hostname ?? '']);
  const hostId = sandbox.desired?.hostId ?? '';
  const book = openPortBook(view, [hostId], context.ports.cursor, new Set(current.desired.ports));
  const taken = takenInterfaceNames(context, sandbox.id);
  const [ports] = publishAll(book, [{ endpoint: current, verdict }]);
  const next = joinedTo(context, current, { network, verdict }, sandbox, taken, ports ?? []);
  const links = `${prefix.sandboxLinks}${sandbox.id}`;
  const fence = fenceOf(view, book);
  const revision = await context.ledger.commit(
    [
      { key: `${prefix.endpoint}${current.id}`, modRevision: known.revision as Revision },
      { key: `${prefix.network}${network.id}`, modRevision: network.revision as Revision },
      { key: `${prefix.sandbox}${sandbox.id}`, modRevision: sandbox.revision as Revision },
      { key: links, modRevision: view.marks.get(links) ?? 0n },
      servicesFence(view, network.id),
      ...fence.compares,
    ],
    [
      ...view.portLists.puts(next),
      { put: links, value: new Uint8Array() },
      ...fence.ops,
      ...publishedOps([next]),
      ...extra.done(next),
    ],
  );
  return { endpoint: next, revision };
}

async function commitLeave(context: Context, id: string, ops: readonly Op[]): Promise<Revision> {
  const row = context.ledger.view.endpoints.get(id);
  if (row?.value.desired === undefined) throw fault(Reason.ENDPOINT_NOT_FOUND, `no such endpoint: ${id}`);
  const { desired } = row.value;
  const left = {
    ...desired,
    sandboxId: '',
    hostId: '',
    interfaceName: '',
    replica: context.registry.id,
    knownBy: [...new Set([...desired.knownBy, desired.hostId])],
  };
  return await context.ledger.commit(
    [{ key: `${prefix.endpoint}${id}`, modRevision: row.revision }],
    [
      ...context.ledger.view.portLists.puts({ ...row.value, desired: left }),
      { delete: `${prefix.endpointStatus}${id}` },
      ...foundOps(context.ledger.view, id),
      ...ops,
    ],
  );
}

/** @param heir takes over the ports of the endpoint; without one they are given up */
async function commitWithdrawal(
  context: Context,
  endpoint: Endpoint,
  ops: readonly Op[],
  heir?: Endpoint,
): Promise<Revision> {
  const { view } = context.ledger;
  const [goes, ...stays] = heir === undefined ? [endpoint] : bequeath(endpoint, heir);
  return await context.ledger.commit(
    [endpoint, ...(heir === undefined ? [] : [heir])].map((one) => ({
      key: `${prefix.endpoint}${one.id}`,
      modRevision: one.revision as Revision,
    })),
    [
      ...withdrawalOps(view, goes, context.registry.id),
      ...stays.flatMap((one) => view.portLists.puts(one)),
      ...publishedOps(stays),
      ...ops,
    ],
  );
}

/** Takes back an accepted endpoint whose first apply failed. */
async function takeBack(context: Context, finisher: Finisher, id: string, ops: readonly Op[]): Promise<void> {
  const endpoint = readEndpoint(context.ledger.view, id);
  if (endpoint !== undefined)
    await untilCommitted(() => commitWithdrawal(context, readEndpoint(context.ledger.view, id) ?? endpoint, ops));
  await finisher.endpointHere(id);
}
