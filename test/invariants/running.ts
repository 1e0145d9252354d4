// Facts of a running system, from its public API and its agents' watch. Everything is read between two looks at the
// revision that say the same, so that the facts are of one moment.
import { isFault } from '@weft/fault';
import {
  EndpointServiceDefinition,
  NetworkServiceDefinition,
  SandboxServiceDefinition,
  ServiceServiceDefinition,
  SystemServiceDefinition,
} from '@weft/proto/controller';
import type { Event } from '@weft/proto/event';
import { type Channel, clientOf } from '@weft/rpc';
import { Reason } from '../lib/proto.ts';
import type { Facts } from './facts.ts';
import type { HostFollower } from './host-follower.ts';

function clients(channel: Channel) {
  return {
    networks: clientOf(NetworkServiceDefinition, channel),
    endpoints: clientOf(EndpointServiceDefinition, channel),
    sandboxes: clientOf(SandboxServiceDefinition, channel),
    services: clientOf(ServiceServiceDefinition, channel),
    system: clientOf(SystemServiceDefinition, channel),
  };
}
type Api = ReturnType<typeof clients>;

/** The store's revision and id now. */
export async function position(channel: Channel): Promise<{ storeId: string; revision: bigint }> {
  return await clientOf(SystemServiceDefinition, channel).getStatus({});
}

/** Undefined when something changed meanwhile. `hostName` empty: the only host. */
export async function gatherRunning(
  channel: Channel,
  hostName: string,
  follower: HostFollower,
  log: ReadLog,
): Promise<Facts | undefined> {
  const api = clients(channel);
  const before = await api.system.getStatus({});
  const { networks } = await api.networks.listNetworks({});
  const { endpoints } = await api.endpoints.listEndpoints({});
  const { sandboxes } = await api.sandboxes.listSandboxes({});
  const { services } = await api.services.listServices({});
  const host = before.hosts.find((one) => hostName === '' || one.name === hostName);
  if (host === undefined) throw new Error(`no host ${hostName}`);
  const waiting: { networkId: string; cidr: string }[] = [];
  for (const { id } of networks) {
    const { waitingAddresses } = await api.networks.getNetwork({ network: id });
    for (const cidr of waitingAddresses) waiting.push({ networkId: id, cidr });
  }
  const { wanted, wantedRevision } = await follower.stateOf(host.id);
  await readOn(api, before.revision, log);
  const { events, isLogWhole } = log;
  const synced = await watched(api);
  const after = await api.system.getStatus({});
  if (after.revision !== before.revision) return undefined;
  return {
    mode: 'running',
    storeId: after.storeId,
    revision: after.revision,
    networks,
    endpoints,
    services,
    sandboxes: sandboxes.map((one) => one.sandbox).filter((one) => one !== undefined),
    hosts: after.hosts,
    pools: after.pools,
    waiting,
    wanted,
    wantedRevision,
    failing: new Set(
      wanted
        .map(({ key }) => key)
        .filter((key) => after.failures.some((text) => text.startsWith(`${host.name} ${key}: `))),
    ),
    synced,
    events,
    isLogWhole,
    stored: undefined,
  };
}

/** The log as far as it was read: it may be so long that something always changes while it is read from its beginning. */
export interface ReadLog {
  readonly events: Event[];
  isLogWhole: boolean;
  until: bigint;
}

export const unreadLog = (): ReadLog => ({ events: [], isLogWhole: true, until: 0n });

/** Reads the log up to a revision, from its beginning or from as far back as it reaches. */
async function readOn(api: Api, untilRevision: bigint, log: ReadLog): Promise<void> {
  const read = async (from: { sinceRevision: bigint } | { sinceTime: Date }) => {
    for await (const { event } of api.system.events({ ...from, untilRevision }))
      if (event !== undefined) log.events.push(event);
  };
  try {
    await read({ sinceRevision: log.until });
  } catch (error) {
    if (!isFault(error, Reason.GAP)) throw error;
    log.isLogWhole = false;
    log.events.length = 0;
    await read({ sinceTime: new Date(0) });
  }
  log.until = untilRevision;
}

async function watched(api: Api): Promise<bigint[]> {
  for await (const { step } of api.system.watch({})) if (step?.$case === 'synced') return [step.value.revision];
  return [];
}
