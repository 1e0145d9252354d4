// The port that other machines reach, fed with what nobody should send: bytes that are no TLS, TLS that breaks off, TLS with
// frames that are no HTTP/2, and calls whose messages are no protobuf. The process goes on, answers, and does not grow.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Credentials, makeAuthority, makeRequest, openAuthority, writeCredentials } from '@weft/identity';
import { IpamServiceDefinition } from '@weft/proto/ipam';
import { clientOf, openChannel, parseAddress } from '@weft/rpc';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFuzz } from '../lib/fuzz.ts';

const directory = mkdtempSync(join(tmpdir(), 'weft-fuzz-'));
const rounds = 60;
let port: number;
let child: ChildProcess;
let credentials: Credentials;
const errors: string[] = [];

const fuzz = createFuzz(7420);
const paths = ['Describe', 'Lease', 'AllocatePools', 'ListLeases', 'None'].map(
  (one) => `/weft.ipam.v1.IpamService/${one}`,
);
async function round(): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    await fuzz.raw(port, fuzz.bytes(600));
    await fuzz.brokenHandshake(port);
    await fuzz.afterHandshake(port, credentials);
    await fuzz.call(port, credentials, paths[i % paths.length] ?? '', fuzz.bytes(800));
    await fuzz.call(port, credentials, `/${fuzz.bytes(12).toString('base64url')}`, fuzz.bytes(40));
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
