// Connections in namespaces: a server that says a word and ends, and how long connections to two take, side by side.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { inNamespace } from '@weft/kernel';

const program = new URL('./connect-beside.mjs', import.meta.url).pathname;
const server = `require('node:net').createServer((socket) => socket.on('error', () => {}).end('x')).listen(80, '0.0.0.0', 512, () => console.log('ready'))`;

const start = (namespace: string, args: readonly string[]): ChildProcess =>
  inNamespace(namespace, () => spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }));

/** Serves on port 80; resolves with what ends it. */
export async function serveConnections(namespace: string): Promise<() => Promise<unknown>> {
  const child = start(namespace, ['-e', server]);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
}

/** Median milliseconds of a connection to each of the two (addresses in turn), side by side. */
export async function connectBeside(
  namespace: string,
  forMs: number,
  one: readonly string[],
  other: readonly string[],
): Promise<readonly [number, number]> {
  const child = start(namespace, [program, '80', `${forMs}`, one.join(','), other.join(',')]);
  let text = '';
  child.stdout?.on('data', (some) => {
    text += String(some);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`no connections to ${one.join()} or ${other.join()}`);
  return JSON.parse(text) as [number, number];
}
