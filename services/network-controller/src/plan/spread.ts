// What a change reaches: from what changed to all that must be compiled anew. Reads the view, and waits for nothing.
import type { View } from '../state/view.ts';
import { joinedOf } from './compile.ts';
import type { Dirty } from './dirty.ts';
import type { Members } from './members.ts';
import type { Publications } from './publications.ts';

export interface Ground {
  readonly view: View;
  readonly members: Members;
  /** The sandboxes that endpoints were last compiled for. */
  readonly sandboxOf: ReadonlyMap<string, string>;
  readonly publications: Publications;
  /** Whether the host has been told nothing yet. */
  readonly isNew: (hostId: string) => boolean;
}

export class Spread {
  readonly #ground: Ground;
  /** Whom hosts ask for names, by host: as it was told. */
  readonly #resolvers = new Map<string, string>();

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
        for (const other of view.endpointsOfNetwork.ids(networkId)) dirty.endpoints.add(other);
      }
    }
  }

  /** A host that is new to the planner needs everything; one whose facts changed its sandboxes' files, and its gateways' servers. */
  #host(hostId: string, dirty: Dirty): void {
    const { view, members, publications } = this.#ground;
    const isNew = this.#ground.isNew(hostId);
    const resolvers = view.hosts.get(hostId)?.value.facts?.resolvers.join() ?? '';
    const asksOthers = this.#resolvers.get(hostId) !== resolvers;
    this.#resolvers.set(hostId, resolvers);
    for (const id of view.networks.ids()) if (isNew || (asksOthers && members.has(id, hostId))) dirty.networks.add(id);
    for (const { value } of view.sandboxes.values()) {
      if (value.desired?.hostId !== hostId) continue;
      dirty.sandboxes.add(value.id);
      if (isNew) publications.forget(value.id);
    }
    if (!isNew) return;
    for (const { value } of view.endpoints.values())
      if (value.desired?.hostId === hostId || members.has(value.networkId, hostId)) dirty.endpoints.add(value.id);
  }
}
