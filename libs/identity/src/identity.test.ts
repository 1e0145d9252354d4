import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reason } from '@weft/fault';
import { expect, test } from 'vitest';
import {
  type Authority,
  Credentials,
  createGuard,
  denial,
  isSecret,
  keepRenewed,
  leafLifeMs,
  makeAuthority,
  makeRequest,
  makeToken,
  openAuthority,
  parseToken,
  type Role,
  readCertificate,
  readCluster,
  readCredentials,
  renewalMoment,
  secretHash,
  serverName,
  tokenText,
  verifyCertificate,
  writeCluster,
  writeCredentials,
} from './index.ts';

const start = Date.UTC(2030, 0, 1);
const hour = 3_600_000;
const hostId = 'ab'.repeat(32);
const host: Role = { kind: 'host', hostId };
const authority = async (now = () => start) => await openAuthority(await makeAuthority({ now }), { now });
const material = async (ca: Authority, role: Role) => {
  const { key, request } = await makeRequest();
  return { ca: ca.certificate, certificate: await ca.issue(role, request), key };
};

test('a certificate says its role, and the controller also its name', async () => {
  const ca = await authority();
  const made = await material(ca, host);
  expect(readCertificate(made.certificate)).toMatchObject({ identity: { cluster: ca.cluster, role: host } });
  const { certificate } = await material(ca, { kind: 'controller' });
  expect(new X509Certificate(certificate).checkHost(serverName)).toBe(serverName);
  expect(new X509Certificate(made.certificate).checkHost(serverName)).toBeUndefined();
});

test('each certificate has another serial, which is what is read back', async () => {
  const ca = await authority();
  const serials = await Promise.all(
    [1, 2].map(async () => readCertificate((await material(ca, host)).certificate)?.serial),
  );
  expect(new Set(serials).size).toBe(2);
  expect(serials[0]).toMatch(/^[4-7][0-9a-f]{31}$/);
});

test('only certificates of this CA, in their time, count', async () => {
  const [ca, other] = [await authority(), await authority()];
  const [own, foreign] = [await material(ca, host), await material(other, host)];
  const root = new X509Certificate(ca.certificate);
  const refusal = (raw: string, now: number) => verifyCertificate(raw, root, now).refusal;
  expect(refusal(own.certificate, start)).toBeUndefined();
  expect(refusal(own.certificate, start - hour)).toBeUndefined(); // a clock that is an hour slow
  expect(refusal(own.certificate, start - 3 * hour)).toBe('not yet valid');
  expect(refusal(own.certificate, start + leafLifeMs)).toBe('expired');
  expect(refusal(foreign.certificate, start)).toBe('another CA');
  expect(refusal(ca.certificate, start)).toBe('no role');
  expect(refusal('nonsense', start)).toBe('unreadable');
});

test('a request that is none, or that its key did not sign, is refused', async () => {
  const ca = await authority();
  const { request } = await makeRequest();
  const forged = request.slice();
  forged[forged.length - 5]! ^= 1;
  for (const bad of [new Uint8Array(), Buffer.from('nonsense'), forged])
    await expect(ca.issue(host, bad)).rejects.toMatchObject({ reason: Reason.INVALID_VALUE });
});

test('a token survives its text, and nothing else does', async () => {
  const { hash } = await authority();
  const token = makeToken(hash, randomBytes);
  expect(parseToken(` ${tokenText(token)}\n`)).toEqual(token);
  expect(isSecret(token.secret, secretHash(token.secret))).toBe(true);
  expect(isSecret(token.secret, secretHash('another'))).toBe(false);
  expect(isSecret(token.secret, new Uint8Array())).toBe(false);
  for (const bad of ['', 'weft1', 'weft2'.concat(tokenText(token).slice(5)), tokenText(token).slice(0, -1)])
    expect(() => parseToken(bad)).toThrow(expect.objectContaining({ reason: Reason.TOKEN_REFUSED }));
});

const controller: Role = { kind: 'controller' };
const operator: Role = { kind: 'operator', name: 'ann' };
const agent = '/weft.agent.v1.AgentService/Watch';
test.each([
  ['/weft.controller.v1.ClusterService/Join', undefined, undefined, undefined],
  ['/grpc.health.v1.Health/Check', undefined, undefined, undefined],
  ['/weft.controller.v1.ClusterService/Renew', undefined, undefined, 'no certificate'],
  ['/weft.controller.v1.ClusterService/Renew', host, undefined, undefined],
  ['/weft.controller.v1.ClusterService/CreateToken', host, undefined, 'role'],
  ['/weft.controller.v1.NetworkService/CreateNetwork', operator, undefined, undefined],
  ['/weft.controller.v1.NetworkService/CreateNetwork', host, undefined, 'role'],
  ['/weft.controller.v1.NetworkService/CreateNetwork', undefined, undefined, 'no certificate'],
  [agent, host, hostId, undefined],
  [agent, host, 'cd'.repeat(32), 'another host'],
  [agent, host, undefined, 'another host'],
  [agent, operator, hostId, 'role'],
  [agent, controller, hostId, undefined],
  ['/weft.ipam.v1.IpamService/Lease', operator, undefined, 'role'],
  ['/weft.ipam.v1.IpamService/Lease', controller, undefined, undefined],
  ['/unknown.Service/Call', operator, undefined, 'role'],
] as const)('%s by %j for %s: %s', (path, role, of, expected) => {
  expect(denial(path, role, of)).toBe(expected);
});

test('the guard refuses, says why, and counts', async () => {
  let now = start;
  const ca = await authority();
  const refusals: string[] = [];
  let revoked = '';
  const guard = createGuard({
    ca: ca.certificate,
    cluster: ca.cluster,
    now: () => now,
    isRevoked: ({ serial }) => serial === revoked,
    onRefused: ({ because }) => refusals.push(because),
  });
  const raw = (pem: string) => new X509Certificate(pem).raw;
  const own = raw((await material(ca, host)).certificate);
  const call =
    (certificate: Uint8Array | undefined, of = hostId, path = agent) =>
    () =>
      guard.admit({ path, peer: '192.0.2.1:5', certificate, hostId: of });
  const caller = call(own)();
  expect(caller).toMatchObject({ role: host });
  expect(call(undefined)).toThrow(expect.objectContaining({ reason: Reason.NOT_IDENTIFIED }));
  expect(call(raw((await material(await authority(), host)).certificate))).toThrow(/another CA/);
  expect(call(own, 'cd'.repeat(32))).toThrow(expect.objectContaining({ reason: Reason.NOT_ALLOWED }));
  revoked = caller?.serial ?? '';
  expect(call(own)).toThrow(/was removed from the cluster/);
  expect(caller && guard.isWelcome(caller)).toBe(false);
  now += leafLifeMs;
  expect(call(own)).toThrow(/expired/);
  expect(call(own, '', '/weft.controller.v1.ClusterService/Join')()).toBeUndefined();
  expect(refusals).toEqual(['no certificate', 'another CA', 'another host', 'revoked', 'expired']);
  expect([...guard.refused.values()]).toEqual([1n, 1n, 1n, 1n, 1n]);
});

test('the directory keeps what it was given, for its owner alone', async () => {
  const directory = join(mkdtempSync(join(tmpdir(), 'weft-identity-')), 'identity');
  const ca = await authority();
  const made = await material(ca, host);
  expect([readCredentials(directory, 'agent'), readCluster(directory)]).toEqual([undefined, undefined]);
  writeCredentials(directory, 'agent', made);
  writeCluster(directory, { id: ca.cluster, controllers: ['https://192.0.2.1:7420'] });
  expect(readCredentials(directory, 'agent')?.material).toEqual(made);
  expect(readCluster(directory)).toEqual({ id: ca.cluster, controllers: ['https://192.0.2.1:7420'] });
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, 'agent.key')).mode & 0o777).toBe(0o600);
  writeFileSync(join(directory, 'agent.key'), (await material(ca, host)).key);
  expect(() => readCredentials(directory, 'agent')).toThrow(/does not belong/);
  writeFileSync(join(directory, 'cluster.json'), '{}');
  expect(() => readCluster(directory)).toThrow(/cannot be read/);
  rmSync(join(directory, '..'), { recursive: true });
});

test('what is two thirds through its life is renewed, kept first and then used', async () => {
  let now = start;
  const ca = await authority(() => now);
  const credentials = new Credentials(await material(ca, host));
  const { serial } = credentials.certificate;
  expect(renewalMoment(credentials.certificate)).toBe(start + (leafLifeMs * 2) / 3);
  const order: string[] = [];
  const renewed = Promise.withResolvers<void>();
  credentials.onChange(() => {
    order.push('used');
    renewed.resolve();
  });
  const begin = () =>
    keepRenewed({
      credentials,
      renew: () => material(ca, host),
      keep: () => order.push('kept'),
      now: () => now,
      onError: renewed.reject,
    });
  begin()();
  expect(order).toEqual([]);
  now = start + (leafLifeMs * 2) / 3;
  const stop = begin();
  await renewed.promise;
  stop();
  expect(order).toEqual(['kept', 'used']);
  expect(credentials.certificate.serial).not.toBe(serial);
});
