// Calls by TLS: who is let in, what a handler sees, and what is replaced while it runs.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reason } from '@weft/fault';
import {
  type Authority,
  type Caller,
  Credentials,
  createGuard,
  type Guard,
  makeAuthority,
  makeRequest,
  openAuthority,
  type Role,
} from '@weft/identity';
import { AgentServiceDefinition, type AgentServiceImplementation } from '@weft/proto/agent';
import { HealthDefinition } from 'nice-grpc-server-health';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  type Channel,
  callerOf,
  clientOf,
  fetchAuthority,
  forward,
  openChannel,
  parseAddress,
  type Server,
  serve,
  serving,
  type Target,
} from './index.ts';

const now = Date.now;
const hostId = 'ab'.repeat(32);
const other = 'cd'.repeat(32);
const host: Role = { kind: 'host', hostId };
const certify = async (ca: Authority, role: Role) => {
  const { key, request } = await makeRequest();
  return { ca: ca.certificate, certificate: await ca.issue(role, request), key };
};
const freePort = async () => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
};

let ca: Authority;
let credentials: Credentials;
let guard: Guard;
let server: Server;
let target: Target;
let revoked: string | undefined;
let refusals: string[] = [];
let seen: (Caller | undefined)[] = [];
let ended = Promise.withResolvers<void>();
const steps: (() => void)[] = [];
const channels: Channel[] = [];

const implementation: AgentServiceImplementation = {
  async register(_request, context) {
    seen.push(callerOf(context));
    return { storeId: 's' };
  },
  async *watch(_request, context) {
    context.signal.addEventListener('abort', () => ended.resolve());
    for (;;) {
      yield { step: { $case: 'delete', value: 'x' } };
      await new Promise<void>((resolve) => steps.push(resolve));
    }
  },
  report: () => Promise.reject(new Error('not part of this test')),
};
const dial = (identity: Credentials | { ca: string }) => {
  const channel = openChannel(target, identity);
  channels.push(channel);
  return channel;
};
const agent = (identity: Credentials | { ca: string }) => clientOf(AgentServiceDefinition, dial(identity));

beforeAll(async () => {
  ca = await openAuthority(await makeAuthority({ now }), { now });
  credentials = new Credentials(await certify(ca, { kind: 'controller' }));
  guard = createGuard({
    ca: ca.certificate,
    cluster: ca.cluster,
    now,
    isRevoked: ({ serial }) => serial === revoked,
    onRefused: ({ because }) => refusals.push(because),
  });
  target = parseAddress(`https://127.0.0.1:${await freePort()}`, '');
  server = await serve(target, [serving(AgentServiceDefinition, implementation)], () => undefined, {
    credentials,
    guard,
  });
});
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
  [revoked, refusals, seen, ended] = [undefined, [], [], Promise.withResolvers()];
});
afterAll(() => server.stop());

test('a handler sees who calls, as the certificate says', async () => {
  const identity = new Credentials(await certify(ca, host));
  await expect(agent(identity).register({ hostId })).resolves.toEqual({ storeId: 's', controllers: [] });
  expect(seen).toEqual([{ cluster: ca.cluster, role: host, serial: identity.certificate.serial }]);
});

test('what a client says of itself beside the certificate counts for nothing', async () => {
  const { Metadata } = await import('nice-grpc-common');
  const metadata = Metadata({ 'weft-connection': '127.0.0.1 1 127.0.0.1 2' });
  await expect(agent({ ca: ca.certificate }).register({ hostId }, { metadata })).rejects.toMatchObject({
    reason: Reason.NOT_IDENTIFIED,
  });
  expect(seen).toEqual([]);
});

test('no certificate, one of another CA, and one for another host are refused, said and counted', async () => {
  const foreign = await openAuthority(await makeAuthority({ now }), { now });
  const stranger = new Credentials({ ...(await certify(foreign, host)), ca: ca.certificate });
  const before = new Map(guard.refused);
  await expect(agent({ ca: ca.certificate }).register({ hostId })).rejects.toMatchObject({
    reason: Reason.NOT_IDENTIFIED,
    metadata: { remedy: expect.stringContaining('weft cluster token') },
  });
  await expect(agent(stranger).register({ hostId })).rejects.toMatchObject({ reason: Reason.NOT_IDENTIFIED });
  const own = agent(new Credentials(await certify(ca, host)));
  await expect(own.register({ hostId: other })).rejects.toMatchObject({ reason: Reason.NOT_ALLOWED });
  await expect(own.watch({ hostId: other })[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    reason: Reason.NOT_ALLOWED,
  });
  expect(seen).toEqual([]);
  expect(refusals).toEqual(['no certificate', 'another CA', 'another host', 'another host']);
  expect(guard.refused.get('another host')).toBe((before.get('another host') ?? 0n) + 2n);
});

test('a server of another CA is not spoken to', async () => {
  const foreign = await openAuthority(await makeAuthority({ now }), { now });
  const identity = new Credentials({ ...(await certify(ca, host)), ca: foreign.certificate });
  await expect(agent(identity).register({ hostId })).rejects.toMatchObject({ reason: Reason.SERVICE_UNAVAILABLE });
  expect(seen).toEqual([]);
});

test('health needs no certificate', async () => {
  const health = clientOf(HealthDefinition, dial({ ca: ca.certificate }));
  await expect(health.check({ service: '' })).resolves.toMatchObject({ status: 1 });
});

test('plain TCP at the TLS port is cut off, said and counted', async () => {
  const socket = connect(Number(target.split(':').at(-1)), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.end('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  await once(socket.resume(), 'close');
  expect(refusals).toHaveLength(1);
  expect(refusals[0]).toMatch(/^(no|bad) TLS$/);
});

test('a watch of somebody who was removed says no more', async () => {
  const identity = new Credentials(await certify(ca, host));
  const watch = agent(identity).watch({ hostId })[Symbol.asyncIterator]();
  await expect(watch.next()).resolves.toMatchObject({ done: false });
  revoked = identity.certificate.serial;
  const next = watch.next();
  steps.pop()?.();
  await expect(next).rejects.toMatchObject({ reason: Reason.NOT_IDENTIFIED });
});

test('the next connection is shown the certificate that came after, at both ends', async () => {
  const identity = new Credentials(await certify(ca, host));
  await agent(identity).register({ hostId });
  const first = credentials.certificate.serial;
  credentials.replace(await certify(ca, { kind: 'controller' }));
  identity.replace(await certify(ca, host));
  await agent(identity).register({ hostId });
  expect(seen.map((one) => one?.serial)).toHaveLength(2);
  expect(seen[1]?.serial).toBe(identity.certificate.serial);
  expect(credentials.certificate.serial).not.toBe(first);
});

test('whoever joins gets the CA that its token names, and no other', async () => {
  await expect(fetchAuthority(target, ca.hash)).resolves.toBe(ca.certificate);
  await expect(fetchAuthority(target, 'x'.repeat(43))).rejects.toMatchObject({ reason: Reason.TOKEN_REFUSED });
  const nobody = parseAddress(`https://127.0.0.1:${await freePort()}`, '');
  await expect(fetchAuthority(nobody, ca.hash)).rejects.toMatchObject({ reason: Reason.SERVICE_UNAVAILABLE });
});

test('https:// without a certificate is a fault at either end', async () => {
  expect(() => openChannel(target)).toThrow(expect.objectContaining({ reason: Reason.MISSING_FIELD }));
  await expect(serve(target, [], () => undefined)).rejects.toMatchObject({ reason: Reason.MISSING_FIELD });
});

test('a contract that is passed on answers, faults and ends like the one behind it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-forward-'));
  const near = parseAddress(`unix://${directory}/x.sock`, '');
  const behind = agent(new Credentials(await certify(ca, host)));
  const passing = await serve(
    near,
    [
      serving(
        AgentServiceDefinition,
        forward(AgentServiceDefinition, () => behind),
      ),
    ],
    () => undefined,
  );
  const channel = openChannel(near);
  const client = clientOf(AgentServiceDefinition, channel);
  await expect(client.register({ hostId })).resolves.toEqual({ storeId: 's', controllers: [] });
  await expect(client.register({ hostId: other })).rejects.toMatchObject({ reason: Reason.NOT_ALLOWED });
  for await (const { step } of client.watch({ hostId })) {
    expect(step).toEqual({ $case: 'delete', value: 'x' });
    break;
  }
  await ended.promise;
  channel.close();
  await passing.stop();
  rmSync(directory, { recursive: true });
});
