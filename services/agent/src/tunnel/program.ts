// The programs of WireGuard: `wg` configures; `wireguard-go` is the interface where the kernel has none. Both meet at a socket below
// /run/wireguard, one name for all of a machine: they are run where that directory is the agent's own.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fault, Reason } from '@weft/fault';
import { createLink, inScratchNamespace, withNetlink } from '@weft/kernel';

export const KIND = 'wireguard';

const isRunnable = (path: string, mode = constants.X_OK): boolean => {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
};
const isInPath = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((directory) => isRunnable(join(directory, program)));

/** The kernel makes such links by itself. */
function hasKernel(): boolean {
  try {
    inScratchNamespace(() =>
      withNetlink(undefined, (socket) => socket.request(createLink({ name: 'wg', kind: KIND }))),
    );
    return true;
  } catch {
    return false;
  }
}

/** The host can have an encrypted tunnel. */
export const canTunnel = (): boolean =>
  isInPath('wg') &&
  ((isInPath('wireguard-go') && isRunnable('/dev/net/tun', constants.R_OK | constants.W_OK)) || hasKernel());

// A mount namespace of their own, where the directory stands in the place of /run.
const PRIVATE = ['--mount', '--propagation', 'private', 'sh', '-c', 'mount --bind "$0" /run && exec "$@"'];
const PATIENCE_MS = 10_000;

/** Runs a program to its end, in the thread's network namespace. @throws KERNEL_REFUSED with what it said */
export function runTunnelProgram(runDir: string, ...command: readonly string[]): string {
  const directory = join(runDir, 'tunnel');
  mkdirSync(join(directory, 'wireguard'), { recursive: true, mode: 0o700 });
  const done = spawnSync('unshare', [...PRIVATE, directory, ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
    env: { PATH: process.env['PATH'] ?? '', WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD: '1' },
  });
  if (done.status === 0) return done.stdout;
  const said = done.stderr?.trim() || done.error?.message || `status ${done.status}`;
  throw fault(Reason.KERNEL_REFUSED, `${command.slice(0, 3).join(' ')}: ${said}`, { operation: command[0] ?? '' });
}
