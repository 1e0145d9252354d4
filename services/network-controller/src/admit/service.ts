// Whether a service may be: beside what else is on its network, and with the sandboxes that it names. Pure.
import { type FaultError, fault, isFault, joinFaults, Reason } from '@weft/fault';
import { type Network, Phase, type Sandbox, type Service, type ServiceSpec } from '@weft/proto/model';
import { isReady } from '../state/reading.ts';
import type { View } from '../state/view.ts';
import { findSandbox, short } from './lookup.ts';
import { checkPorts } from './ports.ts';
import { checkSpec, withDefaults } from './service-spec.ts';

/** The most services of one network. */
const maxServices = 1_000;

/** The spec as it is stored: defaults filled in, and ids in full. @throws the fault that refuses it */
export function admitService(view: View, network: Network, asked: ServiceSpec): ServiceSpec {
  const { desired } = network;
  if (network.spec?.configOnly || desired === undefined || desired.predefined || desired.pools.length === 0) {
    const because = `network ${network.spec?.name} has no names: give a network of your own with addresses`;
    throw fault(Reason.NETWORK_MODE, because, { field: 'network' });
  }
  const spec = withDefaults(asked);
  const faults = [...checkSpec(spec), ...checkPorts(network, spec.ports, [], 'spec.ports')];
  if (faults.length > 0) throw joinFaults('invalid service', faults);
  if (view.servicesOfNetwork.ids(network.id).size >= maxServices) {
    const because = `network ${network.spec?.name} has ${maxServices} services, the most that it takes`;
    throw fault(Reason.REQUEST_TOO_LARGE, because, { field: 'network' });
  }
  const resolved = admitBackends(view, network, spec);
  admitServiceNames(view, network, { id: '', spec });
  return resolved;
}

/** @throws NAME_TAKEN if another service, or an endpoint, has one of the names */
export function admitServiceNames(view: View, network: Network, service: Pick<Service, 'id' | 'spec'>): void {
  const taken = service.spec && takenName(view, network, service.id, service.spec);
  if (taken !== undefined) throw taken;
}

/** The spec of a service that is there, changed. @throws the fault that refuses it */
export function admitChanged(view: View, network: Network, spec: ServiceSpec, isKnown: (ref: string) => boolean) {
  const faults = checkSpec(spec);
  if (faults.length > 0) throw joinFaults(`service ${spec.name} cannot be changed`, faults);
  return admitBackends(view, network, spec, isKnown);
}

/** Backends are kept by name, or by full id. @param isKnown was there before: nobody need be there any more */
function admitBackends(
  view: View,
  network: Network,
  spec: ServiceSpec,
  isKnown: (ref: string) => boolean = () => false,
): ServiceSpec {
  const faults: FaultError[] = [];
  const seen = new Map<string, string>();
  const read = (ref: string, field: string): string => {
    if (isKnown(ref)) return ref;
    const found = readBackend(view, network, ref, field);
    if (typeof found === 'string') return found;
    faults.push(found);
    return ref;
  };
  const backends = spec.backends.map((one, at) => {
    const field = `spec.backends[${at}].sandbox`;
    const sandbox = read(one.sandbox, field);
    const key = idOf(view, sandbox);
    const twin = seen.get(key);
    if (twin !== undefined) {
      const because = `backend ${one.sandbox} is given twice, also as ${twin}; leave one out`;
      faults.push(fault(Reason.CONFLICTING_FIELDS, because, { field }));
    }
    seen.set(key, one.sandbox);
    return { sandbox, weight: one.weight };
  });
  const draining = [...new Set(spec.draining.map((ref, at) => read(ref, `spec.draining[${at}]`)))];
  if (faults.length > 0) throw joinFaults('invalid service', faults);
  return { ...spec, backends, draining };
}

/** The id of who has the name now, or the text itself. */
function idOf(view: View, ref: string): string {
  return [...view.sandboxesNamed(ref)].find((id) => isReady(view.sandboxes.get(id)?.value)) ?? ref;
}

/** A name, or a full id for what was found by an id. */
function readBackend(view: View, network: Network, ref: string, field: string): string | FaultError {
  let sandbox: Sandbox;
  try {
    sandbox = findSandbox(view, ref, field);
  } catch (error) {
    if (isFault(error)) return error;
    throw error;
  }
  const isOn = [...view.endpointsOfSandbox.ids(sandbox.id)].some((id) => {
    const endpoint = view.endpoints.get(id)?.value;
    return endpoint?.networkId === network.id && endpoint.desired?.phase === Phase.READY;
  });
  if (isOn) return sandbox.spec?.name === ref ? ref : sandbox.id;
  const because = `sandbox ${ref} is not on network ${network.spec?.name}: connect it first`;
  return fault(Reason.ENDPOINT_NOT_FOUND, because, { field, sandbox: ref });
}

/** Who in the network has a name, in lower case: a service, or an endpoint; `own` is no other. */
export function nameHolder(
  view: View,
  network: Network,
  name: string,
  own = '',
): { readonly id: string; readonly who: string } | undefined {
  const service = [...view.servicesNamed(network.id, name)].find(
    (id) => id !== own && isHolding(view.services.get(id)?.value),
  );
  if (service !== undefined) return { id: service, who: `service ${short(service)}` };
  for (const id of view.endpointsOfNetwork.ids(network.id))
    if (namesOfEndpoint(view, id).some((one) => one.toLowerCase() === name))
      return { id, who: `an endpoint (${short(id)})` };
  return undefined;
}

/** One of the names is another service's, an endpoint's, or a record's. */
function takenName(view: View, network: Network, own: string, { name, aliases }: ServiceSpec): FaultError | undefined {
  const where = `in network ${network.spec?.name}`;
  for (const text of [name, ...aliases]) {
    const key = text.toLowerCase();
    const [record] = [...view.recordsNamed(network.id, text), ...view.recordsNamed(network.id, `tasks.${text}`)];
    const holder =
      nameHolder(view, network, key, own) ??
      (record === undefined ? undefined : { id: record, who: `record ${short(record)}` });
    if (holder === undefined) continue;
    const because = `the name ${text} is already in use ${where} by ${holder.who}`;
    const field = key === name.toLowerCase() ? 'spec.name' : 'spec.aliases';
    return fault(Reason.NAME_TAKEN, because, { field, holder: holder.id });
  }
  return undefined;
}

const isHolding = (one: { desired?: { phase: Phase } | undefined } | undefined) =>
  one !== undefined && one.desired?.phase !== Phase.DELETING;

/** What an endpoint is called. */
function namesOfEndpoint(view: View, id: string): string[] {
  const endpoint = view.endpoints.get(id)?.value;
  if (!isHolding(endpoint)) return [];
  const sandbox = view.sandboxes.get(endpoint?.desired?.sandboxId ?? '')?.value.spec;
  const { name = '', aliases = [] } = endpoint?.spec ?? {};
  const id12 = short(endpoint?.desired?.sandboxId ?? '');
  return [name, ...aliases, sandbox?.name ?? '', sandbox?.hostname ?? '', id12].filter((one) => one !== '');
}

/** @throws NAME_TAKEN if a service of the network has one of the names that an endpoint is to have */
export function admitEndpointNames(view: View, network: Network, names: readonly string[]): void {
  for (const name of names) {
    const holder = [...view.servicesNamed(network.id, name)].find((id) => isHolding(view.services.get(id)?.value));
    if (name === '' || holder === undefined) continue;
    const because = `the name ${name} is already in use in network ${network.spec?.name} by service ${short(holder)}`;
    throw fault(Reason.NAME_TAKEN, because, { field: 'spec.name', holder });
  }
}
