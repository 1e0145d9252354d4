// Reads the change log's events aloud on NATS. With JetStream it resumes after the stream's last message, each
// publication fenced by the expected last message id: none lost, none twice. Without a server only events wait.
import { asFault, isFault, Reason } from '@weft/fault';
import { type Log, pause } from '@weft/process';
import type { Event } from '@weft/proto/event';
import { connect, headers, type JetStreamClient, type JetStreamManager, type NatsConnection, NatsError } from 'nats';
import { noteNotPublished, notePublished } from './observed.ts';
import { bodyOf, messageId, positionOf, streamName, subjectOf, subjects } from './subject.ts';

/** Events after a revision (undefined: all there are), then live, until the signal aborts. Throws GAP. */
export type EventSource = (after: bigint | undefined, signal: AbortSignal) => AsyncIterable<Event>;

export interface Publisher {
  /** Where it publishes and how far it has come, for people. */
  state(): string;
  close(): Promise<void>;
}

/** Pause before the next try when the server is away, in ms. */
const retryMs = 1_000;

/** Publishes from now on, whether the server is there yet or not. @throws nothing: an absent server is tried again */
export async function connectPublisher(
  url: string,
  storeId: string,
  log: Log,
  source: EventSource,
): Promise<Publisher> {
  const stop = new AbortController();
  let published: string | undefined;
  let connection: NatsConnection | undefined;
  let trouble = 'connecting';
  let hasGap = false;

  async function publishFrom(nats: NatsConnection): Promise<void> {
    const stream = await openStream(nats, log);
    let last = stream === undefined ? undefined : await lastMessageId(stream.manager);
    const position = last === undefined ? undefined : positionOf(last);
    const isOurs = position?.storeId === storeId;
    const after = isOurs && !hasGap ? position.revision - 1n : undefined;
    hasGap = false;
    trouble = '';
    for await (const event of source(after, stop.signal)) {
      if (isOurs && event.revision === position.revision && event.index <= position.index) continue;
      const id = messageId(event);
      if (stream === undefined) {
        const head = headers();
        head.set('Nats-Msg-Id', id);
        nats.publish(subjectOf(event), bodyOf(event), { headers: head });
      } else {
        await stream.client.publish(subjectOf(event), bodyOf(event), {
          msgID: id,
          ...(last === undefined ? {} : { expect: { lastMsgID: last } }),
        });
      }
      last = id;
      published = id;
      notePublished(event);
    }
  }

  const running = (async () => {
    while (!stop.signal.aborted) {
      try {
        connection = await connect({
          servers: url.replace(/^nats:\/\//, ''),
          name: 'weft',
          maxReconnectAttempts: -1,
          reconnectTimeWait: 500,
        });
        await publishFrom(connection);
      } catch (error) {
        if (stop.signal.aborted) break;
        noteNotPublished();
        trouble = error instanceof NatsError ? error.message : asFault(error).text;
        hasGap = isFault(error, Reason.GAP);
        if (hasGap)
          log.error({ err: trouble }, 'events between the stream and the log are lost: the log was compacted');
        else log.warn({ err: trouble }, 'cannot publish events; they wait');
        await pause(retryMs, stop.signal);
      } finally {
        await connection?.close().catch(() => undefined);
      }
    }
  })();

  return {
    state: () => `${url} ${trouble === '' ? `published ${published ?? 'nothing yet'}` : trouble}`,
    async close() {
      stop.abort();
      await connection?.close().catch(() => undefined);
      await running;
    },
  };
}

async function openStream(
  nats: NatsConnection,
  log: Log,
): Promise<{ client: JetStreamClient; manager: JetStreamManager } | undefined> {
  try {
    const manager = await nats.jetstreamManager();
    await manager.streams.add({ name: streamName, subjects: [subjects] });
    return { client: nats.jetstream(), manager };
  } catch (error) {
    if (error instanceof NatsError && error.code === '503') {
      log.info('the NATS server has no JetStream: events are not kept there');
      return undefined;
    }
    throw error;
  }
}

async function lastMessageId(manager: JetStreamManager): Promise<string | undefined> {
  const { state } = await manager.streams.info(streamName);
  if (state.messages === 0) return undefined;
  const message = await manager.streams.getMessage(streamName, { seq: state.last_seq });
  return message.header.get('Nats-Msg-Id') || undefined;
}
