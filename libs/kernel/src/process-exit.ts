// Hearing that a process has ended, without being its parent (pidfd_open(2), Linux 5.3). The kernel says nothing of a namespace whose
// last process is gone while anybody else has a socket in it.
import { keepDescriptor } from './descriptors.ts';
import * as sys from './syscalls.ts';

/**
 * A descriptor that is readable once the process has ended; undefined where there is no such process (any more), or no descriptor
 * is left for it.
 */
export const openProcess = (pid: number): number | undefined => {
  const fd = sys.pidfdOpen(pid);
  if (fd < 0) return undefined;
  try {
    return keepDescriptor(fd, `watch process ${pid}`);
  } catch {
    return undefined;
  }
};

export const closeProcess = (fd: number): void => void sys.close(fd);
