// Requests that make, change and delete links. Values only: netlink.ts sends them.
// A link is marked in the message that creates it (name, group): an alias given there is ignored by the kernel.
import { AF_BRIDGE, macBytes } from './address-text.ts';
import * as attr from './attributes.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type Request } from './netlink-frame.ts';

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;

export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  PROTINFO: 12,
  LINKINFO: 18,
  IFALIAS: 20,
  GROUP: 27,
  NET_NS_FD: 28,
  EXT_MASK: 29,
  NUM_TX_QUEUES: 31,
  NUM_RX_QUEUES: 32,
  LINK_NETNSID: 37,
} as const;
export const IFLA_INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const;
export const IFF_UP = 1;
const VETH_INFO_PEER = 1;
const EXCLUSIVE = NLM_F_CREATE | NLM_F_EXCL;

/** A link by index, or by its current name. */
export type LinkRef = number | string;

/** Flags of a bridge port, by the kernel's names. Absent ones stay as they are. */
export interface PortFlags {
  /** Send a frame back out of the port it came in: a container reaching its own published port needs it. */
  readonly hairpin?: boolean;
  /** Isolated ports talk to non-isolated ones only. */
  readonly isolated?: boolean;
  readonly learning?: boolean;
  readonly unicastFlood?: boolean;
  readonly multicastFlood?: boolean;
  readonly broadcastFlood?: boolean;
  readonly neighbourSuppress?: boolean;
}
/** Attribute number of each port flag, IFLA_BRPORT_*. */
export const PORT_ATTRIBUTES = {
  hairpin: 4,
  learning: 8,
  unicastFlood: 9,
  multicastFlood: 27,
  broadcastFlood: 30,
  neighbourSuppress: 32,
  isolated: 33,
} as const satisfies Record<keyof PortFlags, number>;

/** struct ifinfomsg. */
const header = (index: number, flags = 0, change = 0, family = 0): Buffer => {
  const buffer = Buffer.alloc(16);
  buffer.writeUInt8(family, 0);
  buffer.writeInt32LE(index, 4);
  buffer.writeUInt32LE(flags, 8);
  buffer.writeUInt32LE(change, 12);
  return buffer;
};

const upHeader = (index: number, up: boolean | undefined) =>
  up === undefined ? header(index) : header(index, up ? IFF_UP : 0, IFF_UP);

const byRef = (ref: LinkRef, up?: boolean): Buffer[] =>
  typeof ref === 'number' ? [upHeader(ref, up)] : [upHeader(0, up), attr.text(IFLA.IFNAME, ref)];

const show = (ref: LinkRef): string => (typeof ref === 'number' ? `${ref}` : `"${ref}"`);

const kind = (name: string, data?: Buffer) =>
  attr.nest(IFLA.LINKINFO, attr.text(IFLA_INFO.KIND, name), data && attr.nest(IFLA_INFO.DATA, data));

interface Common {
  readonly name: string;
  readonly group?: number;
  readonly mac?: string;
  /** Bytes. */
  readonly mtu?: number;
}

const common = (link: Common) => [
  attr.text(IFLA.IFNAME, link.name),
  attr.when(link.mac, (mac) => attr.bytes(IFLA.ADDRESS, macBytes(mac))),
  attr.when(link.mtu, (mtu) => attr.u32(IFLA.MTU, mtu)),
  attr.when(link.group, (group) => attr.u32(IFLA.GROUP, group)),
];

/**
 * Makes a link of any kind; `data` are the kind's own attributes (vxlan, macvlan, ... build theirs). EEXIST when the name is
 * taken. `lower` is the link it sits on, where the kind has one; `namespaceFd` the namespace it is made in, if not beside it.
 */
export const createLink = (
  link: Common & {
    readonly kind: string;
    readonly data?: Buffer;
    readonly lower?: number;
    readonly namespaceFd?: number;
    readonly up?: boolean;
  },
): Request => ({
  operation: `create ${link.kind} "${link.name}"`,
  type: RTM_NEWLINK,
  flags: EXCLUSIVE,
  body: attr.body(
    upHeader(0, link.up),
    ...common(link),
    attr.when(link.lower, (lower) => attr.u32(IFLA.LINK, lower)),
    attr.when(link.namespaceFd, (fd) => attr.u32(IFLA.NET_NS_FD, fd)),
    kind(link.kind, link.data),
  ),
});

/** Makes a bridge. Give it a MAC: a bridge without one of its own changes it as ports come and go. */
export const createBridge = (bridge: Common & { readonly up?: boolean }): Request =>
  createLink({ ...bridge, kind: 'bridge' });

export interface VethSpec extends Common {
  /** Bridge to be a port of, by index. EXFULL when it has its 1,023 ports. */
  readonly master?: number;
  readonly up?: boolean;
  readonly peer: {
    readonly name: string;
    readonly mac?: string;
    readonly mtu?: number;
    readonly group?: number;
    /** Namespace to be made in, as an open descriptor; absent: beside the host end. */
    readonly namespaceFd?: number;
  };
}

/**
 * Makes a veth pair with the peer in its namespace at once. One queue both ends: the default is one per possible CPU and costs
 * up to 5 times as much. The peer cannot be created up (ENOTCONN): raise it in its own namespace.
 */
export const createVeth = (veth: VethSpec): Request => {
  const oneQueue = [attr.u32(IFLA.NUM_TX_QUEUES, 1), attr.u32(IFLA.NUM_RX_QUEUES, 1)];
  const peer = attr.body(
    header(0),
    ...common(veth.peer),
    ...oneQueue,
    attr.when(veth.peer.namespaceFd, (fd) => attr.u32(IFLA.NET_NS_FD, fd)),
  );
  return {
    operation: `create veth "${veth.name}"`,
    type: RTM_NEWLINK,
    flags: EXCLUSIVE,
    body: attr.body(
      upHeader(0, veth.up),
      ...common(veth),
      ...oneQueue,
      attr.when(veth.master, (master) => attr.u32(IFLA.MASTER, master)),
      kind('veth', attr.nest(VETH_INFO_PEER, peer)),
    ),
  };
};

export interface LinkChange {
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  /** Index of the new master; 0 for none. */
  readonly master?: number;
  /** New name. The link must be down, and be named by index. */
  readonly name?: string;
  readonly alias?: string;
  readonly group?: number;
  /** Namespace to move to, as an open descriptor. */
  readonly namespaceFd?: number;
}

/** Changes what is given, all in one message. ENODEV when there is no such link. */
export const setLink = (ref: LinkRef, change: LinkChange): Request => {
  if (change.name !== undefined && typeof ref !== 'number') throw new TypeError('a link is renamed by index');
  return {
    operation: `set link ${show(ref)} ${JSON.stringify(change)}`,
    type: RTM_SETLINK,
    flags: 0,
    body: attr.body(
      ...byRef(ref, change.up),
      attr.when(change.name, (name) => attr.text(IFLA.IFNAME, name)),
      attr.when(change.mtu, (mtu) => attr.u32(IFLA.MTU, mtu)),
      attr.when(change.mac, (mac) => attr.bytes(IFLA.ADDRESS, macBytes(mac))),
      attr.when(change.master, (master) => attr.u32(IFLA.MASTER, master)),
      attr.when(change.alias, (alias) => attr.text(IFLA.IFALIAS, alias)),
      attr.when(change.group, (group) => attr.u32(IFLA.GROUP, group)),
      attr.when(change.namespaceFd, (fd) => attr.u32(IFLA.NET_NS_FD, fd)),
    ),
  };
};

/** Sets flags of a bridge's port. EOPNOTSUPP or EINVAL when the link is no port. */
export const setPort = (index: number, flags: PortFlags): Request => ({
  operation: `set bridge port ${index} ${JSON.stringify(flags)}`,
  type: RTM_SETLINK,
  flags: 0,
  body: attr.body(
    header(index, 0, 0, AF_BRIDGE),
    attr.nest(
      IFLA.PROTINFO,
      ...Object.entries(PORT_ATTRIBUTES).map(([name, type]) =>
        attr.when(flags[name as keyof PortFlags], (value) => attr.bool(type, value)),
      ),
    ),
  ),
});

/** Deletes one link. Blocks about 20 ms of waiting in the kernel: use a group for more than a few. ENODEV when it is gone. */
export const deleteLink = (ref: LinkRef): Request => ({
  operation: `delete link ${show(ref)}`,
  type: RTM_DELLINK,
  flags: 0,
  body: attr.body(...byRef(ref)),
});

/** Deletes all links of a group in one message and one wait. ENODEV when there is none. */
export const deleteGroup = (group: number): Request => ({
  operation: `delete links of group 0x${group.toString(16)}`,
  type: RTM_DELLINK,
  flags: 0,
  body: attr.body(header(0), attr.u32(IFLA.GROUP, group)),
});

const RTEXT_FILTER_SKIP_STATS = 8;

/** Asks for one link. ENODEV when there is none. The reply is for `readLink`. */
export const getLink = (ref: LinkRef): Request => ({
  operation: `get link ${show(ref)}`,
  type: RTM_GETLINK,
  flags: 0,
  body: attr.body(...byRef(ref), attr.u32(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS)),
});

/** Asks for all links, or those of a master or kind (the kernel filters). */
export const listLinks = (filter: { readonly master?: number; readonly kind?: string } = {}): Request => ({
  operation: 'list links',
  type: RTM_GETLINK,
  flags: 0,
  body: attr.body(
    header(0),
    attr.u32(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS),
    attr.when(filter.master, (master) => attr.u32(IFLA.MASTER, master)),
    attr.when(filter.kind, (name) => kind(name)),
  ),
});
