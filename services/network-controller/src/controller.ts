// The network-controller put together: store, view, planner, actions, and the services at its edge. What flows in:
// requests and reports; what flows out: records, objects for agents, events. It owns intent, nothing else.
import { randomBytes } from 'node:crypto';
import { connectPublisher, type Publisher } from '@weft/events';
import { isFault, Reason } from '@weft/fault';
import { type Log, type NatsAccess, version } from '@weft/process';
import { AgentServiceDefinition, type AgentServiceImplementation } from '@weft/proto/agent';
import {
  ClusterServiceDefinition,
  type ClusterServiceImplementation,
  EndpointServiceDefinition,
  type EndpointServiceImplementation,
  NetworkServiceDefinition,
  type NetworkServiceImplementation,
  RecordServiceDefinition,
  type RecordServiceImplementation,
  SandboxServiceDefinition,
  type SandboxServiceImplementation,
  ServiceServiceDefinition,
  type ServiceServiceImplementation,
  SystemServiceDefinition,
  type SystemServiceImplementation,
} from '@weft/proto/controller';
import type { DiscoveryServiceClient } from '@weft/proto/discovery';
import type { DriverServiceClient } from '@weft/proto/driver';
import type { IpamServiceClient } from '@weft/proto/ipam';
import { type Serving, serving } from '@weft/rpc';
import type { Revision, Store } from '@weft/store';
import type { Context } from './act/context.ts';
import { createEndpointActions } from './act/endpoint.ts';
import { createFinisher } from './act/finish.ts';
import { createNetworkActions } from './act/network.ts';
import { createPortDesk } from './act/port-desk.ts';
import { createPredefined } from './act/predefined.ts';
import { createHostRemoval } from './act/remove-host.ts';
import { createRequests } from './act/requests.ts';
import { createSandboxActions } from './act/sandbox.ts';
import { createTakeOver } from './act/take-over.ts';
import { createAgents } from './edge/agents.ts';
import { clusterService } from './edge/cluster.ts';
import { endpointService } from './edge/endpoints.ts';
import { networkService } from './edge/networks.ts';
import { recordService } from './edge/records.ts';
import { sandboxService } from './edge/sandboxes.ts';
import { serviceService } from './edge/services.ts';
import { readEvents, systemService } from './edge/system.ts';
import { openRevocations } from './identity/revocations.ts';
import { type ControllerIdentity, openControllerIdentity } from './identity/server-identity.ts';
import { ensureAuthority, readAuthority } from './identity/stored-authority.ts';
import { createTokens } from './identity/tokens.ts';
import { observeController } from './observed.ts';
import { openDrivers } from './plan/drivers.ts';
import { Planner } from './plan/planner.ts';
import { Progress } from './plan/progress.ts';
import { watchHosts } from './replicas/hosts.ts';
import { openRegistry } from './replicas/registry.ts';
import { startShare } from './replicas/share.ts';
import { openLedger } from './state/ledger.ts';
import { tracedLedger } from './state/traced-ledger.ts';

export interface ControllerOptions {
  readonly store: Store;
  readonly ipam: IpamServiceClient;
  readonly drivers: readonly DriverServiceClient[];
  readonly discovery: DiscoveryServiceClient;
  readonly log: Log;
  /** The interface of the predefined network `bridge`. */
  readonly defaultBridge: string;
  /** Where events are published; absent publishes nowhere and loses none for later. */
  readonly nats?: NatsAccess | undefined;
  /** Where agents and clients reach this controller: others name it to theirs. Absent: it does not say. */
  readonly address?: string | undefined;
  /** How long certificates live, in ms; absent: 30 days. */
  readonly certificateMs?: number | undefined;
  /** The time, for stamps and outcomes; absent: the machine's. */
  readonly now?: (() => Date) | undefined;
  /** How long an agent may be away before its host counts as lost, in ms. */
  readonly graceMs?: number | undefined;
}

/** How long an agent may be away before its host counts as lost, in ms, if nothing else is said. */
const defaultGraceMs = 5_000;

export interface Controller {
  readonly agents: AgentServiceImplementation;
  readonly networks: NetworkServiceImplementation;
  readonly endpoints: EndpointServiceImplementation;
  readonly sandboxes: SandboxServiceImplementation;
  readonly records: RecordServiceImplementation;
  readonly balancing: ServiceServiceImplementation;
  readonly system: SystemServiceImplementation;
  readonly cluster: ClusterServiceImplementation;
  /** What it serves other machines with. Makes the cluster's CA if there is none. */
  identity(): Promise<ControllerIdentity>;
  /** All of these, to be served. */
  readonly services: readonly Serving[];
  /** To be called once it is served: only then it begins to plan. Agents, and whoever waits for hosts, hear nothing before. */
  begin(): void;
  /** Resolves when the predefined networks are there; they wait for the first host. */
  readonly predefined: Promise<void>;
  stop(): Promise<void>;
}

/** How often old outcomes are swept, in ms. */
const sweepMs = 10 * 60_000;

/** @throws what opening the store's view or asking the drivers throws; nothing is left running then */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const { log, ipam, discovery, now = () => new Date(), graceMs = defaultGraceMs, address = '' } = options;
  const stopping = new AbortController();
  const drivers = await openDrivers(options.drivers);
  const ledger = tracedLedger(await openLedger(options.store, () => now().getTime()));
  const planner = new Planner(ledger.view, { drivers, discovery }, log);
  for (const id of ledger.view.hosts.ids()) planner.table(id);
  const progress = new Progress();
  const registration = { ledger, id: randomBytes(16).toString('hex'), address, started: now(), log };
  const registry = await openRegistry(registration);
  const context: Context = {
    ledger,
    planner,
    progress,
    registry,
    share: startShare(ledger.view, registry, progress, planner),
    drivers,
    discovery,
    ports: createPortDesk(),
    ipam,
    log,
    now,
    newId: () => randomBytes(32).toString('hex'),
    stopping: stopping.signal,
  };
  const unobserve = observeController(context);
  const finisher = createFinisher(context);
  const removal = createHostRemoval(context, finisher);
  const takeOver = createTakeOver(context, finisher, removal);
  await takeOver.run();

  const requests = createRequests(context, takeOver.run);
  const hosts = watchHosts(context, graceMs);
  const networkActions = createNetworkActions(context, finisher);
  const agents = createAgents(context);
  let publisher: Publisher | undefined;
  if (options.nats !== undefined) {
    const events = (after: bigint | undefined, signal: AbortSignal) =>
      readEvents(context, after as Revision | undefined, signal);
    publisher = await connectPublisher(options.nats, options.store.id, log, events, {
      turn: { isPublisher: registry.isOldest, onChange: registry.onReplicas },
      revision: () => options.store.revision(),
    });
  }
  const sweeping = setInterval(() => {
    if (!registry.isOldest()) return;
    requests.sweep().catch((error: unknown) => log.warn({ err: error }, 'cannot sweep old outcomes'));
  }, sweepMs).unref();

  const networks = networkService(context, networkActions, requests);
  const endpoints = endpointService(context, createEndpointActions(context, finisher), requests);
  const sandboxes = sandboxService(context, createSandboxActions(context, finisher), requests);
  const records = recordService(context, requests);
  const balancing = serviceService(context, finisher, requests);
  let identity: ControllerIdentity | undefined;
  const clock = {
    now: () => context.now().getTime(),
    ...(options.certificateMs === undefined ? {} : { leafMs: options.certificateMs }),
  };
  const revocations = await openRevocations(options.store, log);
  const cluster = clusterService({
    ledger,
    tokens: createTokens(ledger, context.now),
    revocations,
    authority: async () => identity?.authority ?? (await readAuthority(ledger, clock)),
    addresses: () => ledger.view.replicas.addresses(),
  });
  const system = systemService(
    context,
    requests,
    removal,
    version,
    () => publisher?.state() ?? 'off',
    () => identity?.guard.refused,
  );
  const predefined = createPredefined(context, networkActions, options.defaultBridge);
  predefined.catch((error: unknown) => {
    if (!stopping.signal.aborted && !isFault(error, Reason.CANCELLED))
      log.error({ err: error }, 'cannot make the predefined networks');
  });

  return {
    agents: agents.service,
    networks,
    endpoints,
    sandboxes,
    records,
    balancing,
    system,
    cluster,
    async identity() {
      identity ??= await openControllerIdentity(await ensureAuthority(ledger, clock), revocations, clock.now, log);
      return identity;
    },
    services: [
      serving(NetworkServiceDefinition, networks),
      serving(EndpointServiceDefinition, endpoints),
      serving(SandboxServiceDefinition, sandboxes),
      serving(RecordServiceDefinition, records),
      serving(ServiceServiceDefinition, balancing),
      serving(SystemServiceDefinition, system),
      serving(ClusterServiceDefinition, cluster),
      serving(AgentServiceDefinition, agents.service),
    ],
    begin: () => planner.begin(),
    predefined,
    async stop() {
      clearInterval(sweeping);
      unobserve();
      stopping.abort();
      // AT ONCE: that agents leave now is no news of their hosts.
      const goodbye = registry.close();
      agents.close();
      hosts.close();
      takeOver.close();
      context.share.close();
      planner.close();
      await publisher?.close();
      await goodbye;
      identity?.close();
      await revocations.close();
      await ledger.close();
    },
  };
}
