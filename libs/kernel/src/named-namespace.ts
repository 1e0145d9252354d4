// Named namespaces: made and removed here, as files that a namespace is mounted on (what `ip netns` does too).
// The name is the only thing that keeps such a namespace; no process or descriptor does.
import { closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ERRNO } from './error.ts';
import { setLink } from './link.ts';
import { CLONE_NEWNET, goHome, namespaceIdentity, OWN, openNamespace, warmThreadPool } from './namespace.ts';
import { withNetlink } from './netlink.ts';
import * as sys from './syscalls.ts';

const MS_BIND = 0x1000;
const MNT_DETACH = 2;

/**
 * Makes a namespace that lasts until `deleteNamespace`, bind-mounted at `path` (parent directories are made), with `lo` up.
 * `prepare` runs inside it before anyone can find it, and before `lo` is up. A left-over plain file at `path` is reused; a namespace there is EEXIST. Throws KernelError.
 */
export const createNamespace = (path: string, prepare: () => void = () => {}): void => {
  if (namespaceIdentity(path) !== undefined) throw sys.kernelError(`create network namespace ${path}`, ERRNO.EEXIST);
  warmThreadPool();
  mkdirSync(dirname(path), { recursive: true });
  closeSync(openSync(path, constants.O_RDONLY | constants.O_CREAT, 0o444));
  const home = openNamespace(OWN);
  try {
    sys.check(sys.unshare(CLONE_NEWNET), `create network namespace ${path}`);
  } catch (error) {
    closeSync(home);
    rmSync(path, { force: true });
    throw error;
  }
  try {
    prepare();
    withNetlink(undefined, (socket) => socket.request(setLink('lo', { up: true })));
    sys.check(sys.mount(OWN, path, null, MS_BIND, null), `mount network namespace ${path}`);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    goHome(home);
  }
};

/** Unmounts and removes the name; the kernel clears the namespace when nothing uses it any more. True when it was there. */
export const deleteNamespace = (path: string): boolean => {
  let mounted = false;
  // Mounts may be stacked; each turn takes the top one.
  while (sys.umount2(path, MNT_DETACH) === 0) mounted = true;
  const errno = sys.lastErrno();
  if (errno !== ERRNO.EINVAL && errno !== ERRNO.ENOENT)
    throw sys.kernelError(`delete network namespace ${path}`, errno);
  rmSync(path, { force: true });
  return mounted;
};

/**
 * Runs `use` in a namespace that nobody else ever sees and that is gone afterwards; `lo` is down. For learning how the kernel
 * shows something. Throws KernelError.
 */
export const inScratchNamespace = <T>(use: () => T): T => {
  warmThreadPool();
  const home = openNamespace(OWN);
  try {
    sys.check(sys.unshare(CLONE_NEWNET), 'create a scratch network namespace');
  } catch (error) {
    closeSync(home);
    throw error;
  }
  try {
    return use();
  } finally {
    goHome(home);
  }
};
