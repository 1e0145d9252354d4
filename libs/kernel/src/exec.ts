// Becoming another program inside a sandbox: its network namespace, its resolv.conf and hosts, the caller's everything else
// (stdio, directory, process id, signals, exit code). The process is replaced; there is no way back after the first step.
import { existsSync } from 'node:fs';
import { enterNamespace, warmThreadPool } from './namespace.ts';
import * as sys from './syscalls.ts';

const CLONE_NEWNS = 0x20000;
const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MS_SLAVE = 0x80000;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const SIGPIPE = 13;
const SIG_DFL = 0;
const SIG_SETMASK = 2;

export interface Sandbox {
  /** Path of the network namespace. */
  readonly namespace: string;
  /** Files shown in place of others: `source` is bound over `target`, where the target exists. */
  readonly files: readonly { readonly source: string; readonly target: string }[];
}

/**
 * Enters the sandbox and replaces the process by `argv`, found on PATH. Call it on the main thread. Returns only by throwing:
 * KernelError ENOENT when there is no such program; the process is then already inside and should end (127, as shells have it).
 */
export const enterAndExec = (
  sandbox: Sandbox,
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): never => {
  const [file] = argv;
  if (file === undefined) throw new TypeError('enterAndExec: no program given');
  warmThreadPool();
  sys.check(sys.unshare(CLONE_NEWNS), 'unshare the mount namespace');
  // Slave, not private: mounts made outside later (an unplugged disk's removal, say) still arrive; ours never leave.
  sys.check(sys.mount('none', '/', null, MS_REC | MS_SLAVE, null), 'detach mounts');
  for (const { source, target } of sandbox.files) {
    if (!existsSync(target)) continue;
    sys.check(sys.mount(source, target, null, MS_BIND, null), `show ${source} as ${target}`);
  }
  enterNamespace(sandbox.namespace);
  // Node ignores SIGPIPE, may have made pipes non-blocking, and marks even 0, 1 and 2 close-on-exec when it starts: all of it
  // would be inherited and surprise the program.
  sys.signal(SIGPIPE, SIG_DFL);
  sys.sigprocmask(SIG_SETMASK, Buffer.alloc(128), null);
  for (const fd of [0, 1, 2]) {
    sys.fcntl(fd, F_SETFD, 0);
    const flags = sys.fcntl(fd, F_GETFL, 0);
    if (flags >= 0) sys.fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
  }
  const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  sys.execvpe(file, [...argv, null], [...variables, null]);
  throw sys.kernelError(`run ${file}`, sys.lastErrno());
};
