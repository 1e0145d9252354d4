// Connection tracking by ctnetlink: what flows the kernel follows, and making it forget some. A flow keeps the way that its first
// packet took: a UDP client that goes on talking never sees that the port it talks to leads elsewhere now.

import { ipText } from './address-text.ts';
import * as attr from './attributes.ts';
import { ERRNO, type KernelError } from './error.ts';
import type { NetlinkSocket } from './netlink.ts';
import type { Message, Request } from './netlink-frame.ts';

const SUBSYSTEM = 1;
const MSG = { GET: 1, DELETE: 2 } as const;
const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, ID: 12, ZONE: 18 } as const;
const TUPLE = { IP: 1, PROTO: 2 } as const;
const IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
const PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;
const NESTED = 0x8000;
const HEADER = 4;

/** One direction of a flow. Ports are 0 for protocols that have none. */
export interface FlowTuple {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

export interface Flow {
  /** The IP protocol's number: 6 TCP, 17 UDP, 132 SCTP. */
  readonly protocol: number;
  /** As the first packet had it. */
  readonly original: FlowTuple;
  /** As answers have it: its source is who really answers. */
  readonly reply: FlowTuple;
  /** What names it to the kernel, for `forgetFlows`. */
  readonly family: number;
  readonly name: Buffer;
}

const readTuple = (buffer: Buffer, from: number, to: number): FlowTuple & { protocol: number } => {
  const found = { protocol: 0, source: '', sourcePort: 0, destination: '', destinationPort: 0 };
  attr.walk(buffer, from, to, (part, start, end) => {
    attr.walk(buffer, start, end, (type, at, until) => {
      if (part === TUPLE.IP) {
        const text = ipText(buffer.subarray(at, until));
        if (type === IP.V4_SRC || type === IP.V6_SRC) found.source = text;
        else if (type === IP.V4_DST || type === IP.V6_DST) found.destination = text;
      } else if (part === TUPLE.PROTO) {
        if (type === PROTO.NUM) found.protocol = buffer.readUInt8(at);
        else if (type === PROTO.SRC_PORT) found.sourcePort = buffer.readUInt16BE(at);
        else if (type === PROTO.DST_PORT) found.destinationPort = buffer.readUInt16BE(at);
      }
    });
  });
  return found;
};

const readFlow = ({ buffer, from, to }: Message): Flow => {
  let original = readTuple(buffer, 0, 0);
  let reply: FlowTuple = original;
  const name: Buffer[] = [];
  attr.walk(buffer, from + HEADER, to, (type, start, end) => {
    if (type === CTA.TUPLE_ORIG) original = readTuple(buffer, start, end);
    else if (type === CTA.TUPLE_REPLY) reply = readTuple(buffer, start, end);
    // The id too: a younger flow of the same tuple is another one.
    if (type === CTA.TUPLE_ORIG || type === CTA.ID || type === CTA.ZONE) {
      const nested = type === CTA.TUPLE_ORIG ? NESTED : 0;
      name.push(attr.bytes(type | nested, buffer.subarray(start, end)));
    }
  });
  const { protocol, ...tuple } = original;
  return { protocol, original: tuple, reply, family: buffer.readUInt8(from), name: Buffer.concat(name) };
};

const request = (message: number, operation: string, family: number, name?: Buffer): Request => ({
  operation,
  type: (SUBSYSTEM << 8) | message,
  flags: 0,
  body: attr.body(Buffer.from([family, 0, 0, 0]), name),
});

/** The flows of both families that `keep` is true for, through a socket of openNetfilter. Throws KernelError. */
export const dumpFlows = (socket: NetlinkSocket, keep: (flow: Flow) => boolean = () => true): Flow[] =>
  socket.dump(request(MSG.GET, 'list connections', 0), (message) => {
    const flow = readFlow(message);
    return keep(flow) ? flow : undefined;
  });

/** Makes the kernel forget flows: their next packet is looked at as a first one. Returns what it would not forget. */
export const forgetFlows = (socket: NetlinkSocket, flows: readonly Flow[]): KernelError[] =>
  socket
    .batch(
      flows.map(({ family, name, original: { source, destination, destinationPort } }) =>
        request(MSG.DELETE, `forget the flow from ${source} to ${destination} port ${destinationPort}`, family, name),
      ),
    )
    .flatMap(({ error }) => (error === undefined || error.errno === ERRNO.ENOENT ? [] : [error]));
