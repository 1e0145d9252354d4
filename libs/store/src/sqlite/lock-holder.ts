// Who holds a file's POSIX lock, read from /proc/locks. A pid file would lie after kill -9; the kernel does not.
import { readFileSync, statSync } from 'node:fs';

const readings = 5;

/** The pid of the lock's holder; undefined when it cannot be had (another pid namespace, not Linux, just gone). */
export function lockHolder(file: string): number | undefined {
  try {
    const { ino, dev } = statSync(file);
    // While others lock and unlock, one reading of the list may miss a line.
    for (let tries = 0; tries < readings; tries++) {
      const holder = holderIn(readFileSync('/proc/locks', 'utf8'), ino, deviceText(dev));
      if (holder !== undefined) return holder;
    }
    return undefined;
  } catch {
    return undefined;
  }
}

/** `1: POSIX  ADVISORY  WRITE 5384 fe:00:2146382 1073741824 1073742335`: pid, then device and inode. */
export function holderIn(locks: string, inode: number, device: string): number | undefined {
  const writers = locks.split('\n').flatMap((line) => {
    const [, type, , mode, pid, place] = line.split(/\s+/);
    const [major, minor, number] = place?.split(':') ?? [];
    const isWriter = type === 'POSIX' && mode === 'WRITE' && number === String(inode) && Number(pid) > 0;
    return isWriter ? [{ pid: Number(pid), device: `${major}:${minor}` }] : [];
  });
  // Other file systems have files of the same number; some, overlayfs for one, tell of their files under another device.
  return (writers.find((one) => one.device === device) ?? writers[0])?.pid;
}

/** fe:00, as /proc/locks has it. */
function deviceText(device: number): string {
  const hex = (value: number) => value.toString(16).padStart(2, '0');
  return `${hex((device >> 8) & 0xfff)}:${hex((device & 0xff) | ((device >> 12) & 0xfff00))}`;
}
