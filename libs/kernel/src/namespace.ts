// Network namespaces: enter one for the length of a synchronous function, tell one from another.
// It holds no descriptor open between calls: an open one keeps a dead namespace and its links alive.
// It refuses async functions in the window, and ends the process when the way home fails: a thread astray is worse.
import { access, closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { ERRNO, KernelError } from './error.ts';
import * as sys from './syscalls.ts';

export const CLONE_NEWNET = 0x40000000;
const NS_GET_NSTYPE = 0xb703;
// Not /proc/self: that is the main thread's, and namespaces belong to threads.
export const OWN = '/proc/thread-self/ns/net';

/** What tells one namespace from another as long as both exist. */
export interface NamespaceIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

let warm = false;

/**
 * Starts libuv's thread pool in the namespace that the process is in now. A pool first used inside a window would leave its
 * threads there for ever. Called by the first window; a program may call it earlier.
 */
export const warmThreadPool = (): void => {
  if (warm) return;
  warm = true;
  access('/', () => {});
};

/** Opens a namespace file. For this lib's own files: whoever calls it closes it. */
export const openNamespace = (path: string): number => {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const errno = -((error as NodeJS.ErrnoException).errno ?? 0);
    throw sys.kernelError(`open network namespace ${path}`, errno);
  }
};

/** Runs `use` with a descriptor of the namespace and closes it. Throws KernelError. */
export const withNamespaceFd = <T>(path: string, use: (fd: number) => T): T => {
  const fd = openNamespace(path);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
};

/** Enters `home` and closes it. For this lib's own files. */
export const goHome = (home: number): void => {
  if (sys.setns(home, CLONE_NEWNET) < 0) {
    process.stderr.write(`cannot return to the own network namespace: ${sys.errnoText(sys.lastErrno())}\n`);
    process.abort();
  }
  closeSync(home);
};

/**
 * Runs `use` with the thread in the namespace at `path` (undefined: where it is already) and returns what it returns.
 * `use` must not await, spawn, or start a Worker: those would stay behind. Costs about 5 us. Throws KernelError.
 */
export const inNamespace = <T>(path: string | undefined, use: () => T): T => {
  if (path === undefined) return use();
  warmThreadPool();
  const home = openNamespace(OWN);
  try {
    withNamespaceFd(path, (fd) => sys.check(sys.setns(fd, CLONE_NEWNET), `enter network namespace ${path}`));
  } catch (error) {
    closeSync(home);
    throw error;
  }
  try {
    const result = use();
    if (result instanceof Promise) throw new TypeError('inNamespace: the function must be synchronous');
    return result;
  } finally {
    goHome(home);
  }
};

/** Moves the calling thread into a namespace for good (a Worker of a test, a program about to exec). Throws KernelError. */
export const enterNamespace = (path: string): void => {
  warmThreadPool();
  withNamespaceFd(path, (fd) => sys.check(sys.setns(fd, CLONE_NEWNET), `enter network namespace ${path}`));
};

/** The identity of the network namespace at `path`; undefined when nothing or something else is there. */
export const namespaceIdentity = (path: string): NamespaceIdentity | undefined => {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    // Answered by nsfs alone, and names the type: a pid namespace or a plain file fails here.
    if (sys.ioctl(fd, NS_GET_NSTYPE, 0) !== CLONE_NEWNET) return undefined;
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return { dev, ino };
  } finally {
    closeSync(fd);
  }
};

/** Whether the namespace of this identity is at `path`: opens nothing, so it costs a third of reading the identity. */
export const isNamespaceAt = (path: string, { dev, ino }: NamespaceIdentity): boolean => {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && BigInt(found.ino) === ino && BigInt(found.dev) === dev;
  } catch {
    return false;
  }
};

/** The identity of the namespace that the calling thread is in. */
export const ownNamespace = (): NamespaceIdentity => {
  const own = namespaceIdentity(OWN);
  if (own === undefined) throw new KernelError(`read ${OWN}`, ERRNO.ENOENT, 'is /proc mounted?');
  return own;
};
