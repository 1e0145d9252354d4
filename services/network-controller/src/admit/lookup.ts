// Finding what a user means: a full id, then a name, then a prefix of an id; an ambiguous prefix is refused. Pure.
import { type FaultError, fault, isFault, Reason } from '@weft/fault';
import type { Endpoint, Host, Network, Record as NetworkRecord, Sandbox, Service } from '@weft/proto/model';
import { isReady, readEndpoint, readHost, readNetwork, readSandbox, readService } from '../state/reading.ts';
import type { View } from '../state/view.ts';

/** Whether the text is a full id. */
export const isFullId = (text: string) => /^[0-9a-f]{64}$/.test(text);
/** How an id is shown in sentences. */
export const short = (id: string) => id.slice(0, 12);

/** @throws NETWORK_NOT_FOUND, AMBIGUOUS, MISSING_FIELD */
export function findNetwork(view: View, text: string, field = 'network'): Network {
  const id = find(
    text,
    field,
    'network',
    view.networks.get(text),
    view.networksNamed(text),
    view.networks.ids(),
    (one) => isReady(view.networks.get(one)?.value),
  );
  const found = id === undefined ? undefined : readNetwork(view, id);
  if (found === undefined) throw fault(Reason.NETWORK_NOT_FOUND, `network ${text} not found`, { field, network: text });
  return found;
}

/** @throws SANDBOX_NOT_FOUND, AMBIGUOUS, MISSING_FIELD */
export function findSandbox(view: View, text: string, field = 'sandbox'): Sandbox {
  const id = find(
    text,
    field,
    'sandbox',
    view.sandboxes.get(text),
    view.sandboxesNamed(text),
    view.sandboxes.ids(),
    (one) => isReady(view.sandboxes.get(one)?.value),
  );
  const found = id === undefined ? undefined : readSandbox(view, id);
  if (found === undefined) throw fault(Reason.SANDBOX_NOT_FOUND, `no such sandbox: ${text}`, { field, sandbox: text });
  return found;
}

/** Endpoints have no name of their own across networks: an id or a prefix of one. */
export function findEndpoint(view: View, text: string, field = 'endpoint'): Endpoint {
  const id = find(text, field, 'endpoint', view.endpoints.get(text), new Set(), view.endpoints.ids(), (one) =>
    isReady(view.endpoints.get(one)?.value),
  );
  const found = id === undefined ? undefined : readEndpoint(view, id);
  if (found === undefined)
    throw fault(Reason.ENDPOINT_NOT_FOUND, `no such endpoint: ${text}`, { field, endpoint: text });
  return found;
}

/** Records have no name of their own: an id or a prefix of one. @throws RECORD_NOT_FOUND, AMBIGUOUS, MISSING_FIELD */
export function findRecord(view: View, text: string, field = 'record'): NetworkRecord {
  const id = find(text, field, 'record', view.records.get(text), new Set(), view.records.ids(), (one) =>
    isReady(view.networks.get(view.records.get(one)?.value.networkId ?? '')?.value),
  );
  const found = id === undefined ? undefined : view.records.get(id)?.value;
  if (found === undefined) throw fault(Reason.RECORD_NOT_FOUND, `no such record: ${text}`, { field, record: text });
  return found;
}

/**
 * Services have names within their networks. @param network the network's reference; empty means any
 * @throws SERVICE_NOT_FOUND, NETWORK_NOT_FOUND, AMBIGUOUS, MISSING_FIELD
 */
export function findService(view: View, text: string, network: string, field = 'service'): Service {
  const networks = network === '' ? [...view.networks.ids()] : [findNetwork(view, network).id];
  const isOn = (id: string) => networks.includes(view.services.get(id)?.value.networkId ?? '');
  const isNamed = (id: string) => view.services.get(id)?.value.spec?.name.toLowerCase() === text.toLowerCase();
  const named = networks.flatMap((one) => [...view.servicesNamed(one, text)].filter(isNamed));
  const isThere = (one: string) => isOn(one) && isReady(view.services.get(one)?.value);
  if (named.filter(isThere).length > 1) {
    const because = `service ${text} is ambiguous: ${named.length} networks have one; name the network (--network) too`;
    throw fault(Reason.AMBIGUOUS, because, { field: 'network', matches: String(named.length) });
  }
  const id = find(text, field, 'service', view.services.get(text), new Set(named), view.services.ids(), isThere);
  const found = id === undefined ? undefined : readService(view, id);
  if (found === undefined) throw fault(Reason.SERVICE_NOT_FOUND, `no such service: ${text}`, { field, service: text });
  return found;
}

/** The host of this id or name; without a text the only one there is. */
export function findHost(view: View, text: string, field: string): Host {
  const hosts = [...view.hosts.values()].map(({ value }) => value);
  if (text === '') {
    const [only, second] = hosts;
    if (only === undefined) throw fault(Reason.HOST_UNAVAILABLE, 'no host has joined yet', { field });
    if (second === undefined) return only;
    throw fault(Reason.MISSING_FIELD, `${field} is missing, and there are ${hosts.length} hosts`, { field });
  }
  const named = hosts.find((host) => host.id === text || host.name === text);
  const found = named && readHost(view, named.id);
  if (found === undefined) throw fault(Reason.HOST_NOT_FOUND, `no such host: ${text}`, { field, host: text });
  return found;
}

function find(
  text: string,
  field: string,
  kind: string,
  exact: unknown,
  named: ReadonlySet<string>,
  ids: Iterable<string>,
  visible: (id: string) => boolean,
): string | undefined {
  if (text === '') throw fault(Reason.MISSING_FIELD, `${field} is missing`, { field });
  if (exact !== undefined && visible(text)) return text;
  const byName = [...named].filter(visible);
  if (byName.length > 1) throw ambiguous(kind, text, field, byName.length, 'name');
  if (byName[0] !== undefined) return byName[0];
  if (!/^[0-9a-f]{1,63}$/.test(text)) return undefined;
  const byPrefix = [...ids].filter((id) => id.startsWith(text) && visible(id));
  if (byPrefix.length > 1) throw ambiguous(kind, text, field, byPrefix.length, 'ID prefix');
  return byPrefix[0];
}

function ambiguous(kind: string, text: string, field: string, count: number, by: string): FaultError {
  return fault(Reason.AMBIGUOUS, `${kind} ${text} is ambiguous (${count} matches found based on ${by})`, {
    field,
    matches: String(count),
  });
}

/** What `find` finds; undefined for a full id that is already gone. */
export function orGone<T>(ref: string, find: () => T): T | undefined {
  try {
    return find();
  } catch (error) {
    if (isFullId(ref) && isFault(error, ...notFound)) return undefined;
    throw error;
  }
}

const notFound = [
  Reason.ENDPOINT_NOT_FOUND,
  Reason.SANDBOX_NOT_FOUND,
  Reason.NETWORK_NOT_FOUND,
  Reason.RECORD_NOT_FOUND,
  Reason.SERVICE_NOT_FOUND,
] as const;
