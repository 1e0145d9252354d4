// A client of several servers by TLS: the one it uses dies, is paused, or is cut off, with calls under way and without; it
// goes on with another. And one server alone, cut off and healed. Timings are in test/bench; here only that it comes about
// well before TCP would notice.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Credentials, makeAuthority, makeRequest, openAuthority, type Role, writeCredentials } from '@weft/identity';
import { IpamServiceDefinition } from '@weft/proto/ipam';
import { type Channel, clientOf, openChannel, parseAddress, type Target } from '@weft/rpc';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startProxy, type TcpProxy } from '../lib/tcp-proxy.ts';

const directory = mkdtempSync(join(tmpdir(), 'weft-failover-'));
const now = Date.now;
/** Far below what TCP needs to notice, far above what the channel needs. In ms. */
const patienceMs = 8_000;
let credentials: Credentials;
const servers: { child: ChildProcess; port: number }[] = [];
let proxies: TcpProxy[] = [];
let channel: Channel | undefined;

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

async function start(name: string, port: number): Promise<ChildProcess> {
  const program = new URL('./tls-server.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, name, `${port}`, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

const at = (port: number) => parseAddress(`https://127.0.0.1:${port}`, '');
function ask(...targets: [Target, ...Target[]]) {
  channel = openChannel(targets, credentials);
  return clientOf(IpamServiceDefinition, channel);
}
type Client = ReturnType<typeof ask>;

/** The name of whoever answers, as often as it takes, like an agent does. */
async function answers(client: Client): Promise<string> {
  for (const end = now() + patienceMs; ; ) {
    try {
      return (await client.describe({}, { deadline: 3_000 })).name;
    } catch (error) {
      if (now() > end) throw error;
      await sleep(50);
    }
  }
}

beforeAll(async () => {
  const authority = await openAuthority(await makeAuthority({ now }), { now });
  const certify = async (role: Role) => {
    const { key, request } = await makeRequest();
    return { ca: authority.certificate, certificate: await authority.issue(role, request), key };
  };
  writeCredentials(directory, 'controller', await certify({ kind: 'controller' }));
  credentials = new Credentials(await certify({ kind: 'controller' }));
  for (const name of ['one', 'two']) {
    const port = await freePort();
    servers.push({ child: await start(name, port), port });
  }
  proxies = await Promise.all(servers.map(({ port }) => startProxy(port)));
}, 60_000);
afterEach(() => channel?.close());
afterAll(async () => {
  for (const { child } of servers) child.kill('SIGKILL');
  for (const proxy of proxies) await proxy.close();
  rmSync(directory, { recursive: true });
});

test.each(['before a call', 'during a call'])(
  'a server that is paused %s is left for the other',
  { timeout: 30_000 },
  async (when) => {
    const [one, two] = servers as [(typeof servers)[0], (typeof servers)[0]];
    const client = ask(at(one.port), at(two.port));
    expect(await answers(client)).toBe('one');
    one.child.kill('SIGSTOP');
    try {
      // Before: as long as keepalive takes to notice without a call.
      if (when === 'before a call') await sleep(2_500);
      expect(await answers(client)).toBe('two');
    } finally {
      one.child.kill('SIGCONT');
    }
  },
);

test('a server that begins paused does not keep a client that has another', { timeout: 30_000 }, async () => {
  const [one, two] = servers as [(typeof servers)[0], (typeof servers)[0]];
  one.child.kill('SIGSTOP');
  try {
    expect(await answers(ask(at(one.port), at(two.port)))).toBe('two');
  } finally {
    one.child.kill('SIGCONT');
  }
});

test.each(['up', 'down'] as const)(
  'a link that is cut %s is left, and used again when it is the only one',
  { timeout: 30_000 },
  async (way) => {
    const [near, far] = proxies as [TcpProxy, TcpProxy];
    const client = ask(at(near.port), at(far.port));
    expect(await answers(client)).toBe('one');
    near.hold(way);
    expect(await answers(client)).toBe('two');
    const alone = openChannel(at(near.port), credentials);
    const lonely = clientOf(IpamServiceDefinition, alone);
    await expect(lonely.describe({}, { deadline: 2_500 })).rejects.toThrow();
    near.release();
    expect(await answers(lonely)).toBe('one');
    alone.close();
  },
);

test('a server that is killed is left at once; addresses that come later are used', { timeout: 30_000 }, async () => {
  const [one, two] = servers as [(typeof servers)[0], (typeof servers)[0]];
  const client = ask(at(one.port));
  expect(await answers(client)).toBe('one');
  channel?.update([at(one.port), at(two.port)]);
  expect(await answers(client)).toBe('one');
  one.child.kill('SIGKILL');
  expect(await answers(client)).toBe('two');
  one.child = await start('one', one.port);
  channel?.update([at(one.port)]);
  await expect.poll(() => answers(client), { timeout: patienceMs }).toBe('one');
});
