// Holding a port of the host by a bound socket, so that no program of the host takes it. It never listens: a TCP connection that
// is not directed elsewhere is reset by the kernel. What UDP delivers is dropped unread, so the queue stays empty.
import { AF_INET, AF_INET6, ipBytes } from './address-text.ts';
import { keepDescriptor } from './descriptors.ts';
import { ERRNO } from './error.ts';
import { option } from './netlink.ts';
import { type HostPort, lookUpPortUsers, type PortUsers } from './port-users.ts';
import { socketAddress } from './socket-address.ts';
import * as sys from './syscalls.ts';

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO = { tcp: 6, udp: 17, sctp: 132 } as const;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ATTACH_FILTER = 26;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const TCP_REPAIR = 19;
const REPAIR_OFF_NO_PROBE = -1;
const BPF_RETURN = 6;

/** The kernel does not speak it: then no program of the host can either, and there is nothing to hold. */
const unspoken: readonly number[] = [
  ERRNO.EPROTONOSUPPORT,
  94, // ESOCKTNOSUPPORT
  ERRNO.EPROTOTYPE,
  ERRNO.EAFNOSUPPORT,
];

/** A classic BPF program of one instruction: keep no byte of any packet. */
const dropAll = (fd: number, operation: string): void => {
  const program = sys.pinned(24);
  program.writeUInt16LE(1, 0);
  program.writeBigUInt64LE(sys.addressOf(program) + 16n, 8);
  program.writeUInt16LE(BPF_RETURN, 16);
  sys.check(sys.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, 16), operation);
};

const phrase = ({ transport, address, port }: HostPort): string => `hold ${transport} port ${port} of ${address}`;

const open = (wanted: HostPort, bytes: Buffer): number | undefined => {
  const type = (wanted.transport === 'udp' ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC;
  const operation = phrase(wanted);
  const low = sys.socket(bytes.length === 4 ? AF_INET : AF_INET6, type, IPPROTO[wanted.transport]);
  if (low < 0 && unspoken.includes(sys.lastErrno())) return undefined;
  const fd = keepDescriptor(sys.check(low, operation), operation);
  try {
    if (bytes.length === 16) sys.check(sys.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, option(1), 4), operation);
    if (wanted.transport === 'udp') dropAll(fd, operation);
    return fd;
  } catch (error) {
    sys.close(fd);
    throw error;
  }
};

const set = (fd: number, level: number, name: number, value: number): number =>
  sys.setsockopt(fd, level, name, option(value), 4);

/**
 * Binds beside what only talks from the port (TIME_WAIT, the host's own outgoing connections). SO_REUSEADDR takes both sides'
 * consent, and such a connection never gave it: for TCP the repair mode binds regardless. Both are taken back at once, so
 * that a program that comes later still cannot listen.
 */
const bindBeside = (fd: number, { transport }: HostPort, address: Buffer): boolean => {
  const [level, name, off] =
    transport === 'tcp' ? [IPPROTO.tcp, TCP_REPAIR, REPAIR_OFF_NO_PROBE] : [SOL_SOCKET, SO_REUSEADDR, 0];
  if (set(fd, level, name, 1) < 0) return false;
  const result = sys.bind(fd, address, address.length);
  set(fd, level, name, off);
  return result === 0;
};

/**
 * Holds a port of the calling thread's namespace. Returns the descriptor, for `releasePort`; undefined when the kernel does not
 * speak the transport. Throws KernelError: EADDRINUSE when somebody has it, EADDRNOTAVAIL when the host lacks the address,
 * EMFILE while some descriptors are still left; TypeError for what is no address.
 */
export const holdPort = (wanted: HostPort, users: PortUsers = lookUpPortUsers()): number | undefined => {
  const bytes = ipBytes(wanted.address);
  const fd = open(wanted, bytes);
  if (fd === undefined) return undefined;
  const address = socketAddress(bytes, wanted.port);
  try {
    if (sys.bind(fd, address, address.length) === 0) return fd;
    const errno = sys.lastErrno();
    const failure = sys.kernelError(phrase(wanted), errno);
    if (errno !== ERRNO.EADDRINUSE) throw failure;
    const using = users.of(wanted);
    // A socket that is in no table has it: only bound, as ours are.
    if (using.length === 0 || using.some(({ serves }) => serves)) throw failure;
    if (!bindBeside(fd, wanted, address)) throw failure;
    // Somebody may have begun to listen between the look and the bind. UDP shows our own socket too.
    if (
      wanted.transport === 'tcp' &&
      lookUpPortUsers()
        .of(wanted)
        .some(({ serves }) => serves)
    )
      throw failure;
    return fd;
  } catch (error) {
    sys.close(fd);
    throw error;
  }
};

/** Lets a held port go. */
export const releasePort = (fd: number): void => void sys.close(fd);
