// Who holds a file's POSIX lock, read from /proc/locks. A pid file would lie after kill -9; the kernel does not.
import { readFileSync, statSync } from 'node:fs';

/** The pid of the lock's holder; undefined when it cannot be had (another pid namespace, not Linux, just gone). */
export function lockHolder(file: string): number | undefined {
  try {
    const { ino } = statSync(file);
    return holderIn(readFileSync('/proc/locks', 'utf8'), ino);
  } catch {
    return undefined;
  }
}

/** `1: POSIX  ADVISORY  WRITE 5384 fe:00:2146382 1073741824 1073742335`: pid, then device and inode. */
export function holderIn(locks: string, inode: number): number | undefined {
  for (const line of locks.split('\n')) {
    const [, type, , mode, pid, place] = line.split(/\s+/);
    if (type === 'POSIX' && mode === 'WRITE' && place?.split(':')[2] === String(inode) && Number(pid) > 0) {
      return Number(pid);
    }
  }
  return undefined;
}
