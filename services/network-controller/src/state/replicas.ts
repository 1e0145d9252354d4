// Which controllers run, which hosts' agents are connected to them, and how far those hosts say they are: read from keys that live
// as long as their replica's lease. One without a lease is nobody's word: a store that was moved, or a lease that is gone.
import type { StoredProgress, StoredReplica } from '@weft/proto/controller';
import type { StoreEvent } from '@weft/store';
import { codecs } from './records.ts';

export interface KnownReplica extends StoredReplica {
  /** The revision it registered at: what is older and younger is read from this, never from a clock. */
  readonly since: bigint;
}

export class Replicas {
  readonly #known = new Map<string, KnownReplica>();
  /** Ids of replicas by host. */
  readonly #alive = new Map<string, Set<string>>();
  /** By host, then by replica. */
  readonly #seen = new Map<string, Map<string, StoredProgress>>();

  /** Whether the replica runs, as far as its lease tells. */
  has(id: string): boolean {
    return this.#known.has(id);
  }

  get size(): number {
    return this.#known.size;
  }

  /** Oldest first. */
  all(): KnownReplica[] {
    return [...this.#known.values()].sort((a, b) => Number(a.since - b.since));
  }

  /** Where they are, in a fixed order; those that do not say are left out. */
  addresses(): string[] {
    return [...new Set([...this.#known.values()].map(({ address }) => address).filter((one) => one !== ''))].sort();
  }

  /** Whether a host's agent is connected to any of them. */
  isAlive(hostId: string): boolean {
    return this.#alive.has(hostId);
  }

  /** The replicas that a host's agent is connected to. */
  placesOf(hostId: string): ReadonlySet<string> {
    return this.#alive.get(hostId) ?? none;
  }

  /** How many hosts' agents are connected to a replica. */
  hostsOf(replicaId: string): number {
    return [...this.#alive.values()].filter((ids) => ids.has(replicaId)).length;
  }

  /** What a host said, by the replica it said it to. */
  progressOf(hostId: string): ReadonlyMap<string, StoredProgress> {
    return this.#seen.get(hostId) ?? noProgress;
  }

  /** Whether a replica came or went. */
  apply(kind: 'replica' | 'alive' | 'seen', rest: string, event: StoreEvent): boolean {
    const put = event.type === 'put' && event.leaseId !== undefined && event.leaseId !== 0n ? event : undefined;
    if (kind === 'replica') {
      const wasThere = this.#known.has(rest);
      if (put === undefined) this.#known.delete(rest);
      else this.#known.set(rest, { ...codecs.replica.decode(put.value), since: put.createRevision });
      return wasThere !== this.#known.has(rest);
    }
    const [hostId, replicaId] = hostAndReplica(rest);
    if (kind === 'seen') {
      const progress = this.#seen.get(hostId) ?? new Map<string, StoredProgress>();
      if (put === undefined) progress.delete(replicaId);
      else progress.set(replicaId, codecs.seen.decode(put.value));
      if (progress.size > 0) this.#seen.set(hostId, progress);
      else this.#seen.delete(hostId);
      return false;
    }
    const places = this.#alive.get(hostId) ?? new Set<string>();
    if (put === undefined) places.delete(replicaId);
    else places.add(replicaId);
    if (places.size > 0) this.#alive.set(hostId, places);
    else this.#alive.delete(hostId);
    return false;
  }
}
const none: ReadonlySet<string> = new Set();
const noProgress: ReadonlyMap<string, StoredProgress> = new Map();

/** What follows the prefix of `alive/` and `seen/`. */
export function hostAndReplica(rest: string): [hostId: string, replicaId: string] {
  const at = rest.indexOf('/');
  return [rest.slice(0, at), rest.slice(at + 1)];
}
