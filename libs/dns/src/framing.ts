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

/** What comes over one connection. Keeps at most one unfinished message. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0);

  /** The messages that this chunk completes, in order. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    let at = 0;
    while (at + 2 <= bytes.length) {
      const end = at + 2 + word(bytes, at);
      if (end > bytes.length) break;
      if (end > at + 2) messages.push(bytes.subarray(at + 2, end));
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
