// Whose backends are whose: derived from records, never stored. A sandbox is a service's backend when the service names
// it, or its labels have all that the selector asks for, and it has joined the service's network.
import { type Endpoint, Phase, type Sandbox, type Service, type ServiceSpec } from '@weft/proto/model';
import type { Index, Table } from './table.ts';

/** The label of a sandbox that says its weight as a backend that a selector found. */
const weightLabel = 'weft.weight';
export const maxWeight = 100;

/** The label by which services with a selector are found; undefined without one. */
export function firstLabel(selector: Readonly<Record<string, string>>): string | undefined {
  const [key] = Object.keys(selector).sort();
  return key === undefined ? undefined : `${key}=${selector[key]}`;
}

/** Whether a reference in a spec, a name or a full id, means the sandbox. */
export const isMeant = (ref: string, sandbox: Sandbox) => ref === sandbox.id || ref === sandbox.spec?.name;

/** The weight a sandbox has as a backend of the service; undefined if it is none. */
export function weightOf({ backends, selector }: ServiceSpec, sandbox: Sandbox): number | undefined {
  const named = backends.find((one) => isMeant(one.sandbox, sandbox));
  if (named !== undefined) return named.weight || 1;
  const wanted = Object.entries(selector);
  const labels = sandbox.spec?.labels ?? {};
  if (wanted.length === 0 || !wanted.every(([key, value]) => labels[key] === value)) return undefined;
  const weight = Number(labels[weightLabel] ?? '1');
  return Number.isInteger(weight) && weight >= 1 && weight <= maxWeight ? weight : 1;
}

const isThere = (one: { desired?: { phase: Phase } | undefined }) => one.desired?.phase === Phase.READY;

/** The part of the view that this reads. */
export interface Places {
  readonly endpoints: Table<Endpoint>;
  readonly sandboxes: Table<Sandbox>;
  readonly services: Table<Service>;
  readonly endpointsOfNetwork: Index<Endpoint>;
  readonly endpointsOfSandbox: Index<Endpoint>;
  sandboxesNamed(name: string): ReadonlySet<string>;
  /** Services of the network that may have the sandbox as a backend. */
  servicesFor(networkId: string, sandbox: Sandbox): ReadonlySet<string>;
}

/** An endpoint that can be a backend: joined, and all it hangs on is ready. */
interface Candidate {
  readonly endpoint: Endpoint;
  readonly sandbox: Sandbox;
}

function candidateOf(view: Places, endpointId: string): Candidate | undefined {
  const endpoint = view.endpoints.get(endpointId)?.value;
  const sandbox = view.sandboxes.get(endpoint?.desired?.sandboxId ?? '')?.value;
  return endpoint !== undefined && sandbox !== undefined && isThere(endpoint) && isThere(sandbox)
    ? { endpoint, sandbox }
    : undefined;
}

/** Weights by endpoint, for each service; follows the view, and costs as much as what changes. */
export class Backends {
  readonly #view: Places;
  readonly #weights = new Map<string, Map<string, number>>();
  readonly #services = new Map<string, Set<string>>();

  constructor(view: Places) {
    this.#view = view;
  }

  /** Weights of the service's backends, by endpoint. */
  of(serviceId: string): ReadonlyMap<string, number> {
    return this.#weights.get(serviceId) ?? new Map();
  }

  /** Services of which an endpoint is a backend. */
  servicesOf(endpointId: string): ReadonlySet<string> {
    return this.#services.get(endpointId) ?? new Set();
  }

  /** Looks at a service anew. */
  followService(id: string): void {
    const service = this.#view.services.get(id)?.value;
    for (const endpointId of this.of(id).keys()) this.#forget(id, endpointId);
    this.#weights.delete(id);
    if (service === undefined || !isThere(service)) return;
    for (const endpointId of this.#possible(service)) this.#note(service, endpointId);
  }

  /** Looks at an endpoint anew; returns the services it is or was a backend of. */
  followEndpoint(id: string): ReadonlySet<string> {
    const concerned = new Set(this.servicesOf(id));
    for (const serviceId of concerned) this.#forget(serviceId, id);
    const candidate = candidateOf(this.#view, id);
    if (candidate === undefined) return concerned;
    for (const serviceId of this.#view.servicesFor(candidate.endpoint.networkId, candidate.sandbox)) {
      const service = this.#view.services.get(serviceId)?.value;
      if (service !== undefined && isThere(service) && this.#note(service, id)) concerned.add(serviceId);
    }
    return concerned;
  }

  *#possible({ networkId, spec }: Service): Generator<string> {
    if (Object.keys(spec?.selector ?? {}).length > 0) {
      yield* this.#view.endpointsOfNetwork.ids(networkId);
      return;
    }
    for (const { sandbox } of spec?.backends ?? [])
      for (const sandboxId of [sandbox, ...this.#view.sandboxesNamed(sandbox)])
        for (const id of this.#view.endpointsOfSandbox.ids(sandboxId))
          if (this.#view.endpoints.get(id)?.value.networkId === networkId) yield id;
  }

  #note({ id, spec }: Service, endpointId: string): boolean {
    const candidate = candidateOf(this.#view, endpointId);
    const weight = candidate && spec && weightOf(spec, candidate.sandbox);
    if (weight === undefined) return false;
    const weights = this.#weights.get(id) ?? new Map<string, number>();
    this.#weights.set(id, weights.set(endpointId, weight));
    const services = this.#services.get(endpointId) ?? new Set<string>();
    this.#services.set(endpointId, services.add(id));
    return true;
  }

  #forget(serviceId: string, endpointId: string): void {
    const weights = this.#weights.get(serviceId);
    weights?.delete(endpointId);
    if (weights?.size === 0) this.#weights.delete(serviceId);
    const services = this.#services.get(endpointId);
    services?.delete(serviceId);
    if (services?.size === 0) this.#services.delete(endpointId);
  }
}
