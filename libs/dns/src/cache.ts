// What forwarders said, as long as they said it holds. Bounded in entries and bytes; the least lately used goes first.
// Refuses truncated answers and those without a time to live; a failure is kept five seconds at most.

import { Rcode } from './codes.ts';
import type { Name } from './name.ts';
import type { Reply } from './reply.ts';

/** One question as upstream servers see it. */
export interface Ask {
  readonly name: Name;
  readonly type: number;
  readonly isDnssecOk: boolean;
  readonly isCheckingDisabled: boolean;
}

/** Equal for questions that one answer serves. `forwarders`: the key of the set that is asked. */
export function askKey(forwarders: string, ask: Ask): string {
  const bits = (ask.isDnssecOk ? 1 : 0) + (ask.isCheckingDisabled ? 2 : 0);
  return `${ask.type} ${bits} ${ask.name} ${forwarders}`;
}

export interface CacheLimits {
  readonly entries: number;
  /** Of answers; keys and bookkeeping come on top. */
  readonly bytes: number;
  /** Seconds. */
  readonly longest: number;
  readonly longestNegative: number;
  /** 5 at most. */
  readonly longestFailure: number;
}

export const CACHE_LIMITS: CacheLimits = {
  entries: 10_000,
  bytes: 8 * 1024 * 1024,
  longest: 3600,
  longestNegative: 300,
  longestFailure: 2,
};

interface Kept {
  readonly reply: Reply;
  readonly atMs: number;
  readonly untilMs: number;
}

export interface CacheCounters {
  hits: number;
  misses: number;
  evicted: number;
}

/** Seconds that the answer may be kept; 0 is not at all. */
export function lifetimeOf(reply: Reply, limits: CacheLimits): number {
  if (reply.isTruncated) return 0;
  if (reply.rcode === Rcode.SERVFAIL) return Math.min(5, limits.longestFailure);
  if (reply.rcode !== Rcode.NOERROR && reply.rcode !== Rcode.NXDOMAIN) return 0;
  return Math.min(reply.lifetime, reply.isNegative ? limits.longestNegative : limits.longest);
}

export class Cache {
  readonly counters: CacheCounters = { hits: 0, misses: 0, evicted: 0 };
  readonly #kept = new Map<string, Kept>();
  readonly #now: () => number;
  readonly #limits: CacheLimits;
  #bytes = 0;

  /** `now`: milliseconds of a clock that is never set back. */
  constructor(now: () => number, limits: CacheLimits = CACHE_LIMITS) {
    this.#now = now;
    this.#limits = limits;
  }

  /** The answer and its age in whole seconds. */
  get(key: string): { readonly reply: Reply; readonly age: number } | undefined {
    const kept = this.#kept.get(key);
    const now = this.#now();
    if (kept === undefined || now >= kept.untilMs) {
      if (kept !== undefined) this.#remove(key, kept);
      this.counters.misses++;
      return undefined;
    }
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    this.counters.hits++;
    return { reply: kept.reply, age: Math.floor((now - kept.atMs) / 1000) };
  }

  put(key: string, reply: Reply): void {
    const before = this.#kept.get(key);
    if (before !== undefined) this.#remove(key, before);
    const lifetime = lifetimeOf(reply, this.#limits);
    if (lifetime <= 0 || reply.tail.length > this.#limits.bytes) return;
    const atMs = this.#now();
    this.#kept.set(key, { reply, atMs, untilMs: atMs + lifetime * 1000 });
    this.#bytes += reply.tail.length;
    while (this.#kept.size > this.#limits.entries || this.#bytes > this.#limits.bytes) {
      const [oldest] = this.#kept;
      if (oldest === undefined) return;
      this.#remove(oldest[0], oldest[1]);
      this.counters.evicted++;
    }
  }

  get size(): number {
    return this.#kept.size;
  }

  #remove(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#bytes -= kept.reply.tail.length;
  }
}
