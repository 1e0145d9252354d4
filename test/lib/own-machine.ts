// A machine of a person's own: a network namespace with a host name, and with a /run and a /var/lib that nobody else sees. So
// commands are typed there as a page has them, with every default. They go with the machine.
import { join } from 'node:path';
import type { Machine } from './cluster/underlay.ts';
import { type Ran, type Running, root } from './host.ts';

export interface OwnMachine {
  /** Runs a line of shell to its end. */
  type(line: string): Ran;
  /** Starts a line of shell that runs on; resolves when a line of its log has `ready` in it. */
  start(line: string, ready: string): Promise<Running>;
}

const bin = join(root, 'node_modules/.bin');
// Whoever makes a sandbox mounts: here, and seen by those alone who are on the machine.
const setUp = [
  'mount --make-rprivate /',
  'for one in /run /var/lib; do mount -t tmpfs none $one; done',
  'hostname "$0"',
  'echo is on >&2',
  'exec sleep infinity',
].join(' && ');

/** Resolves when commands can be typed. Ends with the machine's host. */
export async function switchOn({ host, name }: Machine): Promise<OwnMachine> {
  const { pid } = await host.start('unshare', ['--mount', '--uts', 'sh', '-c', setUp, name], 'is on');
  const typed = (line: string) => [
    ...[`--target=${pid}`, '--mount', '--uts', `--wd=${root}`, 'env', '--unset=WEFT_HOST'],
    ...[`PATH=${bin}:${process.env['PATH']}`, 'sh', '-c', line],
  ];
  return {
    type: (line) => host.run('nsenter', typed(line), { mayFail: true }),
    start: (line, ready) => host.start('nsenter', typed(`exec ${line}`), ready),
  };
}
