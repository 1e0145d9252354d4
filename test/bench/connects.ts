// Connections in namespaces: a server that says a word and ends, and how many a second a client has of it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { inNamespace } from '@weft/kernel';

const program = new URL('./connect-rate.mjs', import.meta.url).pathname;
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

export async function connectRate(namespace: string, address: string, forMs: number): Promise<number> {
  const child = start(namespace, [program, address, '80', `${forMs}`]);
  let text = '';
  child.stdout?.on('data', (some) => {
    text += String(some);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`no connections to ${address}`);
  return Number(text);
}
