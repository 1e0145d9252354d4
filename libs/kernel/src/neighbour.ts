// Where MAC addresses are and whose addresses they have: a VXLAN link's forwarding table (MAC to host), its bridge's (MAC to
// port), and its neighbours (address to MAC). None of them can be marked: they go with the link.
import { AF_BRIDGE, AF_INET, AF_INET6, ipBytes, ipText, macBytes, macText, prefix } from './address-text.ts';
import * as attr from './attributes.ts';
import type { NetlinkSocket } from './netlink.ts';
import { type Message, NLM_F_CREATE, NLM_F_REPLACE, type Request } from './netlink-frame.ts';

const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;
const NDA = { DST: 1, LLADDR: 2, IFINDEX: 8, MASTER: 9 } as const;
const NUD_NOARP = 0x40;
const NUD_PERMANENT = 0x80;
const NTF_SELF = 0x02;
const NTF_MASTER = 0x04;
const NTF_EXT_LEARNED = 0x10;

/** struct ndmsg. */
const header = (family: number, link: number, state = 0, flags = 0): Buffer => {
  const buffer = Buffer.alloc(12);
  buffer.writeUInt8(family, 0);
  buffer.writeInt32LE(link, 4);
  buffer.writeUInt16LE(state, 8);
  buffer.writeUInt8(flags, 10);
  return buffer;
};

type Verb = 'put' | 'delete';
const request = (verb: Verb, what: string, ...body: Buffer[]): Request => ({
  operation: `${verb} ${what}`,
  type: verb === 'put' ? RTM_NEWNEIGH : RTM_DELNEIGH,
  flags: verb === 'put' ? NLM_F_CREATE | NLM_F_REPLACE : 0,
  body: attr.body(...body),
});

/**
 * The MAC is at the host of that address. Putting replaces what was said before. EAFNOSUPPORT or EINVAL when the address is not of the
 * family of the link's own; ENOENT when there is none to delete.
 */
export const remoteMac = (verb: Verb, link: number, mac: string, remote: string): Request =>
  request(
    verb,
    `forwarding of ${mac} to ${remote} by link ${link}`,
    header(AF_BRIDGE, link, NUD_PERMANENT, NTF_SELF),
    attr.bytes(NDA.LLADDR, macBytes(mac)),
    attr.bytes(NDA.DST, ipBytes(remote)),
  );

/** The MAC is behind this port of the bridge that the link is a port of. ENOENT when there is none to delete. */
export const portMac = (verb: Verb, link: number, mac: string): Request =>
  request(
    verb,
    `forwarding of ${mac} to port ${link}`,
    header(AF_BRIDGE, link, NUD_NOARP, NTF_MASTER | NTF_EXT_LEARNED),
    attr.bytes(NDA.LLADDR, macBytes(mac)),
  );

/** The address has the MAC, for good: such entries are not counted against the kernel's gc_thresh. ENOENT when there is none to delete. */
export const neighbour = (verb: Verb, link: number, address: string, mac: string): Request =>
  request(
    verb,
    `neighbour ${address} of link ${link}`,
    header(prefix(address).family, link, NUD_PERMANENT),
    attr.bytes(NDA.DST, ipBytes(address)),
    ...(verb === 'put' ? [attr.bytes(NDA.LLADDR, macBytes(mac))] : []),
  );

export interface Forwarding {
  readonly mac: string;
  /** At that host; undefined for a MAC that the bridge has behind the port. */
  readonly remote: string | undefined;
  /** It was put, not learnt. */
  readonly isStatic: boolean;
}

const readForwarding = ({ buffer, from, to }: Message): Forwarding | undefined => {
  const state = buffer.readUInt16LE(from + 8);
  let mac = '';
  let remote: string | undefined;
  let isBridges = false;
  attr.walk(buffer, from + 12, to, (type, start, end) => {
    if (type === NDA.LLADDR) mac = macText(buffer.subarray(start, end));
    else if (type === NDA.DST) remote = ipText(buffer.subarray(start, end));
    else if (type === NDA.MASTER) isBridges = true;
  });
  // As portMac puts it; the kernel shows such a one as reachable, and keeps it all the same.
  if (isBridges) return { mac, remote: undefined, isStatic: (buffer.readUInt8(from + 10) & NTF_EXT_LEARNED) !== 0 };
  return { mac, remote: remote ?? '', isStatic: (state & NUD_PERMANENT) !== 0 };
};

/** What a link and its bridge know of MACs behind the link. */
export const dumpForwardings = (socket: NetlinkSocket, link: number): Forwarding[] =>
  socket.dump(
    { operation: 'list forwardings', type: RTM_GETNEIGH, flags: 0, body: header(AF_BRIDGE, link) },
    readForwarding,
  );

export interface Neighbour {
  readonly address: string;
  readonly mac: string;
  readonly isPermanent: boolean;
}

/** Addresses of a link's neighbours, of both families. */
export const dumpNeighbours = (socket: NetlinkSocket, link: number): Neighbour[] =>
  [AF_INET, AF_INET6].flatMap((family) => {
    const body = attr.body(header(family, 0), attr.u32(NDA.IFINDEX, link));
    return socket.dump(
      { operation: 'list neighbours', type: RTM_GETNEIGH, flags: 0, body },
      ({ buffer, from, to }): Neighbour | undefined => {
        if (buffer.readInt32LE(from + 4) !== link) return undefined;
        let address = '';
        let mac = '';
        attr.walk(buffer, from + 12, to, (type, start, end) => {
          if (type === NDA.DST) address = ipText(buffer.subarray(start, end));
          else if (type === NDA.LLADDR) mac = macText(buffer.subarray(start, end));
        });
        return { address, mac, isPermanent: (buffer.readUInt16LE(from + 8) & NUD_PERMANENT) !== 0 };
      },
    );
  });
