// Links on their way out. They wait together in a group that one message deletes on a pool thread; the kernel's wait (about
// 20 ms, shared) holds up nobody. What must outlive them (firewall, namespaces) is removed when they are gone.
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

export class Teardown {
  readonly #context: Context;
  /** Keys of objects whose links are doomed or gone, and whose rest is not removed yet. */
  #gathered: string[] = [];
  #running: { readonly pending: PendingDelete; readonly links: readonly number[]; readonly keys: string[] } | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Readable when the running delete is over. */
  get fd(): number | undefined {
    return this.#running?.pending.fd;
  }

  gather(keys: Iterable<string>): void {
    this.#gathered.push(...keys);
  }

  /** Starts deleting what is doomed, unless a delete is running. Returns the keys that need not wait for any link. */
  start(): string[] {
    if (this.#running !== undefined) return [];
    const doomed = [...this.#context.doomed];
    const links = doomed.slice(0, LINKS_AT_ONCE);
    // Objects wait for all links that were doomed with them: only the last delete frees them.
    const isAll = links.length === doomed.length;
    const keys = isAll ? this.#gathered : [];
    if (links.length > 0) {
      // A link that is gone already fails here, and is found gone in the end.
      this.#context.socket().batch(links.map((index) => setLink(index, { group: DOOMED_GROUP })));
      this.#running = { pending: startGroupDelete(undefined, DOOMED_GROUP), links, keys };
    }
    // Only now: what throws above leaves them to be started again.
    if (isAll) this.#gathered = [];
    return links.length > 0 ? [] : keys;
  }

  /** Reads the outcome when `fd` is readable. Returns the keys whose links are gone, and the links that would not go. */
  finish(): { keys: string[]; left: number[]; error: KernelError | undefined } {
    if (this.#running === undefined) return { keys: [], left: [], error: undefined };
    const { pending, links, keys } = this.#running;
    this.#running = undefined;
    const error = pending.finish();
    const found = findLinks(this.#context.socket(), links);
    const left = links.filter((_, at) => found[at] !== undefined);
    for (const index of links) this.#context.doomed.delete(index);
    for (const index of links) this.#context.linkOwners.delete(index);
    return { keys, left, error };
  }

  /** True when a delete is over and can be finished without waiting. */
  get isReady(): boolean {
    return this.#running !== undefined && waitFor([this.#running.pending.fd], 0).length > 0;
  }
}
