// Records as the outside sees them: with revision and status filled in, and only those that are ready.
import {
  type Endpoint,
  EndpointStatus,
  type Host,
  HostState,
  type Network,
  Phase,
  type Sandbox,
  SandboxStatus,
  type Service,
} from '@weft/proto/model';
import { standingsOf } from './standing.ts';
import type { View } from './view.ts';

export function readNetwork(view: View, id: string): Network | undefined {
  const row = view.networks.get(id);
  return row && { ...row.value, revision: row.revision };
}

export function readEndpoint(view: View, id: string): Endpoint | undefined {
  const row = view.endpoints.get(id);
  if (row === undefined) return undefined;
  const status = view.endpointStatuses.get(id)?.value;
  const hostLost = isLost(view, row.value.desired?.hostId);
  return {
    ...row.value,
    revision: row.revision,
    status: hostLost ? EndpointStatus.fromPartial({ ...status, hostLost }) : status,
  };
}

export function readSandbox(view: View, id: string): Sandbox | undefined {
  const row = view.sandboxes.get(id);
  if (row === undefined) return undefined;
  const shared = row.value.desired?.sharedWithId || id;
  const status = view.sandboxStatuses.get(shared)?.value;
  const hostLost = isLost(view, row.value.desired?.hostId);
  return {
    ...row.value,
    revision: row.revision,
    status: hostLost ? SandboxStatus.fromPartial({ ...status, hostLost }) : status,
  };
}

const isLost = (view: View, hostId: string | undefined): boolean =>
  view.hosts.get(hostId ?? '')?.value.state === HostState.LOST;

/** With its backends as they are; why a host could not take it is not known here. */
export function readService(view: View, id: string): Service | undefined {
  const row = view.services.get(id);
  if (row === undefined) return undefined;
  const backends = standingsOf(view, row.value).map(({ endpoint, sandbox, weight, state, because }) => ({
    sandboxId: sandbox.id,
    name: sandbox.spec?.name ?? '',
    endpointId: endpoint.id,
    addresses: addressesOf(endpoint),
    weight,
    state,
    because,
  }));
  return { ...row.value, revision: row.revision, status: { backends, fault: undefined } };
}

/** Without their lengths. */
export const addressesOf = ({ desired }: Pick<Endpoint, 'desired'>): string[] =>
  (desired?.addresses ?? []).map(({ cidr }) => cidr.split('/', 1)[0] ?? '');

export function readHost(view: View, id: string): Host | undefined {
  const row = view.hosts.get(id);
  return row && { ...row.value, revision: row.revision };
}

export function isReady(record: { desired?: { phase: Phase } | undefined } | undefined): boolean {
  return record?.desired?.phase === Phase.READY;
}

/** Ready networks, by name. */
export function readyNetworks(view: View): Network[] {
  return ready(view.networks.ids(), (id) => readNetwork(view, id)).sort((a, b) => compare(a.spec?.name, b.spec?.name));
}

/** Ready services of these ids, by name. */
export function readyServices(view: View, ids: Iterable<string>): Service[] {
  return ready(ids, (id) => readService(view, id)).sort((a, b) => compare(a.spec?.name, b.spec?.name));
}

/** Ready sandboxes, by name. */
export function readySandboxes(view: View): Sandbox[] {
  return ready(view.sandboxes.ids(), (id) => readSandbox(view, id)).sort((a, b) => compare(a.spec?.name, b.spec?.name));
}

/** Ready endpoints of these ids, oldest first. */
export function readyEndpoints(view: View, ids: Iterable<string>): Endpoint[] {
  return ready(ids, (id) => readEndpoint(view, id)).sort(
    (a, b) => Number(a.created ?? 0) - Number(b.created ?? 0) || compare(a.id, b.id),
  );
}

function ready<T extends { desired?: { phase: Phase } | undefined }>(
  ids: Iterable<string>,
  read: (id: string) => T | undefined,
): T[] {
  return [...ids].map(read).filter((one): one is T => one !== undefined && isReady(one));
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
