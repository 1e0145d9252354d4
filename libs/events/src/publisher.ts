// Reads the change log's events aloud on NATS. With JetStream it goes on after the stream's last event, and each one is appended
// on condition of what the stream ends with (stream.ts): none lost, none twice, in order, however many publish.
// Without JetStream it tells events as they come. Without a server events wait in the log.
import { asFault, isFault, Reason } from '@weft/fault';
import { type Log, type NatsAccess, pause } from '@weft/process';
import type { Event } from '@weft/proto/event';
import { connect, headers, type NatsConnection, NatsError } from 'nats';
import { noteNotPublished, notePublished } from './observed.ts';
import { connectionOptions } from './servers.ts';
import { append, endOf, Overtaken, openStream, type Stream } from './stream.ts';
import { bodyOf, isAfter, messageId, type Position, subjectOf } from './subject.ts';
import { alone, myTurn, type Turn, termOf } from './turn.ts';

/** Events after a revision (undefined: all there are), then live, until the signal aborts. Throws GAP. */
export type EventSource = (after: bigint | undefined, signal: AbortSignal) => AsyncIterable<Event>;

export interface PublisherOptions {
  /** Which of several replicas publishes; absent: this one. */
  readonly turn?: Turn;
  /** The store's revision: where one begins to tell a server that keeps nothing. Absent: at the log's beginning. */
  readonly revision?: () => Promise<bigint>;
}

export interface Publisher {
  /** Where it publishes and how far it has come, for people. */
  state(): string;
  close(): Promise<void>;
}

/** Pause before the next try when the server is away, in ms. */
const retryMs = 1_000;

/** Publishes from now on, whether a server is there yet or not. @throws nothing: an absent server is tried again */
export async function connectPublisher(
  servers: NatsAccess,
  storeId: string,
  log: Log,
  source: EventSource,
  { turn = alone, revision }: PublisherOptions = {},
): Promise<Publisher> {
  const stop = new AbortController();
  let published: Position | undefined;
  let connection: NatsConnection | undefined;
  let trouble = 'connecting';
  let hasGap = false;

  const note = (event: Event) => {
    published = { storeId, revision: event.revision, index: event.index };
    trouble = '';
    notePublished(event);
  };

  async function appendTo(stream: Stream, signal: AbortSignal): Promise<void> {
    const { sequence: end, position } = await endOf(stream, storeId);
    let sequence = end;
    const after = position && !hasGap ? position.revision - 1n : undefined;
    hasGap = false;
    trouble = '';
    for await (const event of source(after, signal)) {
      if (position && !isAfter(event, position)) continue;
      sequence = await append(stream, event, sequence);
      note(event);
    }
  }

  async function tell(nats: NatsConnection, signal: AbortSignal): Promise<void> {
    const told = published;
    const after = hasGap ? undefined : told === undefined ? await revision?.() : told.revision - 1n;
    hasGap = false;
    trouble = '';
    for await (const event of source(after, signal)) {
      if (told && !isAfter(event, told)) continue;
      const head = headers();
      head.set('Nats-Msg-Id', messageId(event));
      nats.publish(subjectOf(event), bodyOf(event), { headers: head });
      note(event);
    }
  }

  function explain(error: unknown): void {
    hasGap = isFault(error, Reason.GAP);
    trouble = error instanceof NatsError || error instanceof Overtaken ? error.message : asFault(error).text;
    if (hasGap) log.error({ err: trouble }, 'events between the stream and the log are lost: the log was compacted');
    else if (error instanceof Overtaken) log.info('another publisher appends to the stream');
    else {
      noteNotPublished();
      log.warn({ err: trouble }, 'cannot publish events; they wait');
    }
  }

  async function publishForATerm(): Promise<void> {
    const term = termOf(turn, stop.signal);
    try {
      connection = await connect(connectionOptions(servers));
      const stream = await openStream(connection, log);
      if (stream === undefined) await tell(connection, term.signal);
      else await appendTo(stream, term.signal);
    } catch (error) {
      if (stop.signal.aborted) return;
      explain(error);
      await pause(retryMs, term.signal);
    } finally {
      term.end();
      await connection?.close().catch(() => undefined);
    }
  }

  const running = (async () => {
    while (!stop.signal.aborted) {
      if (!turn.isPublisher()) trouble = 'another replica publishes';
      await myTurn(turn, stop.signal);
      if (!stop.signal.aborted) await publishForATerm();
    }
  })();

  return {
    state() {
      const id = published && `${published.storeId}.${published.revision}.${published.index}`;
      return `${servers.servers} ${trouble === '' ? `published ${id ?? 'nothing yet'}` : trouble}`;
    },
    async close() {
      stop.abort();
      await connection?.close().catch(() => undefined);
      await running;
    },
  };
}
