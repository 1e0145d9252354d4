// Which hosts may know something of a network: those its endpoints are on, or were on and have yet to be forgotten. Endpoints that are
// being removed count: whoever was told of others beside them is in here until it has forgotten them too.
import type { Endpoint } from '@weft/proto/model';
import type { Indexing } from './table.ts';

export class NetworkHosts implements Indexing<Endpoint> {
  /** How many endpoints, by network, then by host. */
  readonly #counts = new Map<string, Map<string, number>>();

  of(networkId: string): string[] {
    return [...(this.#counts.get(networkId)?.keys() ?? [])];
  }

  change(_id: string, before: Endpoint | undefined, after: Endpoint | undefined): void {
    for (const hostId of hostsOf(after)) this.#add(after?.networkId ?? '', hostId, 1);
    for (const hostId of hostsOf(before)) this.#add(before?.networkId ?? '', hostId, -1);
  }

  #add(networkId: string, hostId: string, by: number): void {
    const hosts = this.#counts.get(networkId) ?? new Map<string, number>();
    const left = (hosts.get(hostId) ?? 0) + by;
    if (left > 0) hosts.set(hostId, left);
    else hosts.delete(hostId);
    if (hosts.size > 0) this.#counts.set(networkId, hosts);
    else this.#counts.delete(networkId);
  }
}

const hostsOf = (one: Endpoint | undefined): ReadonlySet<string> => {
  const { hostId = '', knownBy = [] } = one?.desired ?? {};
  return new Set(hostId === '' ? knownBy : [hostId, ...knownBy]);
};
