// Non-blocking sockets of a server and of who asks servers, opened in any namespace. They outlive the call and pin their
// namespace: whoever opens one closes it BEFORE the namespace is to go. Numbers are above what libnftables needs.
import { AF_INET, AF_INET6, ipBytes } from './address-text.ts';
import { keepDescriptor } from './descriptors.ts';
import { ERRNO } from './error.ts';
import { inNamespace } from './namespace.ts';
import { option } from './netlink.ts';
import { addressIn, SOCKET_ADDRESS_BYTES, socketAddress } from './socket-address.ts';
import * as sys from './syscalls.ts';

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_RCVBUF = 8;
const IPPROTO_IP = 0;
const IP_FREEBIND = 15;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const IPV6_FREEBIND = 78;
const MSG_NOSIGNAL = 0x4000;
const BACKLOG = 128;
// Some thousand questions may wait while a turn of the loop is under way.
const RECEIVE_BYTES = 1024 * 1024;

type Stream = 'tcp' | 'udp';

/** A place to listen at, or a server to talk to. */
export interface SocketPlace {
  readonly transport: Stream;
  /** A link-local server's may name its interface: fe80::1%eth0. */
  readonly address: string;
  readonly port: number;
}

const phrase = (verb: string, { transport, address, port }: SocketPlace): string =>
  `${verb} ${transport} port ${port} of ${address}`;

const open = (namespace: string | undefined, bytes: Buffer, transport: Stream, operation: string): number => {
  const type = (transport === 'udp' ? SOCK_DGRAM : SOCK_STREAM) | NONBLOCK_CLOEXEC;
  const family = bytes.length === 4 ? AF_INET : AF_INET6;
  // Its namespace is the thread's when it is made, whatever comes later.
  const fd = inNamespace(namespace, () => sys.check(sys.socket(family, type, 0), operation));
  return keepDescriptor(fd, operation);
};

const orClose = (fd: number, use: () => void): number => {
  try {
    use();
    return fd;
  } catch (error) {
    sys.close(fd);
    throw error;
  }
};

/**
 * Listens in a namespace (undefined: the thread's own). The address may come later (IP_FREEBIND). Throws KernelError:
 * EADDRINUSE when somebody has the port, EMFILE while some descriptors are still left; TypeError for what is no address.
 */
export const listenAt = (namespace: string | undefined, place: SocketPlace): number => {
  const bytes = ipBytes(place.address);
  const operation = phrase('listen on', place);
  const fd = open(namespace, bytes, place.transport, operation);
  const set = (level: number, name: number, value: number) =>
    sys.check(sys.setsockopt(fd, level, name, option(value), 4), operation);
  return orClose(fd, () => {
    if (bytes.length === 4) set(IPPROTO_IP, IP_FREEBIND, 1);
    else for (const name of [IPV6_V6ONLY, IPV6_FREEBIND]) set(IPPROTO_IPV6, name, 1);
    if (place.transport === 'udp') set(SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
    // Connections of a server before may be in TIME_WAIT.
    else set(SOL_SOCKET, SO_REUSEADDR, 1);
    const address = socketAddress(bytes, place.port);
    sys.check(sys.bind(fd, address, address.length), operation);
    if (place.transport === 'tcp') sys.check(sys.listen(fd, BACKLOG), operation);
  });
};

/**
 * A socket from a port that the kernel picks at random. UDP: only what comes from the place arrives. TCP: connected, or
 * failed, when it is writable (`socketFailure`). Throws KernelError; TypeError for what is no address, or names an interface
 * that is not there.
 */
export const connectTo = (namespace: string | undefined, place: SocketPlace): number => {
  const [text = '', zone] = place.address.split('%');
  const bytes = ipBytes(text);
  const scope = zone === undefined ? 0 : inNamespace(namespace, () => sys.interfaceIndex(zone));
  if (zone !== undefined && scope === 0) throw new TypeError(`there is no interface ${zone}`);
  const operation = phrase('connect to', place);
  const fd = open(namespace, bytes, place.transport, operation);
  return orClose(fd, () => {
    const address = socketAddress(bytes, place.port, scope);
    if (sys.connect(fd, address, address.length) < 0 && sys.lastErrno() !== ERRNO.EINPROGRESS) sys.check(-1, operation);
  });
};

/**
 * A TCP socket of the address's family that is in the namespace and not connected: for whoever has an event loop to connect it with
 * (`new net.Socket({ fd })`, which closes it). Throws KernelError; TypeError for what is no address.
 */
export const openStream = (namespace: string | undefined, address: string): number =>
  open(namespace, ipBytes(address), 'tcp', `open a socket to ${address}`);

const caller = Buffer.alloc(SOCKET_ADDRESS_BYTES);

/** Takes a connection that waits, with the 4 or 16 bytes of its address; undefined when none does, or it cannot be had. */
export const acceptOne = (fd: number): { readonly fd: number; readonly from: Uint8Array } | undefined => {
  const accepted = sys.accept4(fd, caller, option(caller.length), NONBLOCK_CLOEXEC);
  if (accepted < 0) return undefined;
  try {
    return { fd: keepDescriptor(accepted, 'accept a connection'), from: Uint8Array.from(addressIn(caller)) };
  } catch {
    return undefined;
  }
};

/** The errno of what became of it since it was last asked; 0 for nothing. */
export const socketFailure = (fd: number): number => {
  const value = Buffer.alloc(4);
  const length = option(4);
  return sys.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, length) < 0 ? sys.lastErrno() : value.readInt32LE();
};

/** Bytes read into the buffer; 0 at the end; 'dry' when there is nothing now; 'broken'. */
export const receiveSome = (fd: number, buffer: Buffer): number | 'dry' | 'broken' => {
  const length = sys.retry(() => sys.recv(fd, buffer, buffer.length, 0));
  if (length >= 0) return length;
  return sys.lastErrno() === sys.EAGAIN ? 'dry' : 'broken';
};

/** Bytes taken; 0 when there is no room now; 'broken'. */
export const sendSome = (fd: number, bytes: Buffer): number | 'broken' => {
  const length = sys.retry(() => sys.send(fd, bytes, bytes.length, MSG_NOSIGNAL));
  if (length >= 0) return length;
  return sys.lastErrno() === sys.EAGAIN ? 0 : 'broken';
};

/** Sends a datagram; what cannot be sent is lost, as datagrams are. `to` is a socket address as it was received. */
export const sendDatagram = (fd: number, bytes: Buffer, to: Uint8Array): void =>
  void sys.sendto(fd, bytes, bytes.length, 0, to, to.length);

export const closeSocket = (fd: number): void => void sys.close(fd);
