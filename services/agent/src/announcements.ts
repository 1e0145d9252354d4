// New interfaces tell their neighbours who has their addresses, as often as their objects say: caches of an earlier endpoint with
// the same address are corrected. Nobody waits: what is due is sent in the turn that comes at its time.
import { announce, findLink } from '@weft/kernel';
import type { Context } from './context.ts';

// What the API allows; an object is not trusted to keep to it.
const MOST = 3;

// The kernel brings both ends into operation a moment after they are set up, and the bridge its port a moment after that; until
// then what they send is dropped. It is looked at again after so many milliseconds, and no longer than this.
const AGAIN_MS = 5;
const PATIENCE_MS = 2_000;
const IFF_RUNNING = 0x40;

interface Pending {
  left: number;
  at: number;
  readonly since: number;
}

export class Announcements {
  readonly #context: Context;
  /** By the veth's key. */
  readonly #pending = new Map<string, Pending>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** The object is in place. Only a veth that was made just now has something to announce. */
  begin(key: string, now: number): void {
    if (!this.#context.made.delete(key)) return;
    const spec = this.#context.spec('veth', key);
    const left = Math.min(spec?.advertiseCount ?? 0, MOST);
    if (left > 0) this.#pending.set(key, { left, at: now, since: now });
  }

  /** When the next one is due; Infinity when there is none. */
  nextAt(): number {
    let next = Infinity;
    for (const { at } of this.#pending.values()) next = Math.min(next, at);
    return next;
  }

  send(now: number): void {
    for (const [key, pending] of this.#pending) {
      if (pending.at > now) continue;
      try {
        this.#send(key, pending, now);
      } catch (error) {
        // It is there all the same, and answers when it is asked.
        this.#context.say(key, `cannot announce it: ${error instanceof Error ? error.message : String(error)}`, false);
        this.#pending.delete(key);
      }
    }
  }

  #send(key: string, pending: Pending, now: number): void {
    const spec = this.#context.spec('veth', key);
    const path = spec && this.#context.place(spec.sandboxId)?.path;
    const link = path === undefined ? undefined : findLink(this.#context.socket(path), spec?.name ?? '');
    if (spec === undefined || path === undefined || link?.mac === undefined) {
      this.#pending.delete(key);
      return;
    }
    const host = findLink(this.#context.socket(), spec.hostName);
    const isRunning = (link.flags & IFF_RUNNING) !== 0 && host?.isForwarding === true;
    if (!isRunning && now - pending.since < PATIENCE_MS) {
      pending.at = now + AGAIN_MS;
      return;
    }
    const addresses = spec.addresses.map((address) => address.split('/')[0] ?? '');
    announce(path, { link: link.index, mac: link.mac, addresses });
    // From the sending on, not from the turn's begin: making a batch of veths takes a while.
    pending.at = performance.now() + spec.advertiseIntervalMs;
    if (--pending.left <= 0) this.#pending.delete(key);
  }

  forget(key: string): void {
    this.#context.made.delete(key);
    this.#pending.delete(key);
  }
}
