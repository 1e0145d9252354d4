// A thread of a probe, in the namespace of one end: it listens and answers, or tries once and says what came of it.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { enterNamespace } from '@weft/kernel';
import { type Heard, patienceMs, type Task } from './probe-messages.ts';

const say = (kind: Heard['kind'], why: string) => parentPort?.postMessage({ kind, why } satisfies Heard);
type Failure = Error & { readonly code?: string };

function onRefusal(error: Failure): void {
  if (error.code === 'EADDRINUSE') say('taken', 'somebody listens already');
  else say('failed', error.message);
}

function listen({ protocol, address, port }: Task): void {
  if (protocol === 'tcp') {
    const server = createServer((socket) => socket.on('error', () => undefined).end());
    server.once('error', onRefusal).listen({ port, host: address }, () => say('listening', ''));
    return;
  }
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (data, from) => socket.send(data, from.port, from.address));
  socket.once('error', onRefusal).bind(port, address, () => say('listening', ''));
}

function tryTcp({ address, port }: Task): void {
  const socket = connect({ host: address, port });
  const timer = setTimeout(() => say('lost', `no answer for ${patienceMs} ms`), patienceMs);
  socket.once('connect', () => say('reached', 'connected'));
  socket.once('error', (error: Failure) => say('lost', error.code ?? error.message));
  socket.once('close', () => clearTimeout(timer));
}

function tryUdp({ address, port }: Task): void {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  setTimeout(() => say('lost', `no answer for ${patienceMs} ms`), patienceMs);
  socket.once('error', (error: Failure) => say('lost', error.code ?? error.message));
  socket.once('message', () => say('reached', 'answered'));
  // Connected, so that a refusal by ICMP is heard.
  socket.connect(port, address, () => socket.send('weft'));
}

function tryPing({ address }: Task): void {
  const child = spawn('ping', ['-n', '-c', '1', '-W', String(patienceMs / 1_000), address], { stdio: 'ignore' });
  child.once('error', (error: Failure) =>
    say('failed', error.code === 'ENOENT' ? 'the program ping is not installed' : error.message),
  );
  child.once('exit', (code) => (code === 0 ? say('reached', 'answered') : say('lost', 'no answer')));
}

const task = workerData as Task;
if (task.namespace !== '') enterNamespace(task.namespace);
if (task.does === 'listen') listen(task);
else ({ tcp: tryTcp, udp: tryUdp, ping: tryPing })[task.protocol](task);
