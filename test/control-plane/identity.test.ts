// A controller that serves other machines: joining, renewing, and everybody who is refused, by real connections.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { Credentials, makeRequest, openAuthority, type Role, readCertificate } from '@weft/identity';
import { AgentServiceDefinition } from '@weft/proto/agent';
import { ClusterServiceDefinition, NetworkServiceDefinition, StoredAuthority } from '@weft/proto/controller';
import {
  type Channel,
  clientOf,
  fetchAuthority,
  openChannel,
  parseAddress,
  type Server,
  serve,
  type Target,
} from '@weft/rpc';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { Reason } from '../lib/proto.ts';

type Identity = Credentials | { ca: string };
const hostId = 'ab'.repeat(32);
let plane: ControlPlane;
let server: Server;
let target: Target;
let ca: string;
const channels: Channel[] = [];
const to = <D extends Parameters<typeof clientOf>[0]>(definition: D, identity: Identity) => {
  const channel = openChannel(target, identity);
  channels.push(channel);
  return clientOf(definition, channel);
};
const refused = async () => (await plane.system.getStatus({})).refusedCallers;
const newToken = async (more = {}) =>
  await plane.controller.cluster.createToken({ ttlSeconds: 0, agentOnly: false, ...more }, never);
const never = { signal: new AbortController().signal } as never;

let made = 0;
const newId = () => `${++made}`.padStart(64, '0');
async function join(token: string, id = newId()) {
  const [agent, operator] = [await makeRequest(), await makeRequest()];
  const request = { token, hostId: id, name: 'h1', agentRequest: agent.request, operatorRequest: operator.request };
  const answer = await to(ClusterServiceDefinition, { ca }).join(request);
  const made = (certificate: string, key: string) => new Credentials({ ca, certificate, key });
  return {
    answer,
    agent: made(answer.agentCertificate, agent.key),
    operator: answer.operatorCertificate === '' ? undefined : made(answer.operatorCertificate, operator.key),
  };
}
/** As somebody who has read the store could. */
async function forge(role: Role, at: number) {
  const stored = await plane.store.get('identity/ca');
  const { clusterId, certificate, key } = StoredAuthority.decode(stored?.value ?? new Uint8Array());
  const authority = await openAuthority({ cluster: clusterId, certificate, key }, { now: () => at });
  const made = await makeRequest();
  return new Credentials({ ca, certificate: await authority.issue(role, made.request), key: made.key });
}

beforeAll(async () => {
  plane = await startControlPlane();
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  target = parseAddress(`https://127.0.0.1:${port}`, '');
  await expect(newToken()).rejects.toMatchObject({ reason: Reason.SERVICE_UNAVAILABLE }); // nobody listens yet
  const identity = await plane.controller.identity();
  server = await serve(target, plane.controller.services, () => undefined, identity);
  ca = await fetchAuthority(target, identity.authority.hash);
});
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});
afterAll(async () => {
  await server.stop();
  await plane.stop();
});

test('a token gives an agent and an operator, each with its own rights', async () => {
  const { token } = (await newToken()) as { token: string };
  const { agent, operator, answer } = await join(token, hostId);
  expect(answer.clusterId).toBe(agent.certificate.identity.cluster);
  await expect(to(AgentServiceDefinition, agent).register({ hostId, name: 'h1' })).resolves.toBeDefined();
  await expect(to(NetworkServiceDefinition, operator as Credentials).listNetworks({})).resolves.toBeDefined();
  await expect(to(NetworkServiceDefinition, agent).listNetworks({})).rejects.toMatchObject({
    reason: Reason.NOT_ALLOWED,
  });
  const other = { hostId: 'cd'.repeat(32), name: 'h2' };
  await expect(to(AgentServiceDefinition, agent).register(other)).rejects.toMatchObject({ reason: Reason.NOT_ALLOWED });
  expect(await refused()).toMatchObject({ role: 1n, 'another host': 1n });

  const { key, request } = await makeRequest();
  const renewed = await to(ClusterServiceDefinition, agent).renew({ request });
  expect(readCertificate(renewed.certificate)?.identity).toEqual(agent.certificate.identity);
  const next = new Credentials({ ca, certificate: renewed.certificate, key });
  await expect(to(AgentServiceDefinition, next).register({ hostId, name: 'h1' })).resolves.toBeDefined();
});

test('a token works once, also for two at the same moment; a bad request does not use it up', async () => {
  const { token } = (await newToken()) as { token: string };
  await expect(join(token, 'no id')).rejects.toMatchObject({ reason: Reason.INVALID_VALUE });
  // Nobody takes the place of a host that is there.
  await expect(join(token, hostId)).rejects.toMatchObject({ reason: Reason.IN_USE });
  const both = await Promise.allSettled([join(token), join(token)]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  await expect(join(token)).rejects.toMatchObject({ reason: Reason.TOKEN_REFUSED });
});

test('an agent-only token gives no operator', async () => {
  const { token } = (await newToken({ agentOnly: true })) as { token: string };
  expect((await join(token)).operator).toBeUndefined();
});

test('no certificate, an expired one, plain TCP: refused, and counted', async () => {
  const before = await refused();
  const day = 86_400_000;
  const expired = await forge({ kind: 'host', hostId }, Date.now() - 60 * day);
  const register = (identity: Identity) => to(AgentServiceDefinition, identity).register({ hostId, name: 'h1' });
  await expect(register(expired)).rejects.toMatchObject({ reason: Reason.NOT_IDENTIFIED });
  await expect(register({ ca })).rejects.toMatchObject({ reason: Reason.NOT_IDENTIFIED });
  await expect(to(ClusterServiceDefinition, { ca }).renew({})).rejects.toMatchObject({ reason: Reason.NOT_IDENTIFIED });
  const socket = connect(Number(target.split(':').at(-1)), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.end('GET / HTTP/1.1\r\n\r\n');
  await once(socket.resume(), 'close');
  const after = await refused();
  const more = (why: string) => (after?.[why] ?? 0n) - (before?.[why] ?? 0n);
  expect([more('expired'), more('no certificate'), more('no TLS')]).toEqual([1n, 2n, 1n]);
});
