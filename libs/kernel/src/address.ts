// IP addresses of links: requests to add and delete, and what the kernel has.
import { AF_INET6, ipText, prefix } from './address-text.ts';
import * as attr from './attributes.ts';
import type { NetlinkSocket } from './netlink.ts';
import { type Message, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, type Request } from './netlink-frame.ts';

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4, FLAGS: 8, PROTO: 11 } as const;
const IFA_F_NODAD = 2;
const IFA_F_DADFAILED = 8;
const IFA_F_TENTATIVE = 0x40;
const SCOPE_LINK = 253;

export interface AddressSpec {
  /** Index of the link. */
  readonly link: number;
  /** With its prefix length: "10.0.0.2/24", "fd00::2/64". */
  readonly address: string;
  /** IFA_PROTO, the mark of who made it (kernel 5.18; older ones ignore it). */
  readonly protocol?: number;
}

export interface Address {
  readonly link: number;
  readonly address: string;
  readonly protocol: number;
  /** 0 universe, 253 link, 254 host. */
  readonly scope: number;
  /** False while IPv6 still looks for a duplicate, or found one. */
  readonly usable: boolean;
}

const isLinkLocal = (bytes: Uint8Array): boolean =>
  bytes.length === 16 ? bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80 : bytes[0] === 169 && bytes[1] === 254;

const body = ({ link, address, protocol }: AddressSpec): Buffer => {
  const { family, bytes, length } = prefix(address);
  const header = Buffer.alloc(8);
  header.writeUInt8(family, 0);
  header.writeUInt8(length, 1);
  header.writeUInt8(isLinkLocal(bytes) ? SCOPE_LINK : 0, 3);
  header.writeUInt32LE(link, 4);
  // IPv6: no search for duplicates, for the address is ours by lease and must be usable at once.
  // IPv4: the broadcast address that people and DHCP-minded programs expect; none on /31 and /32.
  const own =
    family === AF_INET6
      ? attr.u32(IFA.FLAGS, IFA_F_NODAD)
      : length < 31
        ? attr.bytes(IFA.BROADCAST, broadcast(bytes, length))
        : undefined;
  return attr.body(
    header,
    attr.bytes(IFA.LOCAL, bytes),
    attr.bytes(IFA.ADDRESS, bytes),
    own,
    attr.when(protocol, (mark) => attr.u8(IFA.PROTO, mark)),
  );
};

const broadcast = (bytes: Buffer, length: number): Buffer => {
  const result = Buffer.alloc(4);
  result.writeUInt32BE((bytes.readUInt32BE(0) | (2 ** (32 - length) - 1)) >>> 0);
  return result;
};

/** EEXIST when the link has it already. */
export const addAddress = (spec: AddressSpec): Request => ({
  operation: `add address ${spec.address} to link ${spec.link}`,
  type: RTM_NEWADDR,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  body: body(spec),
});

/** Adds it, or takes it over (mark, flags) when the link has it already. */
export const putAddress = (spec: AddressSpec): Request => ({
  ...addAddress(spec),
  flags: NLM_F_CREATE | NLM_F_REPLACE,
});

/** EADDRNOTAVAIL when the link does not have it. */
export const deleteAddress = (spec: AddressSpec): Request => ({
  operation: `delete address ${spec.address} from link ${spec.link}`,
  type: RTM_DELADDR,
  flags: 0,
  body: body(spec),
});

/** Reads the body of an RTM_NEWADDR or RTM_DELADDR. */
export const readAddress = ({ buffer, from, to }: Message): Address => {
  let local = '';
  let address = '';
  let protocol = 0;
  let flags = buffer.readUInt8(from + 2);
  attr.walk(buffer, from + 8, to, (type, start, end) => {
    if (type === IFA.LOCAL) local = ipText(buffer.subarray(start, end));
    else if (type === IFA.ADDRESS) address = ipText(buffer.subarray(start, end));
    else if (type === IFA.PROTO) protocol = buffer.readUInt8(start);
    else if (type === IFA.FLAGS) flags = buffer.readUInt32LE(start);
  });
  return {
    link: buffer.readUInt32LE(from + 4),
    // On a point-to-point link ADDRESS is the far end: LOCAL is ours where it is given.
    address: `${local || address}/${buffer.readUInt8(from + 1)}`,
    protocol,
    scope: buffer.readUInt8(from + 3),
    usable: (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === 0,
  };
};

/** All addresses of the socket's namespace, or those of one link (the kernel filters). */
export const dumpAddresses = (socket: NetlinkSocket, link = 0): Address[] => {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(link, 4);
  return socket.dump({ operation: 'list addresses', type: RTM_GETADDR, flags: 0, body: header }, readAddress);
};
