// Whom things are told to. A network of one host each is told to every host; one that is over all hosts to those with endpoints of
// it, its members; names to members; a sandbox to its host. Reads what is there and decides nothing else.
import { type Endpoint, Host, type Network, type Service } from '@weft/proto/model';
import { isGlobal } from '../state/reach.ts';
import type { View } from '../state/view.ts';
import type { Members } from './members.ts';

export class Audience {
  readonly #view: View;
  readonly #members: Members;
  /** Hosts that are told anything at all. */
  readonly #known: { has(hostId: string): boolean; keys(): Iterable<string> };
  /** Members by network, while nothing changes. */
  #still: Map<string, ReadonlySet<string>> | undefined;

  constructor(view: View, members: Members, known: { has(hostId: string): boolean; keys(): Iterable<string> }) {
    this.#view = view;
    this.#members = members;
    this.#known = known;
  }

  /** Does something at once in which no host and no member comes or goes: all that are told the same get one set. */
  still<T>(work: () => T): T {
    this.#still = new Map();
    try {
      return work();
    } finally {
      this.#still = undefined;
    }
  }

  isMember(networkId: string, hostId: string): boolean {
    return this.#members.has(networkId, hostId);
  }

  /** Hosts with an endpoint of the network. */
  members(networkId: string): ReadonlySet<string> {
    const known = this.#still?.get(networkId);
    if (known !== undefined) return known;
    const members = this.#only(this.#members.of(networkId));
    this.#still?.set(networkId, members);
    return members;
  }

  ofNetwork(network: Network): ReadonlySet<string> {
    return isGlobal(network) ? this.members(network.id) : new Set(this.#known.keys());
  }

  /** The endpoint's own host, and, of a network over all hosts, its other members. */
  ofEndpoint(network: Network, { desired }: Endpoint): ReadonlySet<string> {
    const own = desired?.hostId ?? '';
    const members = isGlobal(network) ? this.members(network.id) : this.#only([own]);
    return members.has(own) ? members : this.#only([own, ...members]);
  }

  /** Members, and hosts that hold its ports. */
  ofService({ networkId, desired }: Service): ReadonlySet<string> {
    return this.#only([...this.#members.of(networkId), ...(desired?.hostIds ?? [])]);
  }

  ofSandbox(hostId: string): ReadonlySet<string> {
    return this.#only([hostId]);
  }

  /** The host as it is known now. */
  host(id: string): Host {
    return this.#view.hosts.get(id)?.value ?? Host.fromPartial({ id });
  }

  #only(hosts: Iterable<string>): Set<string> {
    return new Set([...hosts].filter((id) => this.#known.has(id)));
  }
}
