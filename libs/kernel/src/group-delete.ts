// Deleting many links without waiting for it: a pool thread sits through the kernel's wait (about 20 ms, shared by all links
// of the group), and the descriptor becomes readable when they are gone. Works where no event loop turns (poll it yourself).
import type { KernelError } from './error.ts';
import { deleteGroup } from './link.ts';
import { inNamespace } from './namespace.ts';
import { MSG_DONTWAIT, NETLINK_ROUTE, NetlinkSocket } from './netlink.ts';
import { encode, NLM_F_ACK, NLMSG_ERROR, readAck } from './netlink-frame.ts';
import { kernelError } from './syscalls.ts';

export interface PendingDelete {
  /** Readable when the links are gone; for `waitFor`. */
  readonly fd: number;
  /** Reads the outcome of a readable descriptor and closes it; call once. The error is ENODEV when the group was empty. */
  finish(): KernelError | undefined;
}

/** Starts deleting all links of a group in a namespace (undefined: the thread's own). Throws KernelError. */
export const startGroupDelete = (namespace: string | undefined, group: number): PendingDelete => {
  const socket = inNamespace(namespace, () => new NetlinkSocket(NETLINK_ROUTE));
  const request = deleteGroup(group);
  let errno = 0;
  // The socket stays open until both the ack is read and the pool thread is out of send().
  let open = 2;
  const release = () => {
    if (--open === 0) socket.close();
  };
  socket.sendAsync(encode(request, NLM_F_ACK, socket.nextSequence(), 0), (failed) => {
    errno = failed;
    release();
  });
  return {
    fd: socket.fd,
    finish() {
      let error: KernelError | undefined = errno === 0 ? undefined : kernelError(request.operation, errno);
      try {
        if (error === undefined) {
          socket.eachReceived(socket.receive(request.operation, MSG_DONTWAIT), (message) => {
            if (message.type === NLMSG_ERROR) error = readAck(message, request.operation);
          });
        }
      } finally {
        release();
      }
      return error;
    },
  };
};
