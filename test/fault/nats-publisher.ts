// A program for nats-publishers.test.ts, beside a NATS server and an etcd in one network namespace.
//   publish   reads a store's change log aloud, and always believes that it is its turn
//   write N   changes the store N times, two events each; prints the last event's message id
//   log       prints the message ids of all events
//   consume   a durable consumer: prints the message id of each message to standard error, and acknowledges it
//   window MS makes the stream, with a deduplication window of so many milliseconds
import { writeSync } from 'node:fs';
import { connectPublisher, messageId, streamName, subjects } from '@weft/events';
import { createLog, untilSignal } from '@weft/process';
import { Event } from '@weft/proto/event';
import { BEFORE_ALL, etcdAccess, openEtcdStore, type Revision, type WatchBatch } from '@weft/store';
import { AckPolicy, connect, nanos } from 'nats';
import { natsUrl } from '../lib/nats-server.ts';

const [what, number] = process.argv.slice(2);
const say = (line: string) => writeSync(2, `${line}\n`);
const openStore = () => openEtcdStore({ access: etcdAccess({ etcd: ['http://127.0.0.1:2379'] })!, root: '/log/' });
const openNats = () =>
  connect({
    ...{ servers: natsUrl.replace('nats://', ''), waitOnFirstConnect: true },
    ...{ maxReconnectAttempts: -1, reconnectTimeWait: 100 },
  });
const eventsOf = (storeId: string, { revision, events }: WatchBatch): Event[] =>
  events.map(({ key }, index) =>
    Event.fromPartial({ storeId, revision, index, kind: 'network', id: key, what: 'created' }),
  );

switch (what) {
  case 'publish': {
    const store = await openStore();
    const publisher = await connectPublisher(
      { servers: natsUrl },
      store.id,
      createLog('publisher'),
      async function* (after, signal) {
        for await (const item of store.watch('', (after ?? BEFORE_ALL) as Revision, signal)) {
          if ('compacted' in item) throw new Error('the log is gone');
          yield* eventsOf(store.id, item);
        }
      },
    );
    say('publishing');
    await untilSignal();
    await publisher.close();
    await store.close();
    break;
  }
  case 'write': {
    const store = await openStore();
    say('writing');
    let last = 0n;
    for (let n = 0; n < Number(number); n++) {
      const value = new Uint8Array(0);
      const { revision } = await store.transact(
        [],
        [
          { put: 'a', value },
          { put: 'b', value },
        ],
      );
      last = revision;
    }
    process.stdout.write(messageId(Event.fromPartial({ storeId: store.id, revision: last, index: 1 })));
    await store.close();
    break;
  }
  case 'log': {
    const store = await openStore();
    const last = (await store.get('b'))!.modRevision;
    const over = new AbortController();
    for await (const item of store.watch('', BEFORE_ALL, over.signal)) {
      if ('compacted' in item) throw new Error('the log is gone');
      for (const event of eventsOf(store.id, item)) process.stdout.write(`${messageId(event)}\n`);
      if (item.revision >= last) over.abort();
    }
    await store.close();
    break;
  }
  case 'window': {
    const nats = await openNats();
    const manager = await nats.jetstreamManager();
    await manager.streams.add({ name: streamName, subjects: [subjects], duplicate_window: nanos(Number(number)) });
    await nats.close();
    break;
  }
  case 'consume': {
    const nats = await openNats();
    const manager = await nats.jetstreamManager();
    const name = 'listener';
    // One at a time, so that one whose acknowledgement is lost with the server comes again BEFORE the next.
    const settings = { durable_name: name, ack_policy: AckPolicy.Explicit, max_ack_pending: 1, ack_wait: nanos(5_000) };
    await manager.consumers.add(streamName, settings);
    say('consuming');
    const consumer = await nats.jetstream().consumers.get(streamName, name);
    for (;;) {
      try {
        const message = await consumer.next({ expires: 1_000 });
        if (message === null) continue;
        say(`message ${message.headers?.get('Nats-Msg-Id')}`);
        await message.ackAck();
      } catch {
        // The server is away.
      }
    }
  }
}
