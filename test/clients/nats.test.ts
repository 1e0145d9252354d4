// Events on a real NATS server: the same as those of the gRPC watch and of `weft events`, none lost and none twice, whoever is
// killed in between. With the server away weft works on, and publishes later.
import { messageId } from '@weft/events';
import { Event } from '@weft/proto/event';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { assertInvariants } from '../invariants/check.ts';
import { type Clients, type Host, makeHost, type Running } from '../lib/host.ts';
import { messagesUntil, type NatsMessage, natsUrl, startNats } from '../lib/nats-server.ts';

let host: Host;
let weft: Running;
let api: Clients;
let live: Live | undefined;
beforeEach(() => {
  live = undefined;
  host = makeHost();
});
afterEach(async () => {
  live?.stop();
  await host.remove();
});

interface Live {
  /** What was heard so far. */
  readonly events: Event[];
  stop(): void;
}

/** Hears events from the log's start as they happen, and goes on after the last one when weft comes back. */
function listen(clients: Clients, before: readonly Event[] = []): Live {
  const stopping = new AbortController();
  const events = [...before];
  const last = events.at(-1);
  (async () => {
    const request = { sinceRevision: (last?.revision ?? 1n) - 1n };
    for await (const { event } of clients.system.events(request, { signal: stopping.signal })) {
      if (event === undefined || (event.revision === last?.revision && event.index <= last.index)) continue;
      events.push(event);
    }
  })().catch(() => undefined);
  return { events, stop: () => stopping.abort() };
}

const heard = (): readonly Event[] => live?.events ?? [];

async function up(): Promise<void> {
  weft = await host.up(['--nats', natsUrl]);
  api = host.clients();
  live = listen(api, heard());
}

async function killNine(): Promise<void> {
  await weft.stop('SIGKILL');
  live?.stop();
}

/** Something of every kind: networks, sandboxes, endpoints that come and go, and a network that is gone at the end. */
async function act(name: string): Promise<void> {
  await api.networks.createNetwork({ spec: { name: `${name}-net` } });
  await api.networks.createNetwork({ spec: { name: `${name}-gone` } });
  await api.sandboxes.createSandbox({ spec: { name }, attachments: [{ network: `${name}-net` }] });
  await api.endpoints.connect({ network: `${name}-gone`, sandbox: name });
  await api.endpoints.disconnect({ network: `${name}-gone`, sandbox: name });
  await api.networks.removeNetwork({ network: `${name}-gone` });
}

/** The log as the API tells it now. */
async function log(): Promise<Event[]> {
  const { revision } = await api.system.getStatus({});
  const events: Event[] = [];
  for await (const { event } of api.system.events({ sinceRevision: 0n, untilRevision: revision }))
    if (event !== undefined) events.push(event);
  return events;
}

const asMessage = (event: Event): NatsMessage => ({
  subject: `weft.v1.${event.kind}.${event.id}.${event.what}`,
  id: messageId(event),
  body: Event.toJSON(event),
});

/** The stream, the log, and what was heard live up to now are the same. */
async function expectSame(): Promise<void> {
  const events = await log();
  const last = events.at(-1);
  if (last === undefined) throw new Error('the log is empty');
  const messages = messagesUntil(host, messageId(last));
  expect(messages).toEqual(events.map(asMessage));
  expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
  // What a crash left half removed is finished in the background, so more may be heard by now: all of it is in the log.
  await expect.poll(() => heard().length).toBeGreaterThanOrEqual(events.length);
  const told = heard().map(asMessage);
  expect(told.slice(0, messages.length)).toEqual(messages);
  expect(told).toEqual((await log()).slice(0, told.length).map(asMessage));
  await assertInvariants({ runDir: host.runDir, dataDir: host.dataDir, netns: host.netns });
}

test('subject, header and JSON; the same by gRPC and by `weft events`', async () => {
  await startNats(host);
  await up();
  await act('a');
  await expectSame();
  const first = heard().find((one) => one.kind === 'network' && one.attributes['name'] === 'a-net');
  expect(first && asMessage(first)).toMatchObject({
    subject: `weft.v1.network.${first?.id}.created`,
    id: `${first?.storeId}.${first?.revision}.${first?.index}`,
    body: { kind: 'network', what: 'created', revision: `${first?.revision}`, attributes: { driver: 'bridge' } },
  });
  const { revision } = await api.system.getStatus({});
  const { stdout } = host.weft('events', '--json', '--since', '0', '--until', `${revision}`);
  const lines = stdout.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual(heard().map((event) => Event.toJSON(event)));
});

test('the server is killed and comes back: none lost, none twice', async () => {
  const nats = await startNats(host);
  await up();
  await act('a');
  const acting = act('b');
  await nats.stop('SIGKILL');
  await acting;
  await act('c');
  await startNats(host);
  await expectSame();
});

test('weft is killed and comes back: none lost, none twice', async () => {
  await startNats(host);
  await up();
  for (const name of ['a', 'b', 'c']) {
    const before = heard().length;
    const acting = act(name).catch(() => undefined);
    await expect.poll(() => heard().length).toBeGreaterThan(before + 8);
    await killNine();
    await acting;
    await up();
  }
  await expectSame();
});

test('without a server weft works, and publishes when there is one', async () => {
  await up();
  await act('a');
  expect((await api.system.getStatus({})).events).toContain(natsUrl);
  await killNine();
  await up();
  await startNats(host);
  await expectSame();
});
