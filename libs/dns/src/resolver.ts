// From a query's bytes to an answer's: reads, decides, asks a forwarder if it must, writes. It owns no socket: whoever does
// gives it packets and sends what it says, at once or later. One resolver serves all the sandboxes of a host.
import { answer, DEFAULT_TTL } from './answer.ts';
import type { Answer, Local } from './answer-shape.ts';
import type { Ask } from './cache.ts';
import { joinChase } from './chase.ts';
import { EDNS_SIZE, Flag, MAX_MESSAGE, Rcode } from './codes.ts';
import type { Forwarder } from './forwarder.ts';
import type { ForwarderSet } from './forwarders.ts';
import type { Names } from './names.ts';
import { emptyQuery, parseQuery, type Query, SILENCE } from './query.ts';
import { type Reply, writeReply } from './reply.ts';
import type { Viewpoint } from './viewpoint.ts';
import { limitOf, writeLocal, writeRcode } from './write.ts';

/** The answer comes later. */
export const LATER = -1;

export interface ResolverSettings {
  /** Seconds that answers of ours may be kept. */
  readonly ttl: number;
  /** The most bytes over UDP, whatever a client offers. */
  readonly udpSize: number;
}

/** Plain numbers that only grow. */
export interface ResolverCounters {
  queries: number;
  /** No questions, and not answered. */
  silent: number;
  malformed: number;
  /** Answered from our own names: with records, without any of that type, "no such name", in vain (SERVFAIL). */
  found: number;
  empty: number;
  unknown: number;
  failed: number;
  /** Not for this resolver to answer: zone transfers, names of others where nothing is forwarded. */
  refused: number;
  /** For forwarders to answer, and those of them that were answered from the cache. */
  forwarded: number;
  cached: number;
}

const zeros = (): ResolverCounters => ({
  ...{ queries: 0, silent: 0, malformed: 0, found: 0, empty: 0, unknown: 0, failed: 0 },
  ...{ refused: 0, forwarded: 0, cached: 0 },
});

export class Resolver {
  readonly counters = zeros();
  readonly #names: Names;
  readonly #forwarder: Forwarder;
  readonly #settings: ResolverSettings;
  readonly #query = emptyQuery();
  #turn = 0;

  constructor(names: Names, forwarder: Forwarder, settings: Partial<ResolverSettings> = {}) {
    this.#names = names;
    this.#forwarder = forwarder;
    this.#settings = { ttl: DEFAULT_TTL, udpSize: EDNS_SIZE, ...settings };
  }

  /**
   * Answers the first `length` bytes of `packet` into `out`, which may be the same buffer: the answer's length; 0 when
   * there is nothing to say; LATER when `later` will be called, once, with the answer. `out` has at least 1,500 bytes, for
   * TCP 64 KiB. Nothing of `packet` or `out` is kept.
   */
  handle(
    viewpoint: Viewpoint,
    packet: Buffer,
    length: number,
    isTcp: boolean,
    out: Buffer,
    later: (answer: Buffer) => void,
  ): number {
    const query = this.#query;
    this.counters.queries++;
    const rcode = parseQuery(packet, length, query);
    if (rcode === SILENCE) {
      this.counters.silent++;
      return 0;
    }
    if (rcode !== Rcode.NOERROR) {
      this.counters.malformed++;
      return writeRcode(query, packet, rcode, out);
    }
    this.#turn = (this.#turn + 1) & 0x3fffffff;
    const said = answer(this.#names, viewpoint, query, this.#turn, this.#settings.ttl);
    const limit = isTcp ? MAX_MESSAGE : limitOf(query, this.#settings.udpSize);
    switch (said.kind) {
      case 'local':
        this.#countLocal(said);
        return writeLocal(query, packet, said, out, limit);
      case 'refused':
        this.counters.refused++;
        return writeRcode(query, packet, Rcode.REFUSED, out);
      default:
        this.counters.forwarded++;
        return this.#forward(viewpoint.forwarders, packet, said, limit, out, later);
    }
  }

  #countLocal({ rcode, answers }: Local): void {
    if (rcode === Rcode.NXDOMAIN) this.counters.unknown++;
    else if (rcode !== Rcode.NOERROR) this.counters.failed++;
    else if (answers.length > 0) this.counters.found++;
    else this.counters.empty++;
  }

  #forward(
    set: ForwarderSet,
    packet: Buffer,
    said: Exclude<Answer, { kind: 'local' | 'refused' }>,
    limit: number,
    out: Buffer,
    later: (answer: Buffer) => void,
  ): number {
    const query = this.#query;
    const ask: Ask = {
      name: said.kind === 'chase' ? said.target : query.name,
      type: query.type,
      isDnssecOk: query.isDnssecOk,
      isCheckingDisabled: (query.flags & Flag.CHECKING_DISABLED) !== 0,
    };
    const write = (to: Query, from: Buffer, reply: Reply, age: number, into: Buffer): number =>
      said.kind === 'chase'
        ? writeLocal(to, from, joinChase(said.answers, reply, ask.name, ask.type, age), into, limit)
        : writeReply(to, from, reply, age, into, limit);
    const known = this.#forwarder.known(set, ask);
    if (known !== undefined) {
      this.counters.cached++;
      return write(query, packet, known.reply, known.age, out);
    }
    const asked = { ...query };
    const question = Buffer.from(packet.subarray(0, query.questionEnd));
    this.#forwarder.ask(set, ask, (reply) => {
      const into = Buffer.allocUnsafe(Math.min(limit, asked.questionEnd + 16 * 1024 + 8 * reply.tail.length));
      later(into.subarray(0, write(asked, question, reply, 0, into)));
    });
    return LATER;
  }
}
