// Two controllers on one etcd, one of which publishes: it is killed with -9 while networks come and go at the other, again and again.
// A durable consumer sees every event once and in order, and so does the stream.
import { join } from 'node:path';
import { messageId } from '@weft/events';
import type { Event } from '@weft/proto/event';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EtcdCluster, startEtcd } from '../lib/etcd-server.ts';
import { type Clients, type Host, makeHost, type Running } from '../lib/host.ts';
import { messagesUntil, natsUrl, startNats } from '../lib/nats-server.ts';

const program = (service: string) => new URL(`../../dist/${service}.mjs`, import.meta.url).pathname;
const consumerProgram = new URL('./nats-publisher.ts', import.meta.url).pathname;
const rounds = 3;
/** Networks that must have come and gone before the next blow. */
const between = 8;
let host: Host;
let etcd: EtcdCluster;

beforeEach(async () => {
  host = makeHost();
  etcd = await startEtcd({ host });
});
afterEach(async () => {
  await host.remove();
  await etcd.remove();
});

interface Replica {
  readonly process: Running;
  readonly api: Clients;
}

const at = (socket: string) => `unix://${join(host.runDir, socket)}`;
const start = (service: string, ...flags: string[]) =>
  host.start(process.execPath, [program(service), ...flags], 'serving');
const drivers = ['bridge-driver', 'null-driver', 'host-driver'];

async function startReplica(name: string): Promise<Replica> {
  const listen = at(`${name}.sock`);
  const running = await start(
    'network-controller',
    ...['--listen', listen, '--etcd', etcd.urls.join(), '--ipam', at('ipam.sock'), '--nats', natsUrl],
    ...drivers.flatMap((driver) => ['--driver', at(`${driver}.sock`)]),
    ...['--discovery', at('discovery.sock')],
  );
  return { process: running, api: host.clients(listen) };
}

const publishes = async ({ api }: Replica) => (await api.system.getStatus({})).events.includes('published');

async function logOf({ api }: Replica): Promise<Event[]> {
  const { revision } = await api.system.getStatus({});
  const events: Event[] = [];
  for await (const { event } of api.system.events({ sinceRevision: 0n, untilRevision: revision }))
    if (event !== undefined) events.push(event);
  return events;
}

test('the one that publishes is killed: each event once and in order', { timeout: 180_000 }, async () => {
  await startNats(host);
  await Promise.all([
    start('ipam', '--listen', at('ipam.sock'), '--etcd', etcd.urls.join()),
    ...[...drivers, 'discovery'].map((one) => start(one, '--listen', at(`${one}.sock`))),
  ]);
  let publisher = await startReplica('r0');
  let other = await startReplica('r1');
  await publisher.api.networks.createNetwork({ spec: { name: 'first' } });
  await expect.poll(() => publishes(publisher), { timeout: 20_000 }).toBe(true);
  const consumer = await host.start(process.execPath, [consumerProgram, 'consume'], 'consuming');

  for (let round = 0; round < rounds; round++) {
    let made = 0;
    let isOver = false;
    const { api } = other;
    const acting = (async () => {
      for (; !isOver; made++) {
        await api.networks.createNetwork({ spec: { name: `n${round}-${made}` } });
        await api.networks.removeNetwork({ network: `n${round}-${made}` });
      }
    })();
    const more = async () => {
      const from = made;
      await expect.poll(() => made, { timeout: 60_000, interval: 10 }).toBeGreaterThan(from + between);
    };
    await more();
    await publisher.process.stop('SIGKILL');
    await expect.poll(() => publishes(other), { timeout: 30_000 }).toBe(true);
    await more();
    publisher = other;
    other = await startReplica(`r${round + 2}`);
    await more();
    isOver = true;
    await acting;
  }

  const expected = (await logOf(publisher)).map(messageId);
  const seen = () =>
    consumer.log.filter((line) => line.startsWith('message ')).map((line) => line.slice('message '.length));
  await expect.poll(() => seen().at(-1), { timeout: 60_000 }).toBe(expected.at(-1));
  console.log(`${expected.length} events through ${rounds} kills; seen ${seen().length}`);
  expect(seen()).toEqual(expected);
  expect(messagesUntil(host, expected.at(-1)!).map(({ id }) => id)).toEqual(expected);
});
