// A forwarder's answer as it is kept and passed on: what follows the question, as it came, without its OPT (which speaks
// of one hop). Refuses what is not whole and what has names that lead astray. Names inside rdata are the client's to read.
import { Flag, HEADER, OPT_LENGTH, Type } from './codes.ts';
import type { Name } from './name.ts';
import { type Query, skipName, word } from './query.ts';
import { putLong, putWord, writeHeader, writeOpt } from './write.ts';

export interface Reply {
  readonly rcode: number;
  readonly isTruncated: boolean;
  readonly isAuthentic: boolean;
  /** What follows the question, one char a byte. */
  readonly tail: string;
  /** Records in the answer, the authority and the additional section. */
  readonly counts: readonly [number, number, number];
  /** Where the times to live are in the tail, and what they were, one after the other. */
  readonly ttls: readonly number[];
  /** It says that there is no such record: NXDOMAIN, or no answer of the type asked for. */
  readonly isNegative: boolean;
  /** Seconds until the first record is over; for a negative one, the SOA's word (RFC 2308). 0 without any. */
  readonly lifetime: number;
}

/** An answer of an rcode alone. */
export function bareReply(rcode: number): Reply {
  return {
    rcode,
    isTruncated: false,
    isAuthentic: false,
    tail: '',
    counts: [0, 0, 0],
    ttls: [],
    isNegative: false,
    lifetime: 0,
  };
}

/** Reads an answer whose question, of `type`, ends at `questionEnd`; undefined when it is broken. Never throws. */
export function readReply(packet: Buffer, questionEnd: number, type: number): Reply | undefined {
  const flags = word(packet, 2);
  const counts: [number, number, number] = [0, 0, 0];
  const ttls: number[] = [];
  let rcode = flags & 0xf;
  let hasAnswer = false;
  let hasOpt = false;
  let least = 0x7fffffff;
  let negative = 0;
  let at = questionEnd;
  let end = questionEnd;
  for (let section = 0; section < 3; section++) {
    for (let left = word(packet, 6 + 2 * section); left > 0; left--) {
      const fixed = skipName(packet, at, packet.length);
      if (fixed < 0 || fixed + 10 > packet.length || !isSound(packet, at)) return undefined;
      const next = fixed + 10 + word(packet, fixed + 8);
      if (next > packet.length) return undefined;
      const record = word(packet, fixed);
      if (record === Type.OPT) {
        if (hasOpt || section < 2) return undefined;
        hasOpt = true;
        rcode |= (packet[fixed + 4] as number) << 4;
      } else if (!hasOpt) {
        // RFC 2181: one with the highest bit is none.
        const ttl = packet.readUInt32BE(fixed + 4) > 0x7fffffff ? 0 : packet.readUInt32BE(fixed + 4);
        ttls.push(fixed + 4 - questionEnd, ttl);
        least = Math.min(least, ttl);
        if (section === 0 && record === type) hasAnswer = true;
        if (section === 1 && record === Type.SOA && next - fixed >= 32) {
          negative = Math.min(ttl, packet.readUInt32BE(next - 4));
        }
        counts[section] = (counts[section] as number) + 1;
        end = next;
      }
      // What follows an OPT is dropped with it: pointers lead backwards only, and nobody needs additional records.
      at = next;
    }
  }
  const isNegative = rcode === 3 || (rcode === 0 && !hasAnswer);
  const isTruncated = (flags & Flag.TRUNCATED) !== 0;
  return {
    rcode,
    isTruncated,
    isAuthentic: (flags & Flag.AUTHENTIC) !== 0,
    tail: packet.toString('latin1', questionEnd, end),
    counts,
    ttls,
    isNegative,
    lifetime: isNegative ? Math.min(negative, least) : ttls.length > 0 ? least : 0,
  };
}

/** Whether the name ends, within 255 bytes, its pointers leading ever further back. */
function isSound(packet: Uint8Array, at: number): boolean {
  let size = 0;
  let limit = at;
  while (size < 255) {
    const label = packet[at] as number;
    if (label === 0) return true;
    if (label >= 0xc0) {
      const target = word(packet, at) & 0x3fff;
      if (target < HEADER || target >= limit) return false;
      at = limit = target;
    } else {
      if (label > 63 || at + 1 + label >= packet.length) return false;
      size += 1 + label;
      at += 1 + label;
    }
  }
  return false;
}

/**
 * Writes a forwarder's answer for a client: its id, its question as it asked, times to live less `age` seconds. What does
 * not fit is left out whole, with TC: the client asks again over TCP, and is answered from the cache.
 */
export function writeReply(
  query: Query,
  packet: Uint8Array,
  reply: Reply,
  age: number,
  out: Buffer,
  limit: number,
): number {
  const wantsAuthentic = query.isDnssecOk || (query.flags & Flag.AUTHENTIC) !== 0;
  const flags = (reply.rcode & 0xf) | (reply.isAuthentic && wantsAuthentic ? Flag.AUTHENTIC : 0);
  const opt = query.hasEdns ? OPT_LENGTH : 0;
  const whole = query.questionEnd + reply.tail.length + opt <= Math.min(limit, out.length);
  const isTruncated = reply.isTruncated || !whole;
  let at = writeHeader(query, packet, out, flags | (isTruncated ? Flag.TRUNCATED : 0));
  for (let section = 0; section < 3; section++) {
    putWord(out, 6 + 2 * section, whole ? (reply.counts[section] as number) : 0);
  }
  if (whole) {
    out.write(reply.tail, at, 'latin1');
    for (let index = 0; index < reply.ttls.length; index += 2) {
      putLong(out, at + (reply.ttls[index] as number), Math.max(0, (reply.ttls[index + 1] as number) - age));
    }
    at += reply.tail.length;
  }
  if (!query.hasEdns) return at;
  putWord(out, 10, word(out, 10) + 1);
  return writeOpt(query, reply.rcode, out, at);
}

/** The reply as the message it was, to `name`. */
export function replyMessage(reply: Reply, name: Name, type: number): Buffer {
  const message = Buffer.alloc(HEADER + name.length + 5 + reply.tail.length);
  putWord(message, 2, Flag.RESPONSE | (reply.rcode & 0xf));
  putWord(message, 4, 1);
  for (let section = 0; section < 3; section++) putWord(message, 6 + 2 * section, reply.counts[section] as number);
  message.write(name, HEADER, 'latin1');
  putWord(message, HEADER + name.length + 1, type);
  putWord(message, HEADER + name.length + 3, 1);
  message.write(reply.tail, HEADER + name.length + 5, 'latin1');
  return message;
}
