// Netlink framing: requests to bytes, bytes to messages, acks to errors with the kernel's extended ack. Pure.
import { align4, readText, walk } from './attributes.ts';
import type { KernelError } from './error.ts';
import { kernelError } from './syscalls.ts';

const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_ECHO = 0x8;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
const NLMSG_HEADER = 16;
const NLMSGERR_ATTR_MSG = 1;
const NLMSGERR_ATTR_OFFS = 2;

/** One message to the kernel: a value, built by link.ts and its like. */
export interface Request {
  /** What it does, as a phrase for errors: `create bridge "br-0123"`. */
  readonly operation: string;
  readonly type: number;
  /** NLM_F_CREATE and the like; REQUEST and ACK are added when sent. */
  readonly flags: number;
  /** Family header and attributes. */
  readonly body: Uint8Array;
}

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Who caused it, in notifications; the receiver's own port in replies. */
  readonly port: number;
  readonly buffer: Buffer;
  /** Where the body lies in the buffer. */
  readonly from: number;
  readonly to: number;
}

/** Bytes of a request on the wire, with its sequence number and flags in place. */
export const encode = (request: Request, flags: number, sequence: number, port: number): Buffer => {
  const length = NLMSG_HEADER + request.body.length;
  const buffer = Buffer.alloc(align4(length));
  buffer.writeUInt32LE(length, 0);
  buffer.writeUInt16LE(request.type, 4);
  buffer.writeUInt16LE(NLM_F_REQUEST | request.flags | flags, 6);
  buffer.writeUInt32LE(sequence >>> 0, 8);
  buffer.writeUInt32LE(port >>> 0, 12);
  buffer.set(request.body, NLMSG_HEADER);
  return buffer;
};

/** Calls `visit` for each message of a datagram. */
export const eachMessage = (buffer: Buffer, length: number, visit: (message: Message) => void): void => {
  for (let at = 0; at + NLMSG_HEADER <= length; ) {
    const size = buffer.readUInt32LE(at);
    if (size < NLMSG_HEADER || at + size > length) return;
    visit({
      type: buffer.readUInt16LE(at + 4),
      flags: buffer.readUInt16LE(at + 6),
      sequence: buffer.readUInt32LE(at + 8),
      port: buffer.readUInt32LE(at + 12),
      buffer,
      from: at + NLMSG_HEADER,
      to: at + size,
    });
    at += align4(size);
  }
};

/** The error in an NLMSG_ERROR or NLMSG_DONE, with extended ack; undefined when it is a success. */
export const readAck = (message: Message, operation: string): KernelError | undefined => {
  const { buffer, from, to } = message;
  if (to - from < 4) return undefined;
  const errno = -buffer.readInt32LE(from);
  if (errno === 0) return undefined;
  let detail: string | undefined;
  let offset: number | undefined;
  if ((message.flags & NLM_F_ACK_TLVS) !== 0) {
    // After the error number: the request's header alone when CAPPED, else the whole request. A DONE carries no request.
    let tlvs = from + 4;
    if (message.type === NLMSG_ERROR) {
      const capped = (message.flags & NLM_F_CAPPED) !== 0;
      tlvs += capped ? NLMSG_HEADER : align4(buffer.readUInt32LE(from + 4));
    }
    walk(buffer, tlvs, to, (type, start, end) => {
      if (type === NLMSGERR_ATTR_MSG) detail = readText(buffer, start, end);
      if (type === NLMSGERR_ATTR_OFFS) offset = buffer.readUInt32LE(start);
    });
  }
  return kernelError(operation, errno, detail, offset);
};
