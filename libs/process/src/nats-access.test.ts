import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { type NatsFlags, natsAccess } from './nats-access.ts';

const directory = mkdtempSync(join(tmpdir(), 'weft-nats-'));
afterAll(() => rmSync(directory, { recursive: true }));
const file = (name: string, content: string) => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};
const certificate = file('cert.pem', '-----BEGIN CERTIFICATE-----\n');
const key = file('key.pem', '-----BEGIN PRIVATE KEY-----\n');
const creds = file('user.creds', '-----BEGIN USER NKEY SEED-----\nSU\n');
const nats = 'tls://a:4222,tls://[::1]';

it.each<[NatsFlags, object | undefined]>([
  [{}, undefined],
  [{ nats: 'off' }, undefined],
  [{ nats: 'nats://10.0.0.1:4222,nats://b' }, { servers: 'nats://10.0.0.1:4222,nats://b' }],
  [
    { nats: 'nats://a', natsCreds: creds },
    { servers: 'nats://a', credentialsFile: creds },
  ],
  [
    { nats, natsCa: certificate, natsCert: certificate, natsKey: key },
    { servers: nats, caFile: certificate, certFile: certificate, keyFile: key },
  ],
])('reads %j', (flags, access) => {
  expect(natsAccess(flags)).toEqual(access);
});

it.each<[NatsFlags, string]>([
  [{ nats: 'a:4222' }, 'up --nats: "a:4222" is neither nats://HOST:PORT nor tls://HOST:PORT'],
  [{ nats: 'nats://a:70000' }, 'up --nats: "nats://a:70000" is neither'],
  [{ nats: 'nats://a,' }, 'up --nats: "" is neither'],
  [{ nats: 'nats://user:secret@a' }, 'up --nats: "nats://***@a" is neither'],
  [{ natsCa: certificate }, 'up --nats-ca needs --nats URL'],
  [{ nats: 'off', natsCreds: creds }, 'up --nats-creds needs --nats URL'],
  [{ nats: 'tls://a,nats://b', natsCa: certificate }, 'up --nats-ca is for tls://, and --nats says nats://'],
  [{ nats, natsCert: certificate }, 'up --nats-cert needs --nats-key'],
  [{ nats, natsKey: key }, 'up --nats-key needs --nats-cert'],
  [{ nats, natsCa: key }, `up --nats-ca: ${key} holds no CERTIFICATE: name another file`],
  [{ nats, natsCreds: join(directory, 'none') }, 'up --nats-creds: ENOENT'],
])('refuses %j', (flags, sentence) => {
  expect(() => natsAccess(flags, 'up ')).toThrow(sentence);
});
