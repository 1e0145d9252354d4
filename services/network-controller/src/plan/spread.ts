// What a change reaches: from what changed to all that must be compiled anew. Reads the view, and waits for nothing.
import { isGlobal } from '../state/reach.ts';
import type { View } from '../state/view.ts';
import { joinedOf } from './compile.ts';
import { addPlace, type Dirty } from './dirty.ts';
import type { Members } from './members.ts';
import type { Publications } from './publications.ts';

export interface Ground {
  readonly view: View;
  readonly members: Members;
  /** The sandboxes that endpoints were last compiled for. */
  readonly sandboxOf: ReadonlyMap<string, string>;
  readonly publications: Publications;
  /** Whether the host has been told nothing yet; asked once. */
  readonly isNew: (hostId: string) => boolean;
}

export class Spread {
  readonly #ground: Ground;
  /** What was made of hosts' facts, by host. */
  readonly #facts = new Map<string, string>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** Adds to what is dirty what depends on it. */
  over(dirty: Dirty): void {
    const { view, sandboxOf } = this.#ground;
    for (const id of dirty.networks)
      for (const endpoint of view.endpointsOfNetwork.ids(id)) dirty.endpoints.add(endpoint);
    for (const id of dirty.sandboxes)
      for (const endpoint of view.endpointsOfSandbox.ids(id)) dirty.endpoints.add(endpoint);
    for (const id of dirty.hosts) this.#host(id, dirty);
    this.#members(dirty);
    for (const id of dirty.endpoints) {
      const before = sandboxOf.get(id);
      if (before !== undefined) dirty.sandboxes.add(before);
      const now = view.endpoints.get(id)?.value.desired?.sandboxId;
      if (now) dirty.sandboxes.add(now);
    }
    for (const id of dirty.networks) {
      for (const record of view.recordsOfNetwork.ids(id)) dirty.records.add(record);
      for (const service of view.servicesOfNetwork.ids(id)) dirty.services.add(service);
    }
  }

  /** A host that is the first time, or no more, one of a network's is told all of its names, or to forget them. */
  #members(dirty: Dirty): void {
    const { view, members } = this.#ground;
    // What is added here on the way is where it was.
    for (const id of dirty.endpoints) {
      const endpoint = joinedOf(view, id)?.endpoint;
      const place = endpoint && { networkId: endpoint.networkId, hostId: endpoint.desired?.hostId ?? '' };
      for (const networkId of members.set(id, place)) {
        dirty.networks.add(networkId);
        // Of a network that ends with the host, others' endpoints are no matter of its.
        if (!isGlobal(view.networks.get(networkId)?.value)) continue;
        for (const other of view.endpointsOfNetwork.ids(networkId)) dirty.endpoints.add(other);
      }
    }
  }

  /** A host that is new to the planner needs everything that reaches it; one whose facts changed what was made of them. */
  #host(hostId: string, dirty: Dirty): void {
    const { view, members, publications } = this.#ground;
    const isNew = this.#ground.isNew(hostId);
    const facts = factsMark(view, hostId);
    const isOther = this.#facts.get(hostId) !== facts;
    if (!isNew && !isOther) return;
    this.#facts.set(hostId, facts);
    for (const id of view.sandboxesOfHost.ids(hostId)) {
      dirty.sandboxes.add(id);
      if (isNew) publications.forget(id);
      for (const endpoint of view.endpointsOfSandbox.ids(id)) dirty.endpoints.add(endpoint);
    }
    for (const id of members.networksOf(hostId)) {
      addPlace(dirty, id, hostId);
      if (!isNew) continue;
      for (const record of view.recordsOfNetwork.ids(id)) dirty.records.add(record);
      for (const service of view.servicesOfNetwork.ids(id)) dirty.services.add(service);
      if (isGlobal(view.networks.get(id)?.value))
        for (const endpoint of view.endpointsOfNetwork.ids(id)) dirty.endpoints.add(endpoint);
    }
    if (!isNew) return;
    for (const { value } of view.networks.values()) if (!isGlobal(value)) addPlace(dirty, value.id, hostId);
    for (const { value } of view.services.values())
      if (value.desired?.hostIds.includes(hostId)) dirty.services.add(value.id);
  }
}

/** What of a host's facts something is made of: its own addresses come and go, and are no such thing. */
function factsMark(view: View, hostId: string): string {
  const { facts } = view.hosts.get(hostId)?.value ?? {};
  if (facts === undefined) return '';
  const { resolvers, searchDomains, resolverOptions, underlayAddress, underlayMtu, tunnelKey } = facts;
  return JSON.stringify([resolvers, searchDomains, resolverOptions, underlayAddress, underlayMtu, tunnelKey]);
}
