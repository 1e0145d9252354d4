// Name servers of the world for tests: each on an address of its own in a namespace, behaving as it is told. What they are
// asked is recorded.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { inNamespace } from '@weft/kernel';

export type Behaviour =
  | 'good'
  | 'dead'
  | 'slow'
  | 'servfail'
  | 'refused'
  | 'nxdomain'
  | 'truncating'
  | 'wrong-id'
  | 'wrong-port'
  | 'garbage';

export interface Asked {
  readonly server: Behaviour;
  readonly transport: 'udp' | 'tcp';
  /** In lower case. */
  readonly name: string;
  readonly type: string;
}

export interface Upstream {
  /** What has arrived, in order: all whose answer was sent before this is called. */
  asked(): Promise<readonly Asked[]>;
  stop(): Promise<void>;
}

/** Starts servers in a namespace that has their addresses; resolves when all listen. */
export async function startUpstream(
  namespace: string,
  servers: Readonly<Record<string, Behaviour>>,
): Promise<Upstream> {
  const program = new URL('upstream-program.mjs', import.meta.url).pathname;
  const args = Object.entries(servers).map(([address, behaviour]) => `${address}=${behaviour}`);
  const child: ChildProcess = inNamespace(namespace, () =>
    spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  const asked: Asked[] = [];
  const told: (() => void)[] = [];
  const ready = Promise.withResolvers<void>();
  child.on('message', (message) => {
    if (message === 'ready') ready.resolve();
    else if (message === 'all') told.shift()?.();
    else asked.push(message as Asked);
  });
  const ended = once(child, 'exit');
  child.once('exit', (code, signal) => ready.reject(new Error(`the servers ended: ${code ?? signal}`)));
  await ready.promise;
  return {
    async asked() {
      const all = new Promise<void>((resolve) => told.push(resolve));
      child.send('all?');
      await all;
      return [...asked];
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
