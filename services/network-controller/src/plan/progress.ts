// How far each host has come: the last revision it has seen, and the objects it could not apply. In memory: agents say
// it again when they come back.
import { type FaultError, fromMessage } from '@weft/fault';
import { parseKey, rankOf } from '@weft/hoststate';
import type { Fault } from '@weft/proto/fault';
import type { NamesCounters } from '@weft/proto/model';

interface HostProgress {
  seen: bigint;
  readonly failures: Map<string, Fault>;
  readonly waiting: Set<{ revision: bigint; resolve: () => void }>;
  names: NamesCounters | undefined;
}

export class Progress {
  readonly #hosts = new Map<string, HostProgress>();

  #of(hostId: string): HostProgress {
    const known = this.#hosts.get(hostId);
    if (known !== undefined) return known;
    const made: HostProgress = { seen: -1n, failures: new Map(), waiting: new Set(), names: undefined };
    this.#hosts.set(hostId, made);
    return made;
  }

  seen(hostId: string): bigint {
    return this.#of(hostId).seen;
  }

  fail(hostId: string, key: string, fault: Fault): void {
    this.#of(hostId).failures.set(key, fault);
  }

  recover(hostId: string, key: string): void {
    this.#of(hostId).failures.delete(key);
  }

  /** What the host's resolvers have done so far. */
  count(hostId: string, names: NamesCounters): void {
    this.#of(hostId).names = names;
  }

  /** What the resolvers of a host have done, as it was last said. */
  counted(hostId: string): NamesCounters | undefined {
    return this.#of(hostId).names;
  }

  /** The failures of these objects on a host, first what others fail for want of: a route says less than its interface. */
  failures(hostId: string, keys: Iterable<string>): FaultError[] {
    const { failures } = this.#of(hostId);
    const found: { rank: number; failure: Fault }[] = [];
    for (const key of keys) {
      const failure = failures.get(key);
      if (failure !== undefined) found.push({ rank: rankOf(parseKey(key).kind), failure });
    }
    return found.sort((a, b) => a.rank - b.rank).map(({ failure }) => fromMessage(failure));
  }

  /** All failures of a host, by key. */
  failing(hostId: string): ReadonlyMap<string, Fault> {
    return this.#of(hostId).failures;
  }

  /** All failures there are, as "host key text". */
  all(): { hostId: string; key: string; fault: Fault }[] {
    return [...this.#hosts].flatMap(([hostId, { failures }]) =>
      [...failures].map(([key, fault]) => ({ hostId, key, fault })),
    );
  }

  advance(hostId: string, revision: bigint): void {
    const host = this.#of(hostId);
    if (revision > host.seen) host.seen = revision;
    for (const waiter of host.waiting) {
      if (waiter.revision > host.seen) continue;
      host.waiting.delete(waiter);
      waiter.resolve();
    }
  }

  /** The agent begins anew: what it had seen counts no more. */
  reset(hostId: string): void {
    const host = this.#of(hostId);
    host.seen = -1n;
    host.failures.clear();
  }

  /** Resolves true when the host has seen the revision, false when the signal aborts first. */
  async until(hostId: string, revision: bigint, signal: AbortSignal): Promise<boolean> {
    const host = this.#of(hostId);
    if (host.seen >= revision) return true;
    if (signal.aborted) return false;
    return await new Promise<boolean>((resolve) => {
      const onAbort = () => {
        host.waiting.delete(waiter);
        resolve(false);
      };
      const waiter = {
        revision,
        resolve: () => {
          signal.removeEventListener('abort', onAbort);
          resolve(true);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      host.waiting.add(waiter);
    });
  }
}
