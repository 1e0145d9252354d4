// Listening to the kernel: one rtnetlink and one nfnetlink socket in the thread's namespace hear it and every namespace that
// has an id there (nsid.ts). Notifications are hints, they can be lost: an overflow says so, and a full look must follow.
import { type KernelEvent, readNftEvent, readRouteEvent } from './monitor-events.ts';
import { MSG_DONTWAIT, NETLINK_NETFILTER, NETLINK_ROUTE, openSocket, option, SOL_NETLINK } from './netlink.ts';
import type { Message } from './netlink-frame.ts';
import { eachMessage } from './netlink-frame.ts';
import * as sys from './syscalls.ts';

const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_LISTEN_ALL_NSID = 8;
const ROUTE_GROUPS = { link: 1, address4: 5, route4: 7, address6: 9, route6: 11, nsid: 28 } as const;
const NFT_GROUP = 7;
// 8 MiB holds several thousand notifications, a namespace's worth of links many times over.
const RECEIVE_BYTES = 8 * 1024 * 1024;
const DATAGRAM = 64 * 1024;

// struct msghdr on a 64-bit machine, with its iovec and control buffer behind it in one pinned buffer.
const MSGHDR = 56;
const IOVEC_AT = 56;
const CONTROL_AT = 72;
const CONTROL = 64;

/** What `drain` found. */
export interface Heard {
  readonly events: KernelEvent[];
  /** Notifications were lost: look at everything. */
  readonly overflow: boolean;
}

export interface Monitor {
  /** Readable when there is something to drain; for `waitFor`. */
  readonly fds: readonly number[];
  /** Takes all that is queued, without waiting. Throws KernelError. */
  drain(): Heard;
  close(): void;
}

type Read = (message: Message, nsid: number | undefined) => KernelEvent | undefined;

const createReceiver = () => {
  const datagram = sys.pinned(DATAGRAM);
  const header = sys.pinned(CONTROL_AT + CONTROL);
  const base = sys.addressOf(header);
  header.writeBigUInt64LE(sys.addressOf(datagram), IOVEC_AT);
  header.writeBigUInt64LE(BigInt(DATAGRAM), IOVEC_AT + 8);

  const nsidOf = (): number | undefined => {
    const length = Number(header.readBigUInt64LE(40));
    // struct cmsghdr: length (8 bytes), level, type, data.
    if (length < 20) return undefined;
    const level = header.readInt32LE(CONTROL_AT + 8);
    const type = header.readInt32LE(CONTROL_AT + 12);
    if (level !== SOL_NETLINK || type !== NETLINK_LISTEN_ALL_NSID) return undefined;
    return header.readInt32LE(CONTROL_AT + 16);
  };

  /** One datagram: its length and namespace; "dry" when nothing is queued, "lost" when the kernel dropped some. */
  const receive = (fd: number): { length: number; nsid: number | undefined } | 'dry' | 'lost' => {
    header.fill(0, 0, MSGHDR);
    header.writeBigUInt64LE(base + BigInt(IOVEC_AT), 16);
    header.writeBigUInt64LE(1n, 24);
    header.writeBigUInt64LE(base + BigInt(CONTROL_AT), 32);
    header.writeBigUInt64LE(BigInt(CONTROL), 40);
    const length = sys.retry(() => sys.recvmsg(fd, header, MSG_DONTWAIT));
    if (length >= 0) return { length, nsid: nsidOf() };
    const errno = sys.lastErrno();
    if (errno === sys.EAGAIN) return 'dry';
    if (errno === sys.ENOBUFS) return 'lost';
    throw sys.kernelError('read kernel notifications', errno);
  };

  const eachIn = (length: number, visit: (message: Message) => void) => eachMessage(datagram, length, visit);
  return { receive, eachIn };
};

const listen = (protocol: number, groups: readonly number[], receiveBytes: number): number => {
  const { fd } = openSocket(protocol, receiveBytes);
  try {
    const set = (name: number, value: number) =>
      sys.check(sys.setsockopt(fd, SOL_NETLINK, name, option(value), 4), 'listen to kernel notifications');
    set(NETLINK_LISTEN_ALL_NSID, 1);
    for (const group of groups) set(NETLINK_ADD_MEMBERSHIP, group);
    return fd;
  } catch (error) {
    sys.close(fd);
    throw error;
  }
};

/**
 * Starts to listen, in the thread's namespace. It holds two sockets there until `close`: the only descriptors that this lib
 * keeps. `receiveBytes` is the kernel's queue for each. Throws KernelError.
 */
export const createMonitor = ({ receiveBytes = RECEIVE_BYTES } = {}): Monitor => {
  const route = listen(NETLINK_ROUTE, Object.values(ROUTE_GROUPS), receiveBytes);
  let nft: number;
  try {
    nft = listen(NETLINK_NETFILTER, [NFT_GROUP], receiveBytes);
  } catch (error) {
    sys.close(route);
    throw error;
  }
  const { receive, eachIn } = createReceiver();
  const drainOne = (fd: number, read: Read, events: KernelEvent[]): boolean => {
    let overflow = false;
    for (;;) {
      const got = receive(fd);
      if (got === 'dry') return overflow;
      if (got === 'lost') {
        overflow = true;
        continue;
      }
      eachIn(got.length, (message) => {
        const event = read(message, got.nsid);
        if (event !== undefined) events.push(event);
      });
    }
  };
  return {
    fds: [route, nft],
    drain() {
      const events: KernelEvent[] = [];
      const lostRoute = drainOne(route, readRouteEvent, events);
      const lostNft = drainOne(nft, readNftEvent, events);
      return { events, overflow: lostRoute || lostNft };
    },
    close() {
      sys.close(route);
      sys.close(nft);
    },
  };
};
