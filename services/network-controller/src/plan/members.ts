// Which hosts have endpoints of a network: those are told of it. Follows the planner's endpoints.

interface Place {
  readonly networkId: string;
  readonly hostId: string;
}

export class Members {
  readonly #places = new Map<string, Place>();
  /** How many endpoints, by network, then by host. */
  readonly #counts = new Map<string, Map<string, number>>();
  /** By host. */
  readonly #networks = new Map<string, Set<string>>();

  /** Whether the host has an endpoint of the network. */
  has(networkId: string, hostId: string): boolean {
    return this.#counts.get(networkId)?.has(hostId) ?? false;
  }

  /** Hosts with an endpoint of the network. */
  of(networkId: string): Iterable<string> {
    return this.#counts.get(networkId)?.keys() ?? [];
  }

  /** Networks that the host has an endpoint of. */
  networksOf(hostId: string): Iterable<string> {
    return this.#networks.get(hostId) ?? [];
  }

  /** Sets where an endpoint is, undefined for nowhere; returns the networks that have other hosts now. */
  set(endpointId: string, place: Place | undefined): string[] {
    const before = this.#places.get(endpointId);
    if (before?.networkId === place?.networkId && before?.hostId === place?.hostId) return [];
    const changed: string[] = [];
    if (place === undefined) this.#places.delete(endpointId);
    else {
      this.#places.set(endpointId, place);
      if (this.#add(place, 1)) changed.push(place.networkId);
    }
    if (before !== undefined && this.#add(before, -1)) changed.push(before.networkId);
    return changed;
  }

  #note(networkId: string, hostId: string, isMember: boolean): void {
    const networks = this.#networks.get(hostId) ?? new Set<string>();
    if (isMember) networks.add(networkId);
    else networks.delete(networkId);
    if (networks.size > 0) this.#networks.set(hostId, networks);
    else this.#networks.delete(hostId);
  }

  /** Whether the host is the network's for the first time, or no more. */
  #add({ networkId, hostId }: Place, by: number): boolean {
    const hosts = this.#counts.get(networkId) ?? new Map<string, number>();
    const count = hosts.get(hostId) ?? 0;
    const left = count + by;
    if (left > 0) hosts.set(hostId, left);
    else hosts.delete(hostId);
    if (hosts.size > 0) this.#counts.set(networkId, hosts);
    else this.#counts.delete(networkId);
    if (count === 0 || left === 0) this.#note(networkId, hostId, left > 0);
    return count === 0 || left === 0;
  }
}
