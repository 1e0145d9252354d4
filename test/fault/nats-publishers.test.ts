// Two publishers that both believe it is their turn, on one log: one paused in the middle and woken up later, each killed in turn, the
// NATS server killed and started again, and a deduplication window so short that the fence alone must do. A durable consumer sees
// each event once, in order, but for those that the killed server forgot it had heard.
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EtcdCluster, startEtcd } from '../lib/etcd-server.ts';
import { type Host, makeHost, type Running } from '../lib/host.ts';
import { messagesUntil, startNats } from '../lib/nats-server.ts';

const program = new URL('./nats-publisher.ts', import.meta.url).pathname;
/** Ms; the server takes no shorter one. */
const window = 100;
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

const start = (what: string, ready: string) => host.start(process.execPath, [program, what], ready);
const publish = () => start('publish', 'publishing');
/** Returns the message id of the last event. */
const write = (count: number) => host.run(process.execPath, [program, 'write', `${count}`]).stdout;
/** The same beside what else happens; resolves when all is written. */
const writeMeanwhile = async (count: number) => {
  const writer = await host.start(process.execPath, [program, 'write', `${count}`], 'writing');
  if (writer.process.exitCode === null) await once(writer.process, 'exit');
};
const seen = (consumer: Running) =>
  consumer.log.filter((line) => line.startsWith('message ')).map((line) => line.slice('message '.length));
const untilSeen = (consumer: Running, id: string) =>
  expect.poll(() => seen(consumer).includes(id), { timeout: 60_000, interval: 50 }).toBe(true);

test('each event once and in order, whatever happens to publishers and server', { timeout: 180_000 }, async () => {
  let nats = await startNats(host);
  host.run(process.execPath, [program, 'window', `${window}`]);
  const consumer = await start('consume', 'consuming');
  const a = await publish();
  let b = await publish();

  // Both at once.
  await untilSeen(consumer, write(50));
  // One paused in the middle; the other goes on; then both.
  const underWay = writeMeanwhile(100);
  const before = seen(consumer).length;
  await expect.poll(() => seen(consumer).length, { interval: 5 }).toBeGreaterThan(before + 10);
  a.process.kill('SIGSTOP');
  await underWay;
  const alone = write(50);
  await untilSeen(consumer, alone);
  a.process.kill('SIGCONT');
  await untilSeen(consumer, write(50));

  // The server killed while both publish.
  const killed = writeMeanwhile(100);
  const soFar = seen(consumer).length;
  await expect.poll(() => seen(consumer).length, { interval: 5 }).toBeGreaterThan(soFar + 10);
  await nats.stop('SIGKILL');
  await killed;
  write(20);
  nats = await startNats(host);
  await untilSeen(consumer, write(20));

  // One killed, the other paused and woken up after a new one took over.
  const last = writeMeanwhile(100);
  const now = seen(consumer).length;
  await expect.poll(() => seen(consumer).length, { interval: 5 }).toBeGreaterThan(now + 10);
  await b.stop('SIGKILL');
  a.process.kill('SIGSTOP');
  await last;
  b = await publish();
  await untilSeen(consumer, write(50));
  a.process.kill('SIGCONT');
  const end = write(50);
  await untilSeen(consumer, end);

  const ids = messagesUntil(host, end).map(({ id }) => id);
  const expected = host.run(process.execPath, [program, 'log']).stdout.trim().split('\n');
  console.log(
    `${expected.length} events; in the stream lost ${expected.filter((id) => !ids.includes(id)).length}, ` +
      `twice ${ids.length - new Set(ids).size}; seen ${seen(consumer).length}`,
  );
  expect(ids).toEqual(expected);
  // nats-server writes down every now and then how far a consumer is. The one time it was killed the consumer goes back to that, and hears
  // again what it has heard: but for that step back each event is once and in order.
  const places = seen(consumer).map((id) => expected.indexOf(id));
  const steps = places.map((place, at) => place - (places[at - 1] ?? -1));
  expect(steps.filter((step) => step > 1)).toEqual([]);
  expect(steps.filter((step) => step < 1).length).toBeLessThanOrEqual(1);
  expect(places.at(-1)).toBe(expected.length - 1);
});
