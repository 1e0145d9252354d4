// A NATS server that wants TLS, a client's certificate and a user's credentials: events get there with all of them, and wait with less.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connectPublisher } from '@weft/events';
import { createLog, type NatsAccess } from '@weft/process';
import { Event } from '@weft/proto/event';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { natsUser } from '../lib/nats-users.ts';

const directory = mkdtempSync(join(tmpdir(), 'weft-nats-'));
const file = (name: string) => join(directory, name);
let end: () => Promise<void>;
let access: NatsAccess;

/** A certificate that signs itself: whoever trusts it trusts its holder alone. */
function certify(name: string): { readonly certFile: string; readonly keyFile: string } {
  const [certFile, keyFile] = [file(`${name}.pem`), file(`${name}.key`)];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
      ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', certFile],
    ],
    { stdio: 'ignore' },
  );
  return { certFile, keyFile };
}

beforeAll(async () => {
  const [server, client] = [certify('server'), certify('client')];
  const { configuration, credentials } = natsUser();
  writeFileSync(file('user.creds'), credentials);
  const tls = `cert_file: "${server.certFile}", key_file: "${server.keyFile}", ca_file: "${client.certFile}", verify: true`;
  writeFileSync(
    file('nats.conf'),
    `listen: "127.0.0.1:-1"\njetstream: { store_dir: "${file('js')}" }\ntls: { ${tls} }\n${configuration}`,
  );
  const child = spawn('nats-server', ['-c', file('nats.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  end = async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  const log: string[] = [];
  const port = await new Promise<string>((resolve, reject) => {
    let listens = '';
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line);
      listens = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? listens;
      if (line.includes('Server is ready')) resolve(listens);
    });
    child.once('exit', () => reject(new Error(log.join('\n'))));
  });
  const servers = `tls://127.0.0.1:${port}`;
  access = { servers, caFile: server.certFile, ...client, credentialsFile: file('user.creds') };
});
afterAll(async () => {
  await end();
  rmSync(directory, { recursive: true });
});

async function stateWith(given: NatsAccess, wanted: RegExp): Promise<void> {
  async function* one(_after: unknown, signal: AbortSignal): AsyncGenerator<Event> {
    yield Event.fromPartial({ storeId: 'ab', revision: 7n, index: 0, kind: 'network', id: 'x', what: 'created' });
    if (!signal.aborted) await once(signal, 'abort');
  }
  const publisher = await connectPublisher(given, 'ab', createLog('test'), one);
  try {
    await expect.poll(() => publisher.state(), { timeout: 10_000, interval: 20 }).toMatch(wanted);
  } finally {
    await publisher.close();
  }
}

test('less than all is refused, and said', { timeout: 60_000 }, async () => {
  const { certFile: _cert, keyFile: _key, ...noCertificate } = access;
  await stateWith(noCertificate, /certificate required|TLS|CONNECTION|disconnect|socket|ECONNRESET/i);
  const { credentialsFile: _creds, ...noUser } = access;
  await stateWith(noUser, /Authorization Violation|AUTHORIZATION/i);
  await stateWith({ ...access, caFile: access.certFile! }, /self-signed|certificate/i);
  // Its certificate is for 127.0.0.1 alone.
  const servers = access.servers.replace('127.0.0.1', 'localhost');
  await stateWith({ ...access, servers }, /does not match certificate/);
});

test('with all of it events get there', { timeout: 30_000 }, async () => {
  await stateWith(access, /published ab\.7\.0$/);
});
