// The port that other machines reach, fed with what nobody should send: bytes that are no TLS, TLS that breaks off, TLS with
// frames that are no HTTP/2, and calls whose messages are no protobuf. The process goes on, answers, and does not grow.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { Credentials, makeAuthority, makeRequest, openAuthority, serverName, writeCredentials } from '@weft/identity';
import { IpamServiceDefinition } from '@weft/proto/ipam';
import { clientOf, openChannel, parseAddress } from '@weft/rpc';
import { afterAll, beforeAll, expect, test } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'weft-fuzz-'));
const rounds = 60;
let port: number;
let child: ChildProcess;
let credentials: Credentials;
const errors: string[] = [];

/** The same bytes in every run: mulberry32. */
let state = 7420;
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
}
const bytes = (most: number) =>
  Buffer.from(Array.from({ length: 1 + Math.floor(random() * most) }, () => Math.floor(random() * 256)));

/** Sends and waits until the connection is over, as it must be, by either end. */
async function raw(data: Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.resume().end(data);
  await once(socket, 'close');
}
const tls = () => {
  const { ca, certificate, key } = credentials.material;
  return { port, host: '127.0.0.1', ca, cert: certificate, key, servername: serverName, ALPNProtocols: ['h2'] };
};
async function afterHandshake(data: Buffer): Promise<void> {
  const socket = connectTls(tls()).on('error', () => undefined);
  socket.resume().once('secureConnect', () => socket.end(data));
  await once(socket, 'close');
}
/** A call whose message is this; resolves with its end, whatever it is. */
async function call(path: string, message: Buffer): Promise<void> {
  const session = connectHttp2(`https://${serverName}:${port}`, { createConnection: () => connectTls(tls()) });
  session.on('error', () => undefined);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(random() < 0.8 ? message.length : Math.floor(random() * 2 ** 32), 1);
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => undefined).resume();
  stream.end(Buffer.concat([head, message]));
  await once(stream, 'close');
  session.destroy();
}

const clientHello = Buffer.from('16030100c8010000c40303', 'hex');
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const paths = ['Describe', 'Lease', 'AllocatePools', 'ListLeases', 'None'].map(
  (one) => `/weft.ipam.v1.IpamService/${one}`,
);
async function round(): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    await raw(bytes(600));
    await raw(Buffer.concat([clientHello, bytes(300)]).subarray(0, 3 + Math.floor(random() * 200)));
    await afterHandshake(random() < 0.5 ? bytes(400) : Buffer.concat([preface, bytes(400)]));
    await call(paths[i % paths.length] ?? '', bytes(800));
    await call(`/${bytes(12).toString('base64url')}`, bytes(40));
  }
}
/** Resident memory of the process, in MiB. */
const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;

beforeAll(async () => {
  const now = Date.now;
  const authority = await openAuthority(await makeAuthority({ now }), { now });
  const { key, request } = await makeRequest();
  const material = {
    ca: authority.certificate,
    certificate: await authority.issue({ kind: 'controller' }, request),
    key,
  };
  writeCredentials(directory, 'controller', material);
  credentials = new Credentials(material);
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  port = (probe.address() as { port: number }).port;
  probe.close();
  const program = new URL('./tls-server.ts', import.meta.url).pathname;
  child = spawn(process.execPath, [program, 'fuzzed', `${port}`, directory], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr?.on('data', (data: Buffer) => errors.push(data.toString()));
  await once(child.stdout as NodeJS.ReadableStream, 'data');
}, 30_000);
afterAll(() => {
  child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

test('the port stands what it should never be sent', { timeout: 120_000 }, async () => {
  await round();
  const first = resident();
  for (let i = 0; i < 3; i++) await round();
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  // Three times as much again: what leaks a connection each would show, what the collector leaves lying would not.
  expect(resident() - first).toBeLessThan(60);
  const channel = openChannel(parseAddress(`https://127.0.0.1:${port}`, ''), credentials);
  await expect(clientOf(IpamServiceDefinition, channel).describe({})).resolves.toMatchObject({ name: 'fuzzed' });
  channel.close();
  expect(errors.join('')).not.toMatch(/uncaught|unhandled/i);
});
