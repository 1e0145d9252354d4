// What is to be looked at, and when: objects by key, and what is looked at as a whole. Notifications come in bursts, so a look waits
// for the rest of one; full looks come by themselves and take a small part of the time. Pure: time (monotonic, ms) comes in.
const DEBOUNCE_MS = 20;
/** Looking at everything takes at most one part in so many of the time: about 0.7 %. */
export const LOOK_SHARE = 150;

/** The rule set and its elements; the chain of others that weft has a rule in; what nothing asks for. */
export type Whole = 'elements' | 'others' | 'unasked';

export class Looks {
  readonly #everyMs: number;
  readonly #keys = new Set<string>();
  readonly #wholes = new Set<Whole>();
  #at = Infinity;
  #fullAt = 0;
  /** When the full look under way began. */
  #fullSince: number | undefined;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** When the next look is due. */
  nextAt(): number {
    return Math.min(this.#at, this.#fullAt);
  }

  isDue(now: number): boolean {
    return now >= this.#at;
  }

  isFullDue(now: number): boolean {
    return now >= this.#fullAt;
  }

  isWanted(what: Whole): boolean {
    return this.#wholes.has(what);
  }

  /** Objects, soon. */
  want(keys: Iterable<string>, now: number): void {
    for (const key of keys) {
      this.#keys.add(key);
      this.#at = Math.min(this.#at, now + DEBOUNCE_MS);
    }
  }

  /** Something as a whole: soon, or in the next turn. */
  wantWhole(what: Whole, now: number, isUrgent = false): void {
    this.#wholes.add(what);
    this.#at = Math.min(this.#at, isUrgent ? now : now + DEBOUNCE_MS);
  }

  /** A full look begins in the turn at `now`. */
  beginFull(keys: Iterable<string>, now: number, wholes: readonly Whole[]): void {
    for (const key of keys) this.#keys.add(key);
    for (const what of wholes) this.#wholes.add(what);
    this.#at = now;
    this.#fullAt = now + this.#everyMs;
    this.#fullSince = now;
  }

  /** The next full look comes at this time at the latest. */
  fullBy(at: number): void {
    this.#fullAt = Math.min(this.#fullAt, at);
  }

  /** Takes the keys to be looked at in this turn. */
  *take(most: number): Generator<string> {
    let taken = 0;
    for (const key of this.#keys) {
      if (taken++ >= most) return;
      this.#keys.delete(key);
      yield key;
    }
  }

  /** Once no keys are left: what is looked at as a whole, and whether a full look ends with it. */
  takeWholes(now: number): { wholes: ReadonlySet<Whole>; isFull: boolean } | undefined {
    if (this.#keys.size > 0) return undefined;
    const isFull = this.#fullSince !== undefined;
    if (this.#fullSince !== undefined) {
      this.#fullAt = Math.max(this.#fullAt, now + LOOK_SHARE * (now - this.#fullSince));
      this.#fullSince = undefined;
    }
    this.#at = Infinity;
    const wholes = new Set(this.#wholes);
    this.#wholes.clear();
    return { wholes, isFull };
  }
}
