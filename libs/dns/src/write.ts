// Writes answers into a buffer of the caller's: the question as it was asked (its case too), owners as pointers to it,
// OPT when the client sent one. What does not fit sets TC, except in the additional section, which nobody needs.
import { type Local, NOTHING, type RecordSet } from './answer-shape.ts';
import { EDNS_SIZE, Flag, HEADER, OPT_LENGTH, Type } from './codes.ts';
import type { Query } from './query.ts';

/** A client takes no answer of another opcode than it asked with. */
const OPCODE = 0x7800;

/** What the header says in every answer. */
export function writeHeader(query: Query, packet: Uint8Array, out: Uint8Array, flags: number): number {
  const echoed = query.flags & (OPCODE | Flag.RECURSION_DESIRED | Flag.CHECKING_DISABLED);
  const all = Flag.RESPONSE | Flag.RECURSION_AVAILABLE | echoed | flags;
  putWord(out, 0, query.id);
  putWord(out, 2, all);
  const end = query.questionEnd;
  putWord(out, 4, end > HEADER ? 1 : 0);
  for (let at = HEADER; at < end; at++) out[at] = packet[at] as number;
  return end;
}

/**
 * Writes a local answer to `query`, read from `packet` (`out` may be the same buffer); returns its length.
 * `limit`: the most bytes to write, `limitOf` for UDP. It must leave room for header, question and OPT.
 */
export function writeLocal(query: Query, packet: Uint8Array, local: Local, out: Uint8Array, limit: number): number {
  const aa = local.isAuthoritative ? Flag.AUTHORITATIVE : 0;
  const room = Math.min(limit, out.length) - (query.hasEdns ? OPT_LENGTH : 0);
  let at = writeHeader(query, packet, out, aa | (local.rcode & 0xf));
  at = writeSets(local.answers, out, at, room);
  const answers = written;
  let isWhole = whole;
  let authority = 0;
  let additional = 0;
  if (isWhole && local.authority !== NOTHING) {
    at = writeSets(local.authority, out, at, room);
    authority = written;
    isWhole = whole;
  }
  if (isWhole && local.additional !== NOTHING) {
    at = writeSets(local.additional, out, at, room);
    additional = written;
  }
  if (!isWhole) out[2] = (out[2] as number) | (Flag.TRUNCATED >> 8);
  putWord(out, 6, answers);
  putWord(out, 8, authority);
  if (query.hasEdns) {
    at = writeOpt(query, local.rcode, out, at);
    additional++;
  }
  putWord(out, 10, additional);
  return at;
}

/** An answer of an rcode alone; the question is repeated when it could be read. */
export function writeRcode(query: Query, packet: Uint8Array, rcode: number, out: Uint8Array): number {
  const at = writeHeader(query, packet, out, rcode & 0xf);
  putWord(out, 6, 0);
  putWord(out, 8, 0);
  putWord(out, 10, query.hasEdns ? 1 : 0);
  return query.hasEdns ? writeOpt(query, rcode, out, at) : at;
}

/** Bytes an answer over UDP may have; `cap` guards against fragments. */
export function limitOf(query: Query, cap: number = EDNS_SIZE): number {
  return Math.min(query.size, cap);
}

export function writeOpt(query: Query, rcode: number, out: Uint8Array, at: number): number {
  out[at] = 0;
  putWord(out, at + 1, Type.OPT);
  putWord(out, at + 3, EDNS_SIZE);
  out[at + 5] = rcode >> 4;
  out[at + 6] = 0;
  putWord(out, at + 7, query.isDnssecOk ? 0x8000 : 0);
  putWord(out, at + 9, 0);
  return at + OPT_LENGTH;
}

// How writeSets ended: plain variables, because an object a call would be most of the garbage of an answer.
let written = 0;
let whole = true;

function writeSets(sets: readonly RecordSet[], out: Uint8Array, at: number, room: number): number {
  written = 0;
  whole = true;
  for (let index = 0; index < sets.length; index++) {
    const set = sets[index] as RecordSet;
    const { data } = set;
    const width = set.width === 0 ? data.length : set.width;
    const count = width === 0 ? 1 : data.length / width;
    let pointer = typeof set.owner === 'number' ? HEADER + set.owner : -1;
    let turn = set.first % count;
    for (let left = count; left > 0; left--) {
      const owner = pointer < 0 ? (set.owner as string).length + 1 : 2;
      if (at + owner + 10 + width > room) {
        whole = false;
        return at;
      }
      if (pointer < 0) {
        // A pointer reaches 16 KiB far.
        if (at < 0x4000) pointer = at;
        at = putText(out, at, set.owner as string);
        out[at++] = 0;
      } else {
        putWord(out, at, 0xc000 | pointer);
        at += 2;
      }
      putWord(out, at, set.type);
      out[at + 2] = 0;
      out[at + 3] = 1;
      putLong(out, at + 4, set.ttl);
      putWord(out, at + 8, width);
      at += 10;
      const from = turn * width;
      for (let byte = 0; byte < width; byte++) out[at++] = data.charCodeAt(from + byte);
      written++;
      if (++turn === count) turn = 0;
    }
  }
  return at;
}

function putText(out: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) out[at++] = text.charCodeAt(index);
  return at;
}

export function putWord(out: Uint8Array, at: number, value: number): void {
  out[at] = value >> 8;
  out[at + 1] = value;
}

export function putLong(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}
