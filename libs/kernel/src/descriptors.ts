// Numbers of descriptors: those that are kept go above what libnftables can wait with, and some are left for everything else.
import { readFileSync } from 'node:fs';
import { ERRNO } from './error.ts';
import * as sys from './syscalls.ts';

const F_DUPFD_CLOEXEC = 1030;
// select(2) takes no higher ones, and libnftables waits with it: a thousand kept sockets must not push its own above.
const LOW_DESCRIPTORS = 1024;
// Left for everything else: without any the agent could not even let a port go.
const RESERVE = 256;

let limit: number | undefined;
/** Soft limit on open files of this process. Node has raised it to the hard one. */
const openFilesLimit = (): number => {
  limit ??= Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
  return limit;
};

/**
 * The same socket under a number that nobody misses, where there are such; the low one is closed. Throws KernelError, EMFILE
 * while some descriptors are still left; then neither is open.
 */
export const keepDescriptor = (fd: number, operation: string): number => {
  let kept = fd;
  if (openFilesLimit() > LOW_DESCRIPTORS + RESERVE) {
    kept = sys.fcntl(fd, F_DUPFD_CLOEXEC, LOW_DESCRIPTORS);
    const errno = kept < 0 ? sys.lastErrno() : 0;
    sys.close(fd);
    if (kept < 0) throw sys.kernelError(operation, errno);
  }
  // The kernel gives the lowest free number.
  if (kept < openFilesLimit() - RESERVE) return kept;
  sys.close(kept);
  throw sys.kernelError(operation, ERRNO.EMFILE);
};
