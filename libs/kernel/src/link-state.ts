// A link as the kernel tells of it: in answers, dumps and notifications alike.
import { macText } from './address-text.ts';
import { readText, walk } from './attributes.ts';
import { ERRNO, KernelError } from './error.ts';
import { getLink, IFF_UP, IFLA, IFLA_INFO, type LinkRef, listLinks, PORT_ATTRIBUTES, type PortFlags } from './link.ts';
import { type LinkDetail, readDetail } from './link-kinds.ts';
import type { NetlinkSocket } from './netlink.ts';
import type { Message } from './netlink-frame.ts';
import { readVxlan, type Vxlan } from './vxlan.ts';

export interface Link {
  readonly index: number;
  readonly name: string;
  /** "veth", "bridge", ...; undefined for hardware and lo. */
  readonly kind: string | undefined;
  readonly up: boolean;
  readonly flags: number;
  /** Bytes. */
  readonly mtu: number;
  readonly mac: string | undefined;
  /** 0 when it was never set. */
  readonly group: number;
  /** Index of the bridge or bond it is a port of. */
  readonly master: number | undefined;
  readonly alias: string | undefined;
  /** Index of a veth's other end, or of the link that a vlan, macvlan or ipvlan is made on, in the namespace of `peerNsid` (undefined: the same). */
  readonly peer: number | undefined;
  readonly peerNsid: number | undefined;
  /** Present when it is a bridge's port. */
  readonly port: Required<PortFlags> | undefined;
  /** It is a bridge's port and passes frames on. */
  readonly isForwarding: boolean;
  /** What its kind has of its own. */
  readonly detail: LinkDetail;
  /** Present when it is a VXLAN link. */
  readonly vxlan: Vxlan | undefined;
}

const readPort = (buffer: Buffer, from: number, to: number): Required<PortFlags> => {
  const set = new Set<number>();
  walk(buffer, from, to, (type, start) => {
    if (buffer[start] !== 0) set.add(type);
  });
  const flag = (name: keyof PortFlags) => set.has(PORT_ATTRIBUTES[name]);
  return {
    hairpin: flag('hairpin'),
    isolated: flag('isolated'),
    learning: flag('learning'),
    unicastFlood: flag('unicastFlood'),
    multicastFlood: flag('multicastFlood'),
    broadcastFlood: flag('broadcastFlood'),
    neighbourSuppress: flag('neighbourSuppress'),
  };
};

// IFLA_BRPORT_STATE, and its value for a port that passes frames on.
const BRPORT_STATE = 1;
const BR_STATE_FORWARDING = 3;

const readPortState = (buffer: Buffer, from: number, to: number): number | undefined => {
  let state: number | undefined;
  walk(buffer, from, to, (type, start) => {
    if (type === BRPORT_STATE) state = buffer[start];
  });
  return state;
};

/** Reads the body of an RTM_NEWLINK or RTM_DELLINK. */
export const readLink = ({ buffer, from, to }: Message): Link => {
  const index = buffer.readInt32LE(from + 4);
  const flags = buffer.readUInt32LE(from + 8);
  let name = '';
  let kind: string | undefined;
  let mtu = 0;
  let mac: string | undefined;
  let group = 0;
  let master: number | undefined;
  let alias: string | undefined;
  let peer: number | undefined;
  let peerNsid: number | undefined;
  let port: Required<PortFlags> | undefined;
  let isForwarding = false;
  let detail: LinkDetail = {};
  let vxlan: Vxlan | undefined;
  walk(buffer, from + 16, to, (type, start, end) => {
    if (type === IFLA.IFNAME) name = readText(buffer, start, end);
    else if (type === IFLA.MTU) mtu = buffer.readUInt32LE(start);
    else if (type === IFLA.ADDRESS && end - start === 6) mac = macText(buffer.subarray(start, end));
    else if (type === IFLA.GROUP) group = buffer.readUInt32LE(start);
    else if (type === IFLA.MASTER) master = buffer.readUInt32LE(start);
    else if (type === IFLA.IFALIAS) alias = readText(buffer, start, end);
    else if (type === IFLA.LINK) peer = buffer.readUInt32LE(start);
    else if (type === IFLA.LINK_NETNSID) peerNsid = buffer.readInt32LE(start);
    else if (type === IFLA.LINKINFO) {
      let slave = '';
      walk(buffer, start, end, (info, infoStart, infoEnd) => {
        if (info === IFLA_INFO.KIND) kind = readText(buffer, infoStart, infoEnd);
        else if (info === IFLA_INFO.DATA) {
          detail = readDetail(kind ?? '', buffer, infoStart, infoEnd);
          if (kind === 'vxlan') vxlan = readVxlan(buffer, infoStart, infoEnd);
        } else if (info === IFLA_INFO.SLAVE_KIND) slave = readText(buffer, infoStart, infoEnd);
        else if (info === IFLA_INFO.SLAVE_DATA && slave === 'bridge') {
          port = readPort(buffer, infoStart, infoEnd);
          isForwarding = readPortState(buffer, infoStart, infoEnd) === BR_STATE_FORWARDING;
        }
      });
    }
  });
  const up = (flags & IFF_UP) !== 0;
  const base = { index, name, kind, up, flags, mtu, mac, group, master, alias, peer, peerNsid, port, isForwarding };
  return { ...base, detail, vxlan };
};

/** One link, or undefined when there is none of that name or index. Throws KernelError on anything else. */
export const findLink = (socket: NetlinkSocket, ref: LinkRef): Link | undefined => {
  try {
    const reply = socket.request(getLink(ref));
    return reply && readLink(reply);
  } catch (error) {
    if (error instanceof KernelError && error.errno === ERRNO.ENODEV) return undefined;
    throw error;
  }
};

/** Several links in one send; undefined where there is none. */
export const findLinks = (socket: NetlinkSocket, refs: readonly LinkRef[]): (Link | undefined)[] =>
  socket.batch(refs.map(getLink)).map(({ error, reply }) => {
    if (error !== undefined && error.errno !== ERRNO.ENODEV) throw error;
    return reply && readLink(reply);
  });

/** All links of the socket's namespace, or those of one master or kind. */
export const dumpLinks = (socket: NetlinkSocket, filter?: Parameters<typeof listLinks>[0]): Link[] =>
  socket.dump(listLinks(filter), readLink);
