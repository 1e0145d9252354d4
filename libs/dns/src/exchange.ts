// One question to several servers: the first is asked, the next a little later if it is silent, at once if it fails; the
// first good answer wins. No sockets and no clock of its own: both are given. Does not outlive its deadline.
// Refuses answers from elsewhere, of another id or question: they are counted and waited past, as anyone can send them.
import type { Ask } from './cache.ts';
import { Rcode } from './codes.ts';
import type { ForwarderCounters } from './counters.ts';
import type { Server } from './forwarders.ts';
import { type Reply, readReply } from './reply.ts';
import type { Silence } from './silence.ts';
import { matchReply, type UpstreamQuery, upstreamQuery } from './upstream-query.ts';

/** Where a datagram came from. */
export interface Source {
  readonly address: string;
  readonly port: number;
}

export interface Transport {
  /**
   * Sends one datagram from a port of its own, chosen anew; tells what arrives there until the returned function is called.
   * `failed`: it cannot arrive (no route, refused).
   */
  udp(server: Server, message: Buffer, received: (from: Source, bytes: Buffer) => void, failed: () => void): () => void;
  /** One question over a connection; `received` is given whole messages, without their length. */
  tcp(server: Server, message: Buffer, received: (bytes: Buffer) => void, failed: () => void): () => void;
}

export interface Clock {
  /** Milliseconds, never set back. */
  now(): number;
  /** Runs it later; the returned function prevents that. */
  after(ms: number, run: () => void): () => void;
}

export interface Timing {
  /** Before the next server is asked as well. */
  readonly headStartMs: number;
  /** Before a silent server is asked again. */
  readonly againMs: number;
  /** Until SERVFAIL: less than the 5 s that a client waits. */
  readonly deadlineMs: number;
}

export interface Surroundings {
  readonly transport: Transport;
  readonly clock: Clock;
  /** 32 bits, unpredictable. */
  readonly random: () => number;
  readonly timing: Timing;
  readonly counters: ForwarderCounters;
  readonly silence: Silence;
}

/** Every silent server is asked twice: datagrams get lost. */
const ROUNDS = 2;

interface Attempt {
  readonly server: Server;
  readonly query: UpstreamQuery;
  readonly isTcp: boolean;
  /** When it was sent, in the clock's milliseconds. */
  readonly at: number;
  close: () => void;
  isOver: boolean;
}

/** Asks; `done` is called once, with undefined when no server had a good answer. */
export function startExchange(
  ask: Ask,
  servers: readonly Server[],
  around: Surroundings,
  done: (reply: Reply | undefined) => void,
): void {
  new Exchange(ask, servers, around, done).start();
}

class Exchange {
  readonly #ask: Ask;
  readonly #servers: readonly Server[];
  readonly #around: Surroundings;
  readonly #done: (reply: Reply | undefined) => void;
  readonly #attempts: Attempt[] = [];
  readonly #failed = new Set<Server>();
  readonly #onTcp = new Set<Server>();
  #next = 0;
  #truncated: Reply | undefined;
  #isDone = false;
  #cancelNext: () => void = () => {};
  #cancelDeadline: () => void = () => {};

  constructor(ask: Ask, servers: readonly Server[], around: Surroundings, done: (reply: Reply | undefined) => void) {
    this.#ask = ask;
    this.#servers = around.silence.order(servers);
    this.#around = around;
    this.#done = done;
  }

  start(): void {
    const { clock, timing, counters } = this.#around;
    this.#cancelDeadline = clock.after(timing.deadlineMs, () => {
      counters.timeouts++;
      this.#finish(this.#truncated);
    });
    this.#askNext();
  }

  #askNext(): void {
    this.#cancelNext();
    const { clock, timing } = this.#around;
    const count = this.#servers.length;
    let server: Server | undefined;
    while (server === undefined && this.#next < count * ROUNDS) {
      const one = this.#servers[this.#next++ % count] as Server;
      if (!this.#failed.has(one) && !this.#onTcp.has(one)) server = one;
    }
    if (server === undefined) {
      if (this.#failed.size === count) this.#finish(this.#truncated);
      return;
    }
    // BEFORE it is sent: the transport may answer at once.
    const wait = this.#next < count ? timing.headStartMs : timing.againMs;
    if (this.#next < count * ROUNDS) this.#cancelNext = clock.after(wait, () => this.#askNext());
    this.#send(server, false, true);
  }

  #send(server: Server, isTcp: boolean, hasEdns: boolean): void {
    const { transport, random, counters } = this.#around;
    const query = upstreamQuery(this.#ask, random, hasEdns);
    const at = this.#around.clock.now();
    const attempt: Attempt = { server, query, isTcp, at, close: () => {}, isOver: false };
    this.#attempts.push(attempt);
    const failed = () => this.#fail(attempt);
    if (isTcp) {
      counters.tcp++;
      this.#onTcp.add(server);
      attempt.close = transport.tcp(server, query.message, (bytes) => this.#receive(attempt, bytes), failed);
    } else {
      counters.sent++;
      const received = (from: Source, bytes: Buffer) => {
        if (from.address === server.address && from.port === server.port) this.#receive(attempt, bytes);
        else counters.wrongServer++;
      };
      attempt.close = transport.udp(server, query.message, received, failed);
    }
    if (attempt.isOver) attempt.close();
  }

  #receive(attempt: Attempt, bytes: Buffer): void {
    if (this.#isDone || attempt.isOver) return;
    const { counters } = this.#around;
    const { server, query, isTcp } = attempt;
    switch (matchReply(query, bytes)) {
      case 'no answer':
        counters.malformed++;
        return;
      case 'wrong id':
        counters.wrongId++;
        return;
      case 'wrong question':
        counters.wrongQuestion++;
        return;
      case 'bare':
        this.#refused(attempt, (bytes[3] as number) & 0xf);
        return;
      case 'other case':
        // A server that changes the case, or someone who guesses: over TCP nobody can.
        if (!isTcp) {
          counters.wrongCase++;
          if (!this.#onTcp.has(server)) this.#send(server, true, query.hasEdns);
          return;
        }
    }
    this.#around.silence.answered(server);
    const reply = readReply(bytes, query.questionEnd, this.#ask.type);
    if (reply === undefined) {
      counters.malformed++;
      this.#fail(attempt);
    } else if (reply.rcode !== Rcode.NOERROR && reply.rcode !== Rcode.NXDOMAIN) {
      this.#refused(attempt, reply.rcode);
    } else if (reply.isTruncated && !isTcp) {
      this.#truncated = reply;
      this.#over(attempt);
      if (!this.#onTcp.has(server)) this.#send(server, true, query.hasEdns);
    } else {
      for (const other of this.#attempts) if (other.server === server) this.#over(other);
      this.#finish(reply);
    }
  }

  /** Servers that were asked long enough ago, and have said nothing at all. */
  #noteSilence(): void {
    const { clock, timing, silence } = this.#around;
    const latest = clock.now() - timing.headStartMs;
    for (const { server, isOver, at } of this.#attempts) if (!isOver && at <= latest) silence.note(server);
  }

  /** The server answered that it will not: the next one is asked, or the same without EDNS0 if that confused it. */
  #refused(attempt: Attempt, rcode: number): void {
    const isConfused = rcode === Rcode.FORMERR || rcode === Rcode.NOTIMP || rcode === Rcode.BADVERS;
    if (isConfused && attempt.query.hasEdns) {
      this.#over(attempt);
      this.#send(attempt.server, attempt.isTcp, false);
    } else {
      this.#fail(attempt);
    }
  }

  #fail(attempt: Attempt): void {
    if (this.#isDone || attempt.isOver) return;
    this.#around.counters.failed++;
    this.#failed.add(attempt.server);
    for (const other of this.#attempts) if (other.server === attempt.server) this.#over(other);
    if (this.#failed.size === this.#servers.length) this.#finish(this.#truncated);
    else if (this.#next < this.#servers.length) this.#askNext();
  }

  #over(attempt: Attempt): void {
    if (attempt.isOver) return;
    attempt.isOver = true;
    attempt.close();
  }

  #finish(reply: Reply | undefined): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#noteSilence();
    this.#cancelNext();
    this.#cancelDeadline();
    for (const attempt of this.#attempts) this.#over(attempt);
    this.#done(reply);
  }
}
