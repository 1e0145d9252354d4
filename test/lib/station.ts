// A program in a place of the network (a host, a sandbox, the world) that listens and connects as a test says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export type Transport = 'tcp' | 'udp';

export interface Station {
  readonly name: string;
  /** Resolves when it listens, on every address of both families. */
  listen(protocol: Transport, port: number): Promise<void>;
  /** What the listener answers ("name 192.0.2.2": itself and the address it saw), "refused", or undefined for silence. */
  connect(protocol: Transport, address: string, port: number, timeoutMs?: number): Promise<string | undefined>;
  stop(): Promise<void>;
}

const program = new URL('./station-program.mjs', import.meta.url).pathname;

/** @param netns the namespace's file */
export async function startStation(name: string, netns: string): Promise<Station> {
  const child = spawn('nsenter', [`--net=${netns}`, '--', process.execPath, program, name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = new Map<number, (answer: string | undefined) => void>();
  let lastId = 0;
  const ready = Promise.withResolvers<string | undefined>();
  waiting.set(0, ready.resolve);
  let isStopping = false;
  child.once('exit', (code, signal) => {
    ready.reject(new Error(`station ${name} ended: ${code ?? signal}`));
    if (!isStopping && waiting.size > 0) throw new Error(`station ${name} ended: ${code ?? signal}`);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, answer } = JSON.parse(line) as { id: number; answer?: string };
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  await ready.promise;
  const ask = (command: object): Promise<string | undefined> =>
    new Promise((resolve) => {
      const id = ++lastId;
      waiting.set(id, resolve);
      child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
    });
  return {
    name,
    async listen(protocol, port) {
      await ask({ listen: { protocol, port } });
    },
    connect: (protocol, address, port, timeoutMs = 700) => ask({ connect: { protocol, address, port, timeoutMs } }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      isStopping = true;
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
}
