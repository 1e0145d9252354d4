// The query that a forwarder is sent: an id and a mixture of upper and lower case that nobody can guess (0x20), and EDNS0.
// What comes back is for us only if it repeats them.

import type { Ask } from './cache.ts';
import { CLASS_IN, EDNS_SIZE, Flag, HEADER, OPT_LENGTH, Type } from './codes.ts';
import { word } from './query.ts';
import { putWord } from './write.ts';

export interface UpstreamQuery {
  readonly message: Buffer;
  readonly id: number;
  readonly questionEnd: number;
  readonly hasEdns: boolean;
}

/** `random`: 32 bits, unpredictable. */
export function upstreamQuery(ask: Ask, random: () => number, hasEdns: boolean): UpstreamQuery {
  const questionEnd = HEADER + ask.name.length + 5;
  const message = Buffer.alloc(questionEnd + (hasEdns ? OPT_LENGTH : 0));
  const id = random() & 0xffff;
  putWord(message, 0, id);
  putWord(message, 2, Flag.RECURSION_DESIRED | (ask.isCheckingDisabled ? Flag.CHECKING_DISABLED : 0));
  putWord(message, 4, 1);
  putWord(message, 10, hasEdns ? 1 : 0);
  let bits = 0;
  for (let index = 0; index < ask.name.length; index++) {
    if (index % 32 === 0) bits = random();
    const byte = ask.name.charCodeAt(index);
    const isLetter = byte >= 0x61 && byte <= 0x7a;
    message[HEADER + index] = isLetter && ((bits >>> (index % 32)) & 1) === 1 ? byte - 0x20 : byte;
  }
  putWord(message, questionEnd - 4, ask.type);
  putWord(message, questionEnd - 2, CLASS_IN);
  if (hasEdns) {
    putWord(message, questionEnd + 1, Type.OPT);
    putWord(message, questionEnd + 3, EDNS_SIZE);
    putWord(message, questionEnd + 7, ask.isDnssecOk ? 0x8000 : 0);
  }
  return { message, id, questionEnd, hasEdns };
}

/** How far a message is an answer to the query. `bare` has no question: only a server that understood nothing says that. */
export type Match = 'answer' | 'other case' | 'bare' | 'wrong id' | 'wrong question' | 'no answer';

export function matchReply(query: UpstreamQuery, bytes: Uint8Array): Match {
  if (bytes.length < HEADER || ((bytes[2] as number) & 0x80) === 0) return 'no answer';
  if (word(bytes, 0) !== query.id) return 'wrong id';
  if (word(bytes, 4) === 0) return 'bare';
  if (word(bytes, 4) !== 1 || bytes.length < query.questionEnd) return 'wrong question';
  let match: Match = 'answer';
  for (let at = HEADER; at < query.questionEnd; at++) {
    const sent = query.message[at] as number;
    const got = bytes[at] as number;
    if (sent === got) continue;
    const isLetter = (sent | 0x20) >= 0x61 && (sent | 0x20) <= 0x7a;
    if (!isLetter || (sent ^ got) !== 0x20 || at >= query.questionEnd - 4) return 'wrong question';
    match = 'other case';
  }
  return match;
}
