// Waiting for descriptors in poll(2), for a thread that has no event loop to turn; and an eventfd to wake it from another.
import { readSync, writeSync } from 'node:fs';
import * as sys from './syscalls.ts';

const POLLIN = 1;
const POLLPRI = 2;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
const ENTRY = 8;

/**
 * Blocks the thread until one of the descriptors is readable (or broken) or the time is over; negative: no limit.
 * `urgent` ones are waited for out of band (POLLPRI), as /proc/self/mountinfo announces changes.
 * Returns the ready ones; none also when a signal came. Throws KernelError.
 */
export const waitFor = (readable: readonly number[], timeoutMs: number, urgent: readonly number[] = []): number[] => {
  const fds = [...readable, ...urgent];
  const table = Buffer.alloc(Math.max(fds.length, 1) * ENTRY);
  fds.forEach((fd, at) => {
    table.writeInt32LE(fd, at * ENTRY);
    table.writeInt16LE(at < readable.length ? POLLIN : POLLPRI, at * ENTRY + 4);
  });
  const ready = sys.poll(table, fds.length, timeoutMs < 0 ? -1 : Math.ceil(timeoutMs));
  if (ready < 0 && sys.lastErrno() === sys.EINTR) return [];
  sys.check(ready, 'poll');
  return fds.filter((_, at) => table.readInt16LE(at * ENTRY + 6) !== 0);
};

/** A descriptor that one thread waits for and another makes readable. */
export const createWakeFd = (): number => sys.check(sys.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), 'create eventfd');

const ONE = Buffer.alloc(8);
ONE.writeUInt8(1);

/** Makes it readable; from any thread of the process. */
export const wake = (fd: number): void => {
  writeSync(fd, ONE);
};

/** Makes it wait again. Do this BEFORE reading what the waker left, so that no wake is lost. */
export const clearWake = (fd: number): void => {
  try {
    readSync(fd, Buffer.alloc(8));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
};

export const closeWakeFd = (fd: number): void => void sys.close(fd);
