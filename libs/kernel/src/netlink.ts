// A netlink socket: opened inside a namespace's window, used from anywhere, closed soon (an open one pins the namespace).
// Requests go many to one send(); each is acknowledged on its own, a failing one does not stop the next.
// `withNetlink` closes it by itself; whoever takes `openNetlink` closes it within the same turn.
import type { KernelError } from './error.ts';
import { inNamespace } from './namespace.ts';
import {
  eachMessage,
  encode,
  type Message,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_ECHO,
  NLMSG_DONE,
  NLMSG_ERROR,
  type Request,
  readAck,
} from './netlink-frame.ts';
import * as sys from './syscalls.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
export const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
const EADDRINUSE = 98;
const EMSGSIZE = 90;

// Acks queue in our receive buffer while send() runs: so many requests a send keep far below it.
const REQUESTS_PER_SEND = 64;
const BYTES_PER_SEND = 64 * 1024;
const TRANSACTION_BYTES = 16 * 1024 * 1024;
// A dump that changes stay ahead of this often is reported (EINTR), not looped on.
const DUMP_TRIES = 20;

/** What became of a request. */
export interface Ack {
  readonly error: KernelError | undefined;
  /** What the kernel echoed or answered, when it was asked to; bytes of its own. */
  readonly reply: Message | undefined;
}

// Port ids of our own choice tell our changes from others' in notifications. Bit 30 set: the kernel's own choices are the
// process id (22 bits) or negative, so they never meet.
const OWN_BASE = (0x40000000 | (process.pid << 8)) >>> 0;
let nextPort = 0;

/**
 * True when a notification's port id says that this process caused it. Most say 0: the kernel names the cause only where it
 * is direct, and of links only when an echo was asked for. So true is certain and false says nothing: compare the state.
 */
export const isOwnPort = (port: number): boolean => (port & ~0xff) >>> 0 === OWN_BASE;

export const option = (value: number): Buffer => {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
};

/** Sets an option that may be missing on an old kernel: its absence costs comfort, not correctness. */
const trySetOption = (fd: number, level: number, name: number, value: number): void => {
  sys.setsockopt(fd, level, name, option(value), 4);
};

const bindOwnPort = (fd: number, operation: string): number => {
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  for (let tries = 0; tries < 256; tries++) {
    nextPort = (nextPort + 1) & 0xff;
    const port = (OWN_BASE | nextPort) >>> 0;
    address.writeUInt32LE(port, 4);
    if (sys.bind(fd, address, 12) === 0) return port;
    if (sys.lastErrno() !== EADDRINUSE) throw sys.kernelError(operation, sys.lastErrno());
  }
  throw sys.kernelError(operation, EADDRINUSE);
};

/** Opens and binds a raw netlink socket in the calling thread's namespace. For this lib's own files. */
export const openSocket = (protocol: number, receiveBytes: number): { fd: number; port: number } => {
  const operation = 'open netlink socket';
  const fd = sys.check(sys.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), operation);
  try {
    trySetOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    trySetOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
    trySetOption(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
    if (receiveBytes > 0) trySetOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes);
    // An nft transaction is one send, however large.
    if (protocol === NETLINK_NETFILTER) trySetOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, TRANSACTION_BYTES);
    return { fd, port: bindOwnPort(fd, operation) };
  } catch (error) {
    sys.close(fd);
    throw error;
  }
};

// Shared by all sockets of this thread: every use of it is over before the next begins. Dumps come in pieces of 32 KiB.
let receiveBuffer = sys.pinned(64 * 1024);

export class NetlinkSocket {
  readonly fd: number;
  readonly #port: number;
  #sequence = 1;

  /** For this lib's own files; others use `withNetlink`. */
  constructor(protocol: number) {
    const { fd, port } = openSocket(protocol, 0);
    this.fd = fd;
    this.#port = port;
  }

  close(): void {
    sys.close(this.fd);
  }

  /**
   * Sends the requests and returns what became of each, in order. With `echo`, replies carry the new object.
   * Throws KernelError only when the socket itself fails.
   */
  batch(requests: readonly Request[], { echo = false } = {}): Ack[] {
    const acks: Ack[] = [];
    for (let at = 0; at < requests.length; ) {
      const frames: Buffer[] = [];
      let bytes = 0;
      const first = this.#sequence;
      while (at < requests.length && frames.length < REQUESTS_PER_SEND && bytes < BYTES_PER_SEND) {
        const frame = this.#encode(requests[at++] as Request, NLM_F_ACK | (echo ? NLM_F_ECHO : 0));
        frames.push(frame);
        bytes += frame.length;
      }
      this.send(frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames, bytes));
      this.#collect(requests, acks, first, frames.length);
    }
    return acks;
  }

  /** Sends one request; throws its KernelError; returns the reply, if any. */
  request(request: Request, options: { echo?: boolean } = {}): Message | undefined {
    const [ack] = this.batch([request], options);
    if (ack?.error !== undefined) throw ack.error;
    return ack?.reply;
  }

  /** Reads a whole table, once more from the start whenever it changed meanwhile. Throws KernelError. */
  dump<T>(request: Request, parse: (message: Message) => T | undefined): T[] {
    let found: T[] = [];
    for (let tries = 0; tries < DUMP_TRIES; tries++) {
      found = [];
      const sequence = this.#sequence;
      this.send(this.#encode(request, NLM_F_DUMP));
      let done = false;
      let interrupted = false;
      while (!done) {
        eachMessage(receiveBuffer, this.receive(request.operation), (message) => {
          if (message.sequence !== sequence) return;
          if ((message.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true;
          if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR) {
            done = true;
            const error = readAck(message, request.operation);
            if (error !== undefined) throw error;
          } else {
            const item = parse(message);
            if (item !== undefined) found.push(item);
          }
        });
      }
      if (!interrupted) return found;
    }
    throw sys.kernelError(request.operation, sys.EINTR, 'the table kept changing while it was read');
  }

  /** Sends raw bytes. For this lib's own files. */
  send(bytes: Uint8Array): void {
    sys.check(
      sys.retry(() => sys.send(this.fd, bytes, bytes.length, 0)),
      'send to netlink',
    );
  }

  /** Starts a send on a pool thread and returns at once; `sent` gets the errno, 0 for success. For this lib's own files. */
  sendAsync(bytes: Uint8Array, sent: (errno: number) => void): void {
    sys.send.async(this.fd, bytes, bytes.length, 0, (error, result) => {
      // Naming `bytes` here keeps them alive until the kernel has read them.
      sent(error === null && result === bytes.length ? 0 : sys.lastErrno());
    });
  }

  /** Receives one datagram into the shared buffer; returns its length. For this lib's own files. */
  receive(operation: string, flags = 0): number {
    const length = sys.check(
      sys.retry(() => sys.recv(this.fd, receiveBuffer, receiveBuffer.length, flags | MSG_TRUNC)),
      operation,
    );
    if (length > receiveBuffer.length) {
      receiveBuffer = sys.pinned(length * 2);
      throw sys.kernelError(
        operation,
        EMSGSIZE,
        `a message of ${length} bytes did not fit; the next one of this size will`,
      );
    }
    return length;
  }

  /** Visits the messages of the datagram that `receive` got. */
  eachReceived(length: number, visit: (message: Message) => void): void {
    eachMessage(receiveBuffer, length, visit);
  }

  nextSequence(): number {
    const sequence = this.#sequence;
    // 0 is what notifications carry, so it is skipped on wrap.
    this.#sequence = this.#sequence >= 0xffffffff ? 1 : this.#sequence + 1;
    return sequence;
  }

  #encode(request: Request, flags: number): Buffer {
    return encode(request, flags, this.nextSequence(), this.#port);
  }

  #collect(requests: readonly Request[], acks: Ack[], first: number, count: number): void {
    const base = acks.length;
    const replies = new Map<number, Message>();
    for (let missing = count; missing > 0; ) {
      this.eachReceived(this.receive('await netlink acks'), (message) => {
        const at = (message.sequence - first) >>> 0;
        if (at >= count) return;
        if (message.type !== NLMSG_ERROR) {
          // The shared buffer is overwritten by the next datagram: a reply that is kept is copied.
          const bytes = Buffer.from(message.buffer.subarray(message.from, message.to));
          replies.set(at, { ...message, buffer: bytes, from: 0, to: bytes.length });
          return;
        }
        const operation = requests[base + at]?.operation ?? 'netlink request';
        acks[base + at] = { error: readAck(message, operation), reply: replies.get(at) };
        missing--;
      });
    }
  }
}

/** Opens an rtnetlink socket bound to a namespace (undefined: the thread's own). The caller closes it, soon. Throws KernelError. */
export const openNetlink = (namespace: string | undefined): NetlinkSocket =>
  inNamespace(namespace, () => new NetlinkSocket(NETLINK_ROUTE));

/**
 * Opens a socket for nftables' elements, bound to a namespace (undefined: the thread's own). Closing one waits until the kernel
 * has freed all that was deleted there (some 10 ms), whoever deleted it: keep it where you can. Throws KernelError.
 */
export const openNetfilter = (namespace: string | undefined): NetlinkSocket =>
  inNamespace(namespace, () => new NetlinkSocket(NETLINK_NETFILTER));

/** Runs `use` with a socket bound to a namespace (undefined: the thread's own) and closes it. Throws KernelError. */
export const withSocket = <T>(
  protocol: number,
  namespace: string | undefined,
  use: (socket: NetlinkSocket) => T,
): T => {
  const socket = inNamespace(namespace, () => new NetlinkSocket(protocol));
  try {
    return use(socket);
  } finally {
    socket.close();
  }
};

/** The same for rtnetlink: links, addresses, routes, neighbours, namespace ids. About 15 us over the requests themselves. */
export const withNetlink = <T>(namespace: string | undefined, use: (socket: NetlinkSocket) => T): T =>
  withSocket(NETLINK_ROUTE, namespace, use);
