// Ids by which one namespace knows another. A socket that listens to all namespaces hears only those that have one.
import * as attr from './attributes.ts';
import { ERRNO, KernelError } from './error.ts';
import { withNamespaceFd } from './namespace.ts';
import type { NetlinkSocket } from './netlink.ts';
import type { Message } from './netlink-frame.ts';

export const RTM_NEWNSID = 88;
export const RTM_DELNSID = 89;
const RTM_GETNSID = 90;
const NETNSA = { NSID: 1, FD: 3 } as const;
const NONE = -1;

const body = (fd: number, ...more: Buffer[]) => attr.body(Buffer.alloc(4), attr.u32(NETNSA.FD, fd), ...more);

/** The id in an RTM_NEWNSID or RTM_DELNSID. */
export const readNsid = ({ buffer, from, to }: Message): number => {
  let nsid = NONE;
  attr.walk(buffer, from + 4, to, (type, start) => {
    if (type === NETNSA.NSID) nsid = buffer.readInt32LE(start);
  });
  return nsid;
};

const query = (socket: NetlinkSocket, fd: number, path: string): number | undefined => {
  const reply = socket.request({
    operation: `get the id of namespace ${path}`,
    type: RTM_GETNSID,
    flags: 0,
    body: body(fd),
  });
  const nsid = reply === undefined ? NONE : readNsid(reply);
  return nsid === NONE ? undefined : nsid;
};

/** The id that the socket's namespace has for the one at `path`; undefined when it has none. Throws KernelError. */
export const findNsid = (socket: NetlinkSocket, path: string): number | undefined =>
  withNamespaceFd(path, (fd) => query(socket, fd, path));

/** Gives the namespace at `path` an id in the socket's namespace, or finds the one it has. It goes when the namespace goes. */
export const assignNsid = (socket: NetlinkSocket, path: string): number =>
  withNamespaceFd(path, (fd) => {
    const operation = `give namespace ${path} an id`;
    try {
      socket.request({ operation, type: RTM_NEWNSID, flags: 0, body: body(fd, attr.u32(NETNSA.NSID, NONE)) });
    } catch (error) {
      // A veth into it gives it one too.
      if (!(error instanceof KernelError) || error.errno !== ERRNO.EEXIST) throw error;
    }
    const nsid = query(socket, fd, path);
    if (nsid === undefined) throw new KernelError(operation, 0, 'the kernel gave none');
    return nsid;
  });
