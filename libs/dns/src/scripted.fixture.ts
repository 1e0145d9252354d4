// Servers that do as the test says, and a clock that goes when the test says.
import { type Answer, AUTHENTIC_DATA, decode, encode, TRUNCATED_RESPONSE } from 'dns-packet';
import type { Clock, Source, Transport } from './exchange.ts';
import type { Server } from './forwarders.ts';

export class FakeClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#now = next.at;
      next.run();
    }
    this.#now = until;
  }

  /** Timers that wait: none when nothing is under way. */
  get pending(): number {
    return this.#timers.length;
  }
}

/** One message that a server was sent. */
export interface Sent {
  readonly atMs: number;
  readonly server: Server;
  readonly isTcp: boolean;
  readonly message: Buffer;
  isClosed: boolean;
  reply(bytes: Buffer, from?: Source): void;
  fail(): void;
}

export class ScriptedTransport implements Transport {
  readonly sent: Sent[] = [];
  readonly #clock: FakeClock;
  /** Does something with every message; without it they wait in `sent`. */
  script: (sent: Sent) => void;

  constructor(clock: FakeClock, script: (sent: Sent) => void = () => {}) {
    this.#clock = clock;
    this.script = script;
  }

  udp(
    server: Server,
    message: Buffer,
    received: (from: Source, bytes: Buffer) => void,
    failed: () => void,
  ): () => void {
    return this.#send(server, message, false, (bytes, from) => received(from, bytes), failed);
  }

  tcp(server: Server, message: Buffer, received: (bytes: Buffer) => void, failed: () => void): () => void {
    return this.#send(server, message, true, received, failed);
  }

  /** Where and when: `a@0 b@250 a:tcp@300`. */
  get log(): string {
    return this.sent.map(({ server, isTcp, atMs }) => `${server.via}${isTcp ? ':tcp' : ''}@${atMs}`).join(' ');
  }

  #send(
    server: Server,
    message: Buffer,
    isTcp: boolean,
    received: (bytes: Buffer, from: Source) => void,
    failed: () => void,
  ): () => void {
    const sent: Sent = {
      atMs: this.#clock.now(),
      server,
      isTcp,
      message,
      isClosed: false,
      reply: (bytes, from = server) => {
        if (!sent.isClosed) received(bytes, from);
      },
      fail: () => {
        if (!sent.isClosed) failed();
      },
    };
    this.sent.push(sent);
    this.script(sent);
    return () => {
      sent.isClosed = true;
    };
  }
}

export interface ReplyOptions {
  readonly rcode?: number;
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly isTruncated?: boolean;
  readonly isAuthentic?: boolean;
  readonly hasOpt?: boolean;
  /** In place of the question's own. */
  readonly name?: string;
  readonly id?: number;
}

/** A server's answer to this message. */
export function replyTo(message: Buffer, options: ReplyOptions = {}): Buffer {
  const query = decode(message);
  const [question] = query.questions ?? [];
  if (question === undefined) throw new Error('no question');
  const flags = (options.isTruncated ? TRUNCATED_RESPONSE : 0) | (options.isAuthentic ? AUTHENTIC_DATA : 0);
  return encode({
    type: 'response',
    id: options.id ?? query.id ?? 0,
    flags: 0x180 | flags | (options.rcode ?? 0),
    questions: [{ ...question, name: options.name ?? question.name }],
    answers: [...(options.answers ?? [])],
    authorities: [...(options.authorities ?? [])],
    additionals: options.hasOpt
      ? [{ type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options: [] } as never]
      : [],
  });
}

export const a = (name: string, data: string, ttl = 60): Answer => ({ type: 'A', name, data, ttl, class: 'IN' });
export const soaOf = (name: string, minimum: number, ttl = 3600): Answer => ({
  type: 'SOA',
  name,
  ttl,
  class: 'IN',
  data: { mname: `ns.${name}`, rname: `root.${name}`, serial: 1, refresh: 2, retry: 3, expire: 4, minimum },
});
