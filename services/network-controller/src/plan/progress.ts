// How far each host has come: the last revision it has seen, and the objects it could not apply. In memory: agents say it again when
// they come back. What was said to other replicas of the controller is heard from them, so the answers are the same at each.
import { type FaultError, fromMessage } from '@weft/fault';
import { parseKey, rankOf } from '@weft/hoststate';
import type { StoredProgress } from '@weft/proto/controller';
import type { Fault } from '@weft/proto/fault';
import type { NamesCounters } from '@weft/proto/model';

interface Said {
  seen: bigint;
  failures: Map<string, Fault>;
  names: NamesCounters | undefined;
}

interface HostProgress {
  /** Its agent is connected here. */
  isHere: boolean;
  /** What was said here. */
  readonly here: Said;
  /** What was said to others, the one that was said last. */
  elsewhere: Said | undefined;
  /** The highest revision that was ever heard of, from anywhere: what was seen stays seen. */
  seen: bigint;
  readonly waiting: Set<{ revision: bigint; done: (seen: boolean) => void }>;
}

export class Progress {
  readonly #hosts = new Map<string, HostProgress>();
  readonly #listeners = new Set<(hostId: string) => void>();
  #ask: (hostId: string, revision: bigint) => () => void = () => () => undefined;

  #of(hostId: string): HostProgress {
    const known = this.#hosts.get(hostId);
    if (known !== undefined) return known;
    const here: Said = { seen: -1n, failures: new Map(), names: undefined };
    const made = { isHere: false, here, elsewhere: undefined, seen: -1n, waiting: new Set<never>() };
    this.#hosts.set(hostId, made);
    return made;
  }

  /** What its agent said to the replica it is connected to. */
  #latest(hostId: string): Said {
    const { isHere, here, elsewhere } = this.#of(hostId);
    return isHere && here.seen >= 0n ? here : (elsewhere ?? here);
  }

  /** Whether the host's agent is connected here. */
  connect(hostId: string, isHere: boolean): void {
    this.#of(hostId).isHere = isHere;
  }

  /** Calls back after each report that was made here. */
  onReport(listener: (hostId: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Sets what is called while a host is waited for; it returns what ends that. */
  onWait(ask: (hostId: string, revision: bigint) => () => void): void {
    this.#ask = ask;
  }

  seen(hostId: string): bigint {
    return this.#of(hostId).seen;
  }

  /** What was said here, for others. */
  saidHere(hostId: string): Readonly<Said> {
    return this.#of(hostId).here;
  }

  fail(hostId: string, key: string, fault: Fault): void {
    this.#of(hostId).here.failures.set(key, fault);
  }

  recover(hostId: string, key: string): void {
    this.#of(hostId).here.failures.delete(key);
  }

  /** What the host's resolvers have done so far. */
  count(hostId: string, names: NamesCounters): void {
    this.#of(hostId).here.names = names;
  }

  /** What the resolvers of a host have done, as it was last said. */
  counted(hostId: string): NamesCounters | undefined {
    const { here } = this.#of(hostId);
    return this.#latest(hostId).names ?? here.names;
  }

  /** The failures of these objects on a host, first what others fail for want of: a route says less than its interface. */
  failures(hostId: string, keys: Iterable<string>): FaultError[] {
    const { failures } = this.#latest(hostId);
    const found: { rank: number; failure: Fault }[] = [];
    for (const key of keys) {
      const failure = failures.get(key);
      if (failure !== undefined) found.push({ rank: rankOf(parseKey(key).kind), failure });
    }
    return found.sort((a, b) => a.rank - b.rank).map(({ failure }) => fromMessage(failure));
  }

  /** All failures of a host, by key. */
  failing(hostId: string): ReadonlyMap<string, Fault> {
    return this.#latest(hostId).failures;
  }

  /** All failures there are, as "host key text". */
  all(): { hostId: string; key: string; fault: Fault }[] {
    return [...this.#hosts.keys()].flatMap((hostId) =>
      [...this.failing(hostId)].map(([key, fault]) => ({ hostId, key, fault })),
    );
  }

  /** A report that was made here, and is durable. */
  advance(hostId: string, revision: bigint): void {
    const host = this.#of(hostId);
    if (revision > host.here.seen) host.here.seen = revision;
    this.#reached(host, revision);
    for (const listener of this.#listeners) listener(hostId);
  }

  /** What other replicas say of a host now: the latest of it counts. */
  heard(hostId: string, said: Iterable<StoredProgress>): void {
    const host = this.#of(hostId);
    let latest: StoredProgress | undefined;
    for (const one of said) if (latest === undefined || one.seenRevision > latest.seenRevision) latest = one;
    if (latest === undefined || latest.seenRevision === 0n) {
      host.elsewhere = undefined;
      return;
    }
    const failures = new Map<string, Fault>();
    for (const { key, fault } of latest.failed) if (fault !== undefined) failures.set(key, fault);
    host.elsewhere = { seen: latest.seenRevision, failures, names: latest.names };
    this.#reached(host, latest.seenRevision);
  }

  #reached(host: HostProgress, revision: bigint): void {
    if (revision > host.seen) host.seen = revision;
    for (const waiter of host.waiting) if (waiter.revision <= host.seen) waiter.done(true);
  }

  /** The agent begins anew, here: what it had said counts no more. */
  reset(hostId: string): void {
    const { here } = this.#of(hostId);
    here.seen = -1n;
    here.failures.clear();
    const host = this.#of(hostId);
    host.seen = host.elsewhere?.seen ?? -1n;
  }

  /** The host is removed for good: nobody waits for it any more. */
  forget(hostId: string): void {
    const host = this.#hosts.get(hostId);
    this.#hosts.delete(hostId);
    for (const waiter of [...(host?.waiting ?? [])]) waiter.done(false);
  }

  /** Resolves true when the host has seen the revision, false when the signal aborts first or the host is removed. */
  async until(hostId: string, revision: bigint, signal: AbortSignal): Promise<boolean> {
    const host = this.#of(hostId);
    if (host.seen >= revision) return true;
    if (signal.aborted) return false;
    const stopAsking = this.#ask(hostId, revision);
    return await new Promise<boolean>((resolve) => {
      const onAbort = () => waiter.done(false);
      const waiter = {
        revision,
        done: (seen: boolean) => {
          host.waiting.delete(waiter);
          signal.removeEventListener('abort', onAbort);
          stopAsking();
          resolve(seen);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      host.waiting.add(waiter);
    });
  }
}
