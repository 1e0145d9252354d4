// The C library as functions: one typed line per call, nothing decided. Errors are thrown as KernelError by `check`.
// It refuses to load libnftables (nft.ts does, on first use): a process that only needs syscalls runs without it.
import koffi from 'koffi';
import { KernelError } from './error.ts';

// The process itself: works for glibc and musl alike, no file name needed.
const libc = koffi.load(null);

export type Pointer = bigint;
type Int = number;

export const setns: (fd: Int, type: Int) => Int = libc.func('int setns(int, int)');
export const unshare: (flags: Int) => Int = libc.func('int unshare(int)');
export const mount: (source: string, target: string, type: string | null, flags: Int, data: null) => Int = libc.func(
  'int mount(const char *, const char *, const char *, unsigned long, const void *)',
);
export const umount2: (target: string, flags: Int) => Int = libc.func('int umount2(const char *, int)');
export const ioctl: (fd: Int, request: Int, argument: Int) => Int = libc.func('int ioctl(int, unsigned long, long)');
export const socket: (domain: Int, type: Int, protocol: Int) => Int = libc.func('int socket(int, int, int)');
export const bind: (fd: Int, address: Uint8Array, length: Int) => Int = libc.func(
  'int bind(int, const uint8_t *, int)',
);
export const setsockopt: (fd: Int, level: Int, name: Int, value: Uint8Array, length: Int) => Int = libc.func(
  'int setsockopt(int, int, int, const uint8_t *, int)',
);
export const getsockopt: (fd: Int, level: Int, name: Int, value: Uint8Array, length: Uint8Array) => Int = libc.func(
  'int getsockopt(int, int, int, uint8_t *, uint8_t *)',
);
export const connect: (fd: Int, address: Uint8Array, length: Int) => Int = libc.func(
  'int connect(int, const uint8_t *, int)',
);
export const listen: (fd: Int, backlog: Int) => Int = libc.func('int listen(int, int)');
export const accept4: (fd: Int, address: Uint8Array, length: Uint8Array, flags: Int) => Int = libc.func(
  'int accept4(int, uint8_t *, uint8_t *, int)',
);
export const recvmmsg: (fd: Int, headers: Uint8Array, count: Int, flags: Int, timeout: null) => Int = libc.func(
  'int recvmmsg(int, uint8_t *, unsigned int, int, void *)',
);
export const sendmmsg: (fd: Int, headers: Uint8Array, count: Int, flags: Int) => Int = libc.func(
  'int sendmmsg(int, uint8_t *, unsigned int, int)',
);
export const epollCreate: (flags: Int) => Int = libc.func('int epoll_create1(int)');
export const epollControl: (epoll: Int, operation: Int, fd: Int, event: Uint8Array | null) => Int = libc.func(
  'int epoll_ctl(int, int, int, uint8_t *)',
);
export const epollWait: (epoll: Int, events: Uint8Array, count: Int, timeoutMs: Int) => Int = libc.func(
  'int epoll_wait(int, uint8_t *, int, int)',
);
export const sendto: (fd: Int, buffer: Uint8Array, length: Int, flags: Int, to: Uint8Array, size: Int) => Int =
  libc.func('intptr_t sendto(int, const uint8_t *, size_t, int, const uint8_t *, int)');
// For descriptors that node did not open: in a Worker its own closeSync warns of those.
/** 0 when there is no such interface. */
export const interfaceIndex: (name: string) => Int = libc.func('unsigned int if_nametoindex(const char *)');
export const close: (fd: Int) => Int = libc.func('int close(int)');
export const recv: (fd: Int, buffer: Uint8Array, length: Int, flags: Int) => Int = libc.func(
  'intptr_t recv(int, uint8_t *, size_t, int)',
);
export const recvmsg: (fd: Int, header: Uint8Array, flags: Int) => Int = libc.func(
  'intptr_t recvmsg(int, uint8_t *, int)',
);
export const poll: (fds: Uint8Array, count: Int, timeoutMs: Int) => Int = libc.func(
  'int poll(uint8_t *, unsigned long, int)',
);
export const eventfd: (initial: Int, flags: Int) => Int = libc.func('int eventfd(unsigned int, int)');
const PIDFD_OPEN = 434; // the same on all machines
const syscall3: (number: Int, first: Int, second: Int) => Int = libc.func('long syscall(long, long, long)');
export const pidfdOpen = (pid: Int): Int => syscall3(PIDFD_OPEN, pid, 0);
export const fcntl: (fd: Int, command: Int, argument: Int) => Int = libc.func('int fcntl(int, int, int)');
export const signal: (number: Int, handler: Int) => Pointer = libc.func('uintptr_t signal(int, uintptr_t)');
export const sigprocmask: (how: Int, set: Uint8Array, old: null) => Int = libc.func(
  'int sigprocmask(int, const uint8_t *, void *)',
);
export const execvpe: (file: string, argv: (string | null)[], env: (string | null)[]) => Int = libc.func(
  'int execvpe(const char *, const char **, const char **)',
);
const strerror: (errno: Int) => string = libc.func('const char *strerror(int)');

type Send = (fd: Int, buffer: Uint8Array, length: Int, flags: Int) => Int;
type SendAsync = (...args: [...Parameters<Send>, (error: Error | null, result: Int) => void]) => void;
export const send: Send & { async: SendAsync } = libc.func('intptr_t send(int, const uint8_t *, size_t, int)');

/** The errno of this thread's last call made through this file. */
export const lastErrno = (): number => koffi.errno();

/** The C library's text for an errno ("File exists"). */
export const errnoText = (errno: number): string => strerror(errno);

/** Builds the error for an errno that came in a message instead of from a call. */
export const kernelError = (operation: string, errno: number, detail?: string, offset?: number): KernelError =>
  new KernelError(operation, errno, errnoText(errno), detail, offset);

/** Returns the result, or throws KernelError when the call reported -1. */
export const check = (result: number, operation: string): number => {
  if (result < 0) throw kernelError(operation, lastErrno());
  return result;
};

/** Runs a call again while a signal interrupts it. */
export const retry = (call: () => number): number => {
  for (;;) {
    const result = call();
    if (result >= 0 || lastErrno() !== EINTR) return result;
  }
};

/** A buffer that the garbage collector never moves, so that its address may stand in a C structure. */
export const pinned = (length: number): Buffer => Buffer.from(new ArrayBuffer(length));

/** The address of a pinned buffer; valid as long as the buffer is referenced. */
export const addressOf = (buffer: Uint8Array): Pointer => koffi.address(buffer);

export const EINTR = 4;
export const EAGAIN = 11;
export const ENOBUFS = 105;
