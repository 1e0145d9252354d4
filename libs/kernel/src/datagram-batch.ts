// Many datagrams with one call: recvmmsg(2) takes what waits, each is answered in place, sendmmsg(2) sends the answers.
import { addressIn, SOCKET_ADDRESS_BYTES } from './socket-address.ts';
import * as sys from './syscalls.ts';

// struct mmsghdr on a 64-bit machine: struct msghdr (name, its length, iovec, their number, control ...), then the length.
const HEADER = 64;
const [NAME_LENGTH_AT, LENGTH_AT] = [8, 56];
const IOVEC = 16;
const NAME = 32;
const NAME_SIZE = SOCKET_ADDRESS_BYTES;
const MSG_DONTWAIT = 0x40;

export class DatagramBatch {
  readonly #count: number;
  readonly #size: number;
  readonly #headers: Buffer;
  readonly #vectors: Buffer;
  readonly #names: Buffer;
  /** How many hold what the last call left in them. */
  #used: number;
  /** A buffer for each datagram, of the size asked for. */
  readonly buffers: readonly Buffer[];

  constructor(count: number, size: number) {
    this.#count = count;
    this.#size = size;
    this.#used = count;
    this.#headers = sys.pinned(count * HEADER);
    this.#vectors = sys.pinned(count * IOVEC);
    this.#names = sys.pinned(count * NAME);
    const bytes = sys.pinned(count * size);
    this.buffers = Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
    const [vectors, names, base] = [this.#vectors, this.#names, bytes].map(sys.addressOf) as [bigint, bigint, bigint];
    for (let at = 0; at < count; at++) {
      this.#vectors.writeBigUInt64LE(base + BigInt(at * size), at * IOVEC);
      this.#headers.writeBigUInt64LE(names + BigInt(at * NAME), at * HEADER);
      this.#headers.writeBigUInt64LE(vectors + BigInt(at * IOVEC), at * HEADER + 16);
      this.#headers.writeBigUInt64LE(1n, at * HEADER + 24);
    }
  }

  /** Takes what waits: how many, and whether more may. */
  receive(fd: number): { count: number; isFull: boolean } {
    for (let at = 0; at < this.#used; at++) {
      this.#headers.writeUInt32LE(NAME_SIZE, at * HEADER + NAME_LENGTH_AT);
      this.#vectors.writeUInt32LE(this.#size, at * IOVEC + 8);
    }
    const count = sys.retry(() => sys.recvmmsg(fd, this.#headers, this.#count, MSG_DONTWAIT, null));
    this.#used = Math.max(count, 0);
    return { count: this.#used, isFull: count === this.#count };
  }

  /** Bytes of a datagram that was received. */
  lengthOf(at: number): number {
    return this.#headers.readUInt32LE(at * HEADER + LENGTH_AT);
  }

  /** Who sent it, for `sendDatagram`: a copy. */
  senderOf(at: number): Buffer {
    const length = this.#headers.readUInt32LE(at * HEADER + NAME_LENGTH_AT);
    return Buffer.from(this.#names.subarray(at * NAME, at * NAME + Math.min(length, NAME_SIZE)));
  }

  /** The 4 or 16 bytes of its sender's address: a view, until the next call. */
  fromOf(at: number): Uint8Array {
    return addressIn(this.#names.subarray(at * NAME, at * NAME + NAME_SIZE));
  }

  /** The bytes in its buffer that go back to who sent it; 0 for none. */
  answer(at: number, length: number): void {
    this.#vectors.writeUInt32LE(length, at * IOVEC + 8);
  }

  /** Sends the answers of the first `count`. What cannot be sent now is lost, as datagrams are. */
  send(fd: number, count: number): void {
    for (let at = 0; at < count; ) {
      if (this.#vectors.readUInt32LE(at * IOVEC + 8) === 0) {
        at++;
        continue;
      }
      let end = at + 1;
      while (end < count && this.#vectors.readUInt32LE(end * IOVEC + 8) !== 0) end++;
      const sent = sys.retry(() => sys.sendmmsg(fd, this.#headers.subarray(at * HEADER), end - at, MSG_DONTWAIT));
      // The first of them could not be sent: on with the next.
      at += Math.max(sent, 1);
    }
  }
}
