// DNS over TCP: two bytes of length before each message, several messages a connection, cut anywhere by the network.
import { MAX_MESSAGE } from './codes.ts';
import { word } from './query.ts';

/** The message with its length before it. */
export function frame(message: Uint8Array): Buffer {
  if (message.length > MAX_MESSAGE) throw new RangeError(`a DNS message of ${message.length} bytes`);
  const framed = Buffer.allocUnsafe(2 + message.length);
  framed.writeUInt16BE(message.length);
  framed.set(message, 2);
  return framed;
}

/** What comes over one connection. Keeps at most one unfinished message, no longer than its limit. */
export class Frames {
  readonly #limit: number;
  #rest: Buffer = Buffer.alloc(0);

  /** `limit`: the longest message; for queries a few kB do, and keep a client that sends byte by byte cheap. */
  constructor(limit: number = MAX_MESSAGE) {
    this.#limit = limit;
  }

  /** The messages that this chunk completes, in order; undefined when one is too long: close the connection. */
  push(chunk: Buffer): Buffer[] | undefined {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    let at = 0;
    while (at + 2 <= bytes.length) {
      const length = word(bytes, at);
      if (length > this.#limit) return undefined;
      const end = at + 2 + length;
      if (end > bytes.length) break;
      if (length > 0) messages.push(bytes.subarray(at + 2, end));
      at = end;
    }
    this.#rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
    return messages;
  }

  /** Bytes that wait for the rest of their message. */
  get pending(): number {
    return this.#rest.length;
  }
}
