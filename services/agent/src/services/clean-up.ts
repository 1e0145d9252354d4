// What changes of services left behind and is still to be taken away, place by place, in the order in which the places came. A place
// that fails is tried again; after some tries that is said, and nobody waits for it any more.
import { type NamespaceIdentity, type NetlinkSocket, openNetfilter } from '@weft/kernel';
import { dropSticky, forgetLeftBehind, mergeWays, spokenWays, staleSticky, staleWays } from './leftovers.ts';
import type { PartChange, Sticky, Way } from './part.ts';
import { HOST } from './wanted.ts';

// Each takes a netlink socket for a moment.
const AT_ONCE = 64;
// Looking through the machine's flows blocks the kernel thread for 13 ms each time.
const FLOW_LOOKS = 8;
// Failures of a place until that is said: a dump that somebody interrupts fails once.
const SAID_AFTER = 3;

interface Left {
  /** Number of the oldest change that is in it. */
  readonly since: number;
  sticky: Sticky[];
  /** Not known yet whether anybody used them. */
  ways: Way[];
  /** Flows of these are to be looked for. */
  spoken: Way[];
  failures: number;
}

/** What it needs to know of the host. */
export interface Grounds {
  /** Undefined for a place that is gone. */
  where(
    place: string,
  ): { readonly path: string | undefined; readonly identity?: NamespaceIdentity | undefined } | undefined;
  isOfHost(): (address: string) => boolean;
  failed(place: string, error: unknown): void;
}

export class CleanUp {
  readonly #grounds: Grounds;
  readonly #left = new Map<string, Left>();
  #latest = 0;

  constructor(grounds: Grounds) {
    this.#grounds = grounds;
  }

  /** Number of the latest change. */
  get latest(): number {
    return this.#latest;
  }

  /** True when nothing is left of the changes up to this one, but for what was said to fail. */
  isDone(upTo: number): boolean {
    for (const { since, failures } of this.#left.values()) if (since <= upTo && failures < SAID_AFTER) return false;
    return true;
  }

  /** Notes what changes leave behind, if anything. */
  add(place: string, changes: readonly PartChange[]): void {
    const [sticky, ways] = [changes.flatMap(staleSticky), changes.flatMap(staleWays)];
    if (sticky.length === 0 && ways.length === 0) return;
    this.#latest++;
    const old = this.#left.get(place);
    const renewed = new Set(sticky.map(({ map }) => map.name));
    // A place keeps its turn; of one way and one map the latest word is right.
    this.#left.set(place, {
      since: old?.since ?? this.#latest,
      sticky: [...sticky, ...(old?.sticky ?? []).filter(({ map }) => !renewed.has(map.name))],
      ways: mergeWays(ways, old?.ways ?? []),
      spoken: old?.spoken ?? [],
      failures: 0,
    });
  }

  forget(place: string): void {
    this.#left.delete(place);
  }

  /** Lets all clients choose anew, and looks through the flows of some places. */
  work(): void {
    const open = [...this.#left].filter(([, { sticky, ways }]) => sticky.length > 0 || ways.length > 0);
    for (let at = 0; at < open.length; at += AT_ONCE) this.#begin(open.slice(at, at + AT_ONCE));
    const looks = [...this.#left].filter(([, { spoken }]) => spoken.length > 0).slice(0, FLOW_LOOKS);
    for (const [place, left] of looks) {
      this.#attempt(place, left, (path) => {
        const socket = openNetfilter(path);
        try {
          forgetLeftBehind(socket, left.spoken, place === HOST ? this.#grounds.isOfHost() : () => false);
        } finally {
          socket.close();
        }
        left.spoken = [];
      });
    }
  }

  /** Sockets are closed together: each waits for the kernel to free what its transaction took away. */
  #begin(some: readonly [string, Left][]): void {
    const sockets: NetlinkSocket[] = [];
    try {
      for (const [place, left] of some) {
        this.#attempt(place, left, (path) => {
          const socket = openNetfilter(path);
          sockets.push(socket);
          dropSticky(socket, left.sticky);
          left.sticky = [];
          const spoken = place === HOST ? left.ways : spokenWays(socket, left.ways);
          left.spoken = mergeWays(spoken, left.spoken);
          left.ways = [];
        });
      }
    } finally {
      for (const socket of sockets) socket.close();
    }
  }

  #attempt(place: string, left: Left, use: (path: string | undefined) => void): void {
    const where = this.#grounds.where(place);
    if (where === undefined) {
      this.#left.delete(place);
      return;
    }
    try {
      use(where.path);
      if (left.sticky.length + left.ways.length + left.spoken.length === 0) this.#left.delete(place);
    } catch (error) {
      // Behind the others: it must not keep them from their turn.
      this.#left.delete(place);
      this.#left.set(place, left);
      left.failures++;
      if (left.failures === SAID_AFTER) this.#grounds.failed(place, error);
    }
  }
}
