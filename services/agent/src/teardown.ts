// Links on their way out. They wait together in a group that one message deletes on a pool thread. They are gone when the
// kernel says so of each; the delete itself returns about 20 ms later and holds up nobody. What must outlive them (firewall,
// namespaces) is removed when they are gone.
import {
  DOOMED_GROUP,
  findLinks,
  type KernelError,
  type PendingDelete,
  setLink,
  startGroupDelete,
  waitFor,
} from '@weft/kernel';
import type { Context } from './context.ts';

// Links of one delete: a group holds the kernel's lock for about 0.6 ms a link, and puts wait for that lock.
const LINKS_AT_ONCE = 64;
// Deletes that may still sit in the kernel's wait, each on one of the process's few pool threads.
const DELETES_AT_ONCE = 3;

interface Delete {
  readonly pending: PendingDelete;
  readonly links: readonly number[];
  readonly keys: string[];
  /** Indexes of links that the kernel has not said to be gone. */
  readonly awaited: Set<number>;
}

const isOver = ({ fd }: PendingDelete): boolean => waitFor([fd], 0).length > 0;

export class Teardown {
  readonly #context: Context;
  /** Keys of objects whose links are doomed or gone, and whose rest is not removed yet. */
  #gathered: string[] = [];
  #running: Delete | undefined;
  /** Deletes whose links are gone, and which have not returned. */
  #ending: PendingDelete[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  /** Readable when a delete has returned. */
  get fds(): number[] {
    const ending = this.#ending.map(({ fd }) => fd);
    return this.#running === undefined ? ending : [this.#running.pending.fd, ...ending];
  }

  gather(keys: Iterable<string>): void {
    this.#gathered.push(...keys);
  }

  /** The kernel has said that a link is gone. */
  heard(index: number): void {
    this.#running?.awaited.delete(index);
  }

  /** Starts deleting what is doomed, unless a delete is running. Returns the keys that need not wait for any link. */
  start(): string[] {
    this.#reap();
    if (this.#running !== undefined || this.#ending.length >= DELETES_AT_ONCE) return [];
    const doomed = [...this.#context.doomed];
    const links = doomed.slice(0, LINKS_AT_ONCE);
    // Objects wait for all links that were doomed with them: only the last delete frees them.
    const isAll = links.length === doomed.length;
    const keys = isAll ? this.#gathered : [];
    if (links.length > 0) {
      // A link that is gone already fails here, and is found gone in the end.
      this.#context.socket().batch(links.map((index) => setLink(index, { group: DOOMED_GROUP })));
      const pending = startGroupDelete(undefined, DOOMED_GROUP);
      this.#running = { pending, links, keys, awaited: new Set(links) };
    }
    // Only now: what throws above leaves them to be started again.
    if (isAll) this.#gathered = [];
    return links.length > 0 ? [] : keys;
  }

  /** Call when `isReady`. Returns the keys whose links are gone, and the links that would not go. */
  finish(): { keys: string[]; left: number[]; error: KernelError | undefined } {
    if (this.#running === undefined) return { keys: [], left: [], error: undefined };
    const { pending, links, keys } = this.#running;
    const hasReturned = isOver(pending);
    const error = hasReturned ? pending.finish() : undefined;
    const found = findLinks(this.#context.socket(), links);
    const left = links.filter((_, at) => found[at] !== undefined);
    if (!hasReturned) {
      // What was heard was not the end of these (a port that leaves its bridge, say): its return will tell.
      for (const index of left) this.#running.awaited.add(index);
      if (left.length > 0) return { keys: [], left: [], error };
      this.#ending.push(pending);
    }
    this.#running = undefined;
    for (const index of links) this.#context.doomed.delete(index);
    for (const index of links) this.#context.linkOwners.delete(index);
    return { keys, left, error };
  }

  /** True when the links of a delete are gone, or it has returned without them going. */
  get isReady(): boolean {
    return this.#running !== undefined && (this.#running.awaited.size === 0 || isOver(this.#running.pending));
  }

  #reap(): void {
    const over = this.#ending.filter(isOver);
    for (const pending of over) pending.finish();
    this.#ending = this.#ending.filter((pending) => !over.includes(pending));
  }
}
