// Reads one query: a header, one question, and perhaps EDNS0. Strict, without throwing on any bytes and, but for the
// name, without allocating: the caller gives the object that is filled, one after the other.
// Refuses responses (no answer at all), other opcodes, other classes than IN, compressed questions, and trailing bytes.
import { CLASS_IN, HEADER, MAX_LABEL, MAX_NAME, PLAIN_SIZE, Rcode, Type } from './codes.ts';
import { type Name, ROOT } from './name.ts';

/** What was asked. Valid until the next parse into the same object. */
export interface Query {
  id: number;
  /** The header's second word, as sent. */
  flags: number;
  name: Name;
  type: number;
  /** Where the question ends; HEADER where no question could be read. */
  questionEnd: number;
  hasEdns: boolean;
  /** Bytes the client takes over UDP: 512, or what its OPT says if that is more. */
  size: number;
  isDnssecOk: boolean;
}

export function emptyQuery(): Query {
  return {
    id: 0,
    flags: 0,
    name: ROOT,
    type: 0,
    questionEnd: HEADER,
    hasEdns: false,
    size: PLAIN_SIZE,
    isDnssecOk: false,
  };
}

/** Not to be answered at all: it is no query, or its id cannot be read. */
export const SILENCE = -1;

const name = Buffer.alloc(MAX_NAME);
/** Names asked lately, by hash: making the string anew would cost more than all the rest of a query. */
const recent: Name[] = new Array(4096).fill(ROOT);

/** The first `length` bytes of `name` as a string. */
function nameOf(length: number, hash: number): Name {
  const slot = (hash ^ (hash >>> 15)) & 4095;
  const known = recent[slot] as Name;
  if (known.length === length) {
    let at = 0;
    while (at < length && known.charCodeAt(at) === name[at]) at++;
    if (at === length) return known;
  }
  const made = name.toString('latin1', 0, length) as Name;
  recent[slot] = made;
  return made;
}

/** Fills `query`; NOERROR, or the rcode to answer with, or SILENCE. */
export function parseQuery(packet: Uint8Array, length: number, query: Query): number {
  query.name = ROOT;
  query.type = 0;
  query.flags = 0;
  query.questionEnd = HEADER;
  query.hasEdns = false;
  query.size = PLAIN_SIZE;
  query.isDnssecOk = false;
  if (length < 2 || length > packet.length) return SILENCE;
  query.id = word(packet, 0);
  if (length > 2 && (packet[2] as number) >= 0x80) return SILENCE;
  if (length < HEADER) return Rcode.FORMERR;
  query.flags = word(packet, 2);
  if ((query.flags & 0x7800) !== 0) return Rcode.NOTIMP;
  if (word(packet, 4) !== 1 || word(packet, 6) !== 0 || word(packet, 8) !== 0) return Rcode.FORMERR;

  let at = HEADER;
  let hash = 0;
  for (;;) {
    if (at >= length) return Rcode.FORMERR;
    const label = packet[at] as number;
    if (label === 0) break;
    const end = at + 1 + label;
    if (label > MAX_LABEL || end >= length || end - HEADER >= MAX_NAME) return Rcode.FORMERR;
    name[at - HEADER] = label;
    hash = (Math.imul(hash, 31) + label) | 0;
    for (at++; at < end; at++) {
      const byte = packet[at] as number;
      const lower = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
      name[at - HEADER] = lower;
      hash = (Math.imul(hash, 31) + lower) | 0;
    }
  }
  if (at + 5 > length) return Rcode.FORMERR;
  query.name = nameOf(at - HEADER, hash);
  query.type = word(packet, at + 1);
  query.questionEnd = at + 5;
  const additional = word(packet, 10);
  const rcode = additional === 0 ? trailing(at + 5, length) : parseAdditional(packet, length, additional, query);
  if (rcode !== Rcode.NOERROR) return rcode;
  return word(packet, at + 3) === CLASS_IN ? Rcode.NOERROR : Rcode.REFUSED;
}

const trailing = (at: number, length: number): number => (at === length ? Rcode.NOERROR : Rcode.FORMERR);

/** The records after the question: one OPT at most; others (a TSIG, say) are stepped over. */
function parseAdditional(packet: Uint8Array, length: number, count: number, query: Query): number {
  let at = query.questionEnd;
  let rcode: number = Rcode.NOERROR;
  for (let index = 0; index < count; index++) {
    const nameAt = at;
    at = skipName(packet, at, length);
    if (at < 0 || at + 10 > length) return Rcode.FORMERR;
    const type = word(packet, at);
    const next = at + 10 + word(packet, at + 8);
    if (next > length) return Rcode.FORMERR;
    if (type === Type.OPT) {
      if (query.hasEdns || at !== nameAt + 1) return Rcode.FORMERR;
      query.hasEdns = true;
      query.size = Math.max(PLAIN_SIZE, word(packet, at + 2));
      query.isDnssecOk = ((packet[at + 6] as number) & 0x80) !== 0;
      if (packet[at + 5] !== 0) rcode = Rcode.BADVERS;
    }
    at = next;
  }
  return at === length ? rcode : Rcode.FORMERR;
}

/** Where the name at `at` ends, a pointer ending it; -1 when it does not within `length`. Follows nothing. */
export function skipName(packet: Uint8Array, at: number, length: number): number {
  const start = at;
  while (at < length && at - start < MAX_NAME) {
    const label = packet[at] as number;
    if (label === 0) return at + 1;
    if (label >= 0xc0) return at + 2 <= length ? at + 2 : -1;
    if (label > MAX_LABEL) return -1;
    at += 1 + label;
  }
  return -1;
}

export function word(packet: Uint8Array, at: number): number {
  return ((packet[at] as number) << 8) | (packet[at + 1] as number);
}
