// What the kernel thread has been told, object by object, and how each stands. Pure bookkeeping: no kernel, no clock.
import type { FaultError } from '@weft/fault';
import { type HostObject, parseKey, sameObject } from '@weft/hoststate';

/** Milliseconds until a failed object is tried again: 1, 2, 4 ... 60 s. */
export const backOffMs = (tries: number): number => Math.min(1000 * 2 ** Math.max(tries - 1, 0), 60_000);

export interface Entry {
  readonly object: HostObject;
  /** The host must not have it any more; it is forgotten when it is gone. */
  leaving: boolean;
  /** Said before a reset and not again since. */
  stale: boolean;
  /** Tried, and not failed since. */
  applied: boolean;
  fault: FaultError | undefined;
  tries: number;
  retryAt: number;
}

/** The id of the sandbox that the object is, or is in. */
export const sandboxIdOf = ({ spec }: HostObject): string | undefined =>
  spec !== undefined && 'sandboxId' in spec.value ? spec.value.sandboxId : undefined;

/** What objects are looked at together by: their sandbox, or the link that they are behind. */
const groupOf = (object: HostObject): string | undefined => {
  if (object.spec?.$case === 'neighbour') return behindKey(object.spec.value.vxlan);
  if (object.spec?.$case === 'tunnelPeer') return behindKey(object.spec.value.tunnel);
  return sandboxIdOf(object);
};
const behindKey = (link: string): string => `link/${link}`;

export class Entries {
  readonly byKey = new Map<string, Entry>();
  /** Keys of entries with a fault. */
  readonly failed = new Set<string>();
  #isReset = false;
  readonly #groups = new Map<string, Set<string>>();

  /** Takes an object in. Returns the entry it replaces, and whether there is anything to do. */
  put(object: HostObject): { before: Entry | undefined; isNew: boolean } {
    const before = this.byKey.get(object.key);
    if (before?.applied && !before.leaving && sameObject(before.object, object)) {
      before.stale = false;
      return { before, isNew: false };
    }
    // Throws TypeError for a key of no kind: such an object is refused before it is known.
    parseKey(object.key);
    this.#index(before?.object, object);
    this.byKey.set(object.key, {
      object,
      leaving: false,
      stale: false,
      applied: false,
      fault: before?.fault,
      tries: 0,
      retryAt: 0,
    });
    return { before, isNew: true };
  }

  /** Marks an object as leaving. False when it is not known. */
  leave(key: string): boolean {
    const entry = this.byKey.get(key);
    if (entry === undefined) return false;
    if (!entry.leaving) Object.assign(entry, { leaving: true, applied: false, tries: 0, retryAt: 0 });
    return true;
  }

  forget(key: string): void {
    this.#index(this.byKey.get(key)?.object, undefined);
    this.byKey.delete(key);
    this.failed.delete(key);
  }

  succeed(key: string): void {
    const entry = this.byKey.get(key);
    if (entry === undefined) return;
    Object.assign(entry, { applied: true, fault: undefined, tries: 0, retryAt: 0 });
    this.failed.delete(key);
  }

  /** Notes a failure. True when it is news: the object did not fail, or failed otherwise. */
  fail(key: string, fault: FaultError, now: number): boolean {
    const entry = this.byKey.get(key);
    if (entry === undefined) return false;
    const isNews = entry.fault?.message !== fault.message;
    entry.tries++;
    Object.assign(entry, { applied: false, fault, retryAt: now + backOffMs(entry.tries) });
    this.failed.add(key);
    return isNews;
  }

  reset(): void {
    this.#isReset = true;
    for (const entry of this.byKey.values()) entry.stale = true;
  }

  /** What was said before a reset and not since; asking ends the reset. */
  takeStale(): string[] {
    if (!this.#isReset) return [];
    this.#isReset = false;
    return [...this.byKey].filter(([, { stale, leaving }]) => stale && !leaving).map(([key]) => key);
  }

  /** Keys of a sandbox and of all that is in it. */
  ofSandbox(sandboxId: string): Iterable<string> {
    return this.#groups.get(sandboxId) ?? [];
  }

  /** Keys of what is behind a VXLAN link or a tunnel, by the interface's name: one that is made anew has nothing of it. */
  behind(link: string): Iterable<string> {
    return this.#groups.get(behindKey(link)) ?? [];
  }

  /** Failed objects whose time to be tried again has come. */
  due(now: number): string[] {
    return [...this.failed].filter((key) => (this.byKey.get(key)?.retryAt ?? Infinity) <= now);
  }

  /** When the next failed object is due; Infinity when there is none. */
  nextRetryAt(): number {
    let next = Infinity;
    for (const key of this.failed) next = Math.min(next, this.byKey.get(key)?.retryAt ?? Infinity);
    return next;
  }

  #index(before: HostObject | undefined, after: HostObject | undefined): void {
    const old = before && groupOf(before);
    if (old !== undefined && before !== undefined) {
      const keys = this.#groups.get(old);
      keys?.delete(before.key);
      if (keys?.size === 0) this.#groups.delete(old);
    }
    const id = after && groupOf(after);
    if (id === undefined || after === undefined) return;
    const keys = this.#groups.get(id) ?? new Set();
    keys.add(after.key);
    this.#groups.set(id, keys);
  }
}
