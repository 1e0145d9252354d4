// Routes: requests to add, replace and delete, and what the kernel has.
import { AF_INET, AF_INET6, ipBytes, ipText, prefix } from './address-text.ts';
import * as attr from './attributes.ts';
import type { NetlinkSocket } from './netlink.ts';
import { type Message, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, type Request } from './netlink-frame.ts';

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, TABLE: 15 } as const;
export const TABLE_MAIN = 254;
const SCOPE_LINK = 253;
const RTN_UNICAST = 1;
const RTPROT_STATIC = 4;
const RTNH_F_ONLINK = 4;
const RTM_F_CLONED = 0x200;

export interface RouteSpec {
  /** "0.0.0.0/0" or "::/0" for the default route. */
  readonly destination: string;
  readonly via?: string;
  /** Index of the outgoing link. */
  readonly link?: number;
  /** The gateway is reached through `link` although no route says so. */
  readonly onLink?: boolean;
  readonly source?: string;
  /** Smaller is preferred; absent: the kernel's own (0 for IPv4, 1024 for IPv6). */
  readonly metric?: number;
  /** rtm_protocol, the mark of who made it; absent: "static". */
  readonly protocol?: number;
  /** Default: main. */
  readonly table?: number;
}

export interface Route {
  readonly destination: string;
  readonly via: string | undefined;
  readonly link: number | undefined;
  readonly source: string | undefined;
  readonly metric: number;
  readonly protocol: number;
  readonly table: number;
  readonly scope: number;
  /** 1 unicast, 2 local, 3 broadcast, 5 multicast, 6 blackhole, 7 unreachable. */
  readonly type: number;
}

const body = (spec: RouteSpec): Buffer => {
  const { family, bytes, length } = prefix(spec.destination);
  const table = spec.table ?? TABLE_MAIN;
  const header = Buffer.alloc(12);
  header.writeUInt8(family, 0);
  header.writeUInt8(length, 1);
  header.writeUInt8(table < 256 ? table : 0, 4);
  header.writeUInt8(spec.protocol ?? RTPROT_STATIC, 5);
  header.writeUInt8(spec.via === undefined && family === AF_INET ? SCOPE_LINK : 0, 6);
  header.writeUInt8(RTN_UNICAST, 7);
  header.writeUInt32LE(spec.onLink === true ? RTNH_F_ONLINK : 0, 8);
  return attr.body(
    header,
    length === 0 ? undefined : attr.bytes(RTA.DST, bytes),
    attr.when(spec.via, (via) => attr.bytes(RTA.GATEWAY, ipBytes(via))),
    attr.when(spec.link, (link) => attr.u32(RTA.OIF, link)),
    attr.when(spec.source, (source) => attr.bytes(RTA.PREFSRC, ipBytes(source))),
    attr.when(spec.metric, (metric) => attr.u32(RTA.PRIORITY, metric)),
    attr.u32(RTA.TABLE, table),
  );
};

const phrase = ({ destination, via, link }: RouteSpec): string =>
  [
    destination.endsWith('/0') ? 'default' : destination,
    ...(via === undefined ? [] : ['via', via]),
    ...(link === undefined ? [] : ['link', link]),
  ].join(' ');

/** EEXIST when the destination has a route of that metric; ENETUNREACH or EINVAL when the gateway cannot be reached. */
export const addRoute = (spec: RouteSpec): Request => ({
  operation: `add route ${phrase(spec)}`,
  type: RTM_NEWROUTE,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  body: body(spec),
});

/** Adds the route or puts it in the place of the one with its destination and metric. */
export const replaceRoute = (spec: RouteSpec): Request => ({
  operation: `replace route ${phrase(spec)}`,
  type: RTM_NEWROUTE,
  flags: NLM_F_CREATE | NLM_F_REPLACE,
  body: body(spec),
});

/** ESRCH when there is none. What is given must match, the protocol too. */
export const deleteRoute = (spec: RouteSpec): Request => ({
  operation: `delete route ${phrase(spec)}`,
  type: RTM_DELROUTE,
  flags: 0,
  body: body(spec),
});

/** Reads the body of an RTM_NEWROUTE or RTM_DELROUTE. */
export const readRoute = ({ buffer, from, to }: Message): Route => {
  const family = buffer.readUInt8(from);
  let destination = family === AF_INET ? '0.0.0.0' : '::';
  let via: string | undefined;
  let link: number | undefined;
  let source: string | undefined;
  let metric = 0;
  let table = buffer.readUInt8(from + 4);
  attr.walk(buffer, from + 12, to, (type, start, end) => {
    if (type === RTA.DST) destination = ipText(buffer.subarray(start, end));
    else if (type === RTA.GATEWAY) via = ipText(buffer.subarray(start, end));
    else if (type === RTA.OIF) link = buffer.readUInt32LE(start);
    else if (type === RTA.PREFSRC) source = ipText(buffer.subarray(start, end));
    else if (type === RTA.PRIORITY) metric = buffer.readUInt32LE(start);
    else if (type === RTA.TABLE) table = buffer.readUInt32LE(start);
  });
  return {
    destination: `${destination}/${buffer.readUInt8(from + 1)}`,
    via,
    link,
    source,
    metric,
    protocol: buffer.readUInt8(from + 5),
    table,
    scope: buffer.readUInt8(from + 6),
    type: buffer.readUInt8(from + 7),
  };
};

/** Routes of both families in a table (default main), or those of one link or protocol (the kernel filters). */
export const dumpRoutes = (
  socket: NetlinkSocket,
  { table = TABLE_MAIN, link, protocol }: { table?: number; link?: number; protocol?: number } = {},
): Route[] =>
  [AF_INET, AF_INET6].flatMap((family) => {
    const header = Buffer.alloc(12);
    header.writeUInt8(family, 0);
    header.writeUInt8(protocol ?? 0, 5);
    const request = {
      operation: 'list routes',
      type: RTM_GETROUTE,
      flags: 0,
      body: attr.body(
        header,
        attr.u32(RTA.TABLE, table),
        attr.when(link, (index) => attr.u32(RTA.OIF, index)),
      ),
    };
    return socket.dump(request, (message) =>
      (message.buffer.readUInt32LE(message.from + 8) & RTM_F_CLONED) !== 0 ? undefined : readRoute(message),
    );
  });
