// A controller's ports, fed with what nobody should send: as one who has no certificate, as an agent, by plain TCP, and its metrics. It
// lives, answers, keeps no garbage, and nothing it was sent is a defect of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { Credentials, makeRequest, openAuthority } from '@weft/identity';
import { AgentServiceDefinition, RegisterRequest, ReportRequest, WatchRequest } from '@weft/proto/agent';
import { JoinRequest, StoredAuthority, SystemServiceDefinition } from '@weft/proto/controller';
import { clientOf, openChannel, parseAddress } from '@weft/rpc';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFuzz } from '../lib/fuzz.ts';

const fuzz = createFuzz(7420);
const hostId = 'ab'.repeat(32);
let child: ChildProcess;
let said: AsyncIterator<string>;
let [tls, plain, metrics] = [0, 0, 0];
let agent: Credentials;
let storeId = '';
const errors: string[] = [];

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) server.close();
  return ports;
}
const nextLine = async () => (await said.next()).value as string;
/** In MiB, what is garbage gone. */
async function heap(): Promise<number> {
  child.stdin?.write('heap\n');
  return Number(await nextLine()) / 2 ** 20;
}
/** Descriptors that are open. */
const open = () => readdirSync(`/proc/${child.pid}/fd`).length;
const token = `weft1.${'0'.repeat(16)}.${'0'.repeat(64)}.${'A'.repeat(43)}`;
/** Messages that are nearly right: an agent's own, and a machine's that wants to join. */
const samples = (): readonly (readonly [path: string, message: Uint8Array])[] => [
  [
    '/weft.agent.v1.AgentService/Register',
    RegisterRequest.encode(RegisterRequest.fromPartial({ hostId, name: 'h1', facts: {} })).finish(),
  ],
  [
    '/weft.agent.v1.AgentService/Watch',
    WatchRequest.encode(WatchRequest.fromPartial({ hostId, storeId, sinceRevision: 1n })).finish(),
  ],
  [
    '/weft.agent.v1.AgentService/Report',
    ReportRequest.encode(
      ReportRequest.fromPartial({
        hostId,
        storeId,
        seenRevision: 2n,
        sandboxes: [{ sandboxId: hostId }],
        recovered: ['x'],
      }),
    ).finish(),
  ],
  [
    '/weft.controller.v1.ClusterService/Join',
    JoinRequest.encode(JoinRequest.fromPartial({ token, hostId, name: 'h2', agentRequest: fuzz.bytes(300) })).finish(),
  ],
  ['/weft.controller.v1.ClusterService/Renew', fuzz.bytes(300)],
  ['/weft.controller.v1.NetworkService/CreateNetwork', fuzz.bytes(300)],
  ['/grpc.health.v1.Health/Check', fuzz.bytes(60)],
  ['/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', fuzz.bytes(60)],
];
const http = () => `${['GET', 'POST', 'PRI', '\0'][Math.floor(fuzz.random() * 4)]} /metrics HTTP/1.1\r\nhost: x\r\n`;

async function round(): Promise<void> {
  for (const [path, message] of samples()) {
    for (let i = 0; i < 12; i++) {
      const sent = fuzz.random() < 0.3 ? fuzz.bytes(400) : fuzz.mutated(message);
      for (const as of ['nobody', agent, 'plain'] as const)
        await fuzz.call(as === 'plain' ? plain : tls, as, path, sent);
    }
    await fuzz.raw(plain, fuzz.bytes(600));
    await fuzz.raw(metrics, fuzz.bytes(600));
    await fuzz.raw(metrics, Buffer.concat([Buffer.from(http()), fuzz.bytes(400), Buffer.from('\r\n\r\n')]));
    await fuzz.raw(tls, fuzz.bytes(600));
    await fuzz.brokenHandshake(tls);
    await fuzz.afterHandshake(tls, undefined);
  }
}

beforeAll(async () => {
  [tls = 0, plain = 0, metrics = 0] = await freePorts(3);
  const program = new URL('./controller-server.ts', import.meta.url).pathname;
  child = spawn(process.execPath, [program, `${tls}`, `${plain}`, `${metrics}`], {
    env: { ...process.env, WEFT_LOG: 'error' },
  });
  child.stderr?.on('data', (data: Buffer) => errors.push(data.toString()));
  said = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const parts = StoredAuthority.decode(Buffer.from(await nextLine(), 'base64'));
  const authority = await openAuthority({ ...parts, cluster: parts.clusterId }, { now: Date.now });
  const { key, request } = await makeRequest();
  const certificate = await authority.issue({ kind: 'host', hostId }, request);
  agent = new Credentials({ ca: authority.certificate, certificate, key });
  const channel = openChannel(parseAddress(`https://127.0.0.1:${tls}`, ''), agent);
  ({ storeId } = await clientOf(AgentServiceDefinition, channel).register({ hostId, name: 'h1' }));
  channel.close();
}, 30_000);
afterAll(() => {
  child.kill('SIGKILL');
});

test('a controller stands what it should never be sent', { timeout: 240_000 }, async () => {
  await round();
  const first = { heap: await heap(), open: open() };
  for (let i = 0; i < 3; i++) await round();
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  // Three times as much again: what leaks a connection or a call each, a few kB, would show.
  expect((await heap()) - first.heap).toBeLessThan(8);
  expect(open() - first.open).toBeLessThan(10);
  const channel = openChannel(parseAddress(`http://127.0.0.1:${plain}`, ''));
  const { refusedCallers } = await clientOf(SystemServiceDefinition, channel).getStatus({});
  channel.close();
  expect(Object.keys(refusedCallers)).toEqual(
    expect.arrayContaining(['no certificate', 'another host', 'role', 'bad TLS']),
  );
  const answer = await fetch(`http://127.0.0.1:${metrics}/healthz`);
  expect(answer.status).toBe(200);
  expect(errors.join('')).not.toMatch(/defect|uncaught|unhandled/i);
});
