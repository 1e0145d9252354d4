// Questions for forwarders: asked once when several want to know the same, so many at a time and no more, and kept.
// Refuses (`busy`) what is more than its limits, clearly and soon, rather than letting clients wait for nothing.
import { type Ask, askKey, CACHE_LIMITS, Cache, type CacheLimits } from './cache.ts';
import { Rcode } from './codes.ts';
import { type ForwarderCounters, zeroCounters } from './counters.ts';
import { type Clock, startExchange, type Timing, type Transport } from './exchange.ts';
import type { ForwarderSet } from './forwarders.ts';
import { bareReply, type Reply } from './reply.ts';
import { Silence } from './silence.ts';

export interface ForwarderLimits extends Timing {
  /** Exchanges at a time: of the host, and with one set of servers, so that a sandbox's dead ones do not take all. */
  readonly inFlight: number;
  readonly inFlightOfSet: number;
  /** How long a server that did not answer is asked last, in ms. */
  readonly silenceMs: number;
  /** Questions that wait for one, and how long at most. */
  readonly queued: number;
  readonly queueMs: number;
  /** Clients that wait, for whatever. */
  readonly waiting: number;
  readonly cache: CacheLimits;
}

export const FORWARDER_LIMITS: ForwarderLimits = {
  headStartMs: 250,
  againMs: 1000,
  deadlineMs: 4000,
  inFlight: 1024,
  inFlightOfSet: 512,
  silenceMs: 5000,
  queued: 256,
  queueMs: 500,
  waiting: 16_384,
  cache: CACHE_LIMITS,
};

type Done = (reply: Reply) => void;

interface Question {
  readonly key: string;
  readonly ask: Ask;
  readonly set: ForwarderSet;
  readonly waiting: Done[];
  cancel: () => void;
}

const BUSY = bareReply(Rcode.REFUSED);
const FAILED = bareReply(Rcode.SERVFAIL);

export class Forwarder {
  readonly counters: ForwarderCounters = zeroCounters();
  readonly cache: Cache;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #limits: ForwarderLimits;
  /** Under way or queued. */
  readonly #questions = new Map<string, Question>();
  readonly #queue = new Map<string, Question>();
  /** Exchanges under way, by set. */
  readonly #ofSet = new Map<string, number>();
  readonly #silence: Silence;
  #waiting = 0;

  /** `random`: 32 bits, unpredictable. */
  constructor(transport: Transport, clock: Clock, random: () => number, limits: Partial<ForwarderLimits> = {}) {
    this.#transport = transport;
    this.#clock = clock;
    this.#random = random;
    this.#limits = { ...FORWARDER_LIMITS, ...limits };
    this.#silence = new Silence(() => clock.now(), this.#limits.silenceMs);
    this.cache = new Cache(() => clock.now(), this.#limits.cache);
  }

  /** An answer that is known already, with its age in seconds. */
  known(set: ForwarderSet, ask: Ask): { readonly reply: Reply; readonly age: number } | undefined {
    return this.cache.get(askKey(set.key, ask));
  }

  /** Asks; `done` gets an answer in any case: SERVFAIL by the deadline, REFUSED when there is no room for the question. */
  ask(set: ForwarderSet, ask: Ask, done: Done): void {
    const { counters } = this;
    const limits = this.#limits;
    counters.asked++;
    const key = askKey(set.key, ask);
    const same = this.#questions.get(key);
    const hasRoom = this.#hasRoom(set);
    const isFull = !hasRoom && this.#queue.size >= limits.queued;
    if (this.#waiting >= limits.waiting || (same === undefined && isFull)) {
      counters.busy++;
      done(BUSY);
      return;
    }
    this.#waiting++;
    if (same !== undefined) {
      counters.coalesced++;
      same.waiting.push(done);
      return;
    }
    const question: Question = { key, ask, set, waiting: [done], cancel: () => {} };
    this.#questions.set(key, question);
    if (hasRoom) this.#start(question);
    else this.#enqueue(question);
  }

  /** Servers that are asked last right now, since they did not answer. */
  get silentServers(): number {
    return this.#silence.count;
  }

  #hasRoom({ key }: ForwarderSet): boolean {
    const { inFlight, inFlightOfSet } = this.#limits;
    return this.counters.inFlight < inFlight && (this.#ofSet.get(key) ?? 0) < inFlightOfSet;
  }

  #count({ key }: ForwarderSet, by: number): void {
    this.counters.inFlight += by;
    const count = (this.#ofSet.get(key) ?? 0) + by;
    if (count === 0) this.#ofSet.delete(key);
    else this.#ofSet.set(key, count);
  }

  #enqueue(question: Question): void {
    this.#queue.set(question.key, question);
    this.counters.queued = this.#queue.size;
    question.cancel = this.#clock.after(this.#limits.queueMs, () => {
      this.#dequeue(question);
      this.counters.busy += question.waiting.length;
      this.#tell(question, BUSY);
    });
  }

  #dequeue(question: Question): void {
    question.cancel();
    this.#queue.delete(question.key);
    this.counters.queued = this.#queue.size;
  }

  #start(question: Question): void {
    const { counters } = this;
    this.#count(question.set, 1);
    const around = {
      transport: this.#transport,
      clock: this.#clock,
      random: this.#random,
      timing: this.#limits,
      counters,
      silence: this.#silence,
    };
    startExchange(question.ask, question.set.servers, around, (reply) => {
      this.#count(question.set, -1);
      if (reply === undefined) counters.unanswered++;
      else counters.answered++;
      this.cache.put(question.key, reply ?? FAILED);
      this.#tell(question, reply ?? FAILED);
      for (const next of this.#queue.values()) {
        if (!this.#hasRoom(next.set)) continue;
        this.#dequeue(next);
        this.#start(next);
        return;
      }
    });
  }

  #tell(question: Question, reply: Reply): void {
    // BEFORE anyone is told: who asks again in return asks anew.
    this.#questions.delete(question.key);
    this.#waiting -= question.waiting.length;
    for (const done of question.waiting) done(reply);
  }
}
