// The JetStream stream of the events. Every message is appended on condition of the sequence number that the stream was seen to
// end with: the server checks that in the one place that appends, whatever was restarted or forgotten meanwhile. So of
// several publishers one appends the next event, and one that wakes up late appends nothing.
// The expected last message id would not do: the server remembers it for the deduplication window only.
import type { Log } from '@weft/process';
import type { Event } from '@weft/proto/event';
import { ErrorCode, type JetStreamClient, type JetStreamManager, type NatsConnection, NatsError } from 'nats';
import { bodyOf, messageId, type Position, positionOf, streamName, subjectOf, subjects } from './subject.ts';

export interface Stream {
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
}

/** Where the stream ends. */
export interface End {
  /** The sequence number of its last message; 0 before the first one. */
  readonly sequence: number;
  /** The last event of this store in it. */
  readonly position: Position | undefined;
}

/** Another publisher has appended meanwhile: look where the stream ends now. */
export class Overtaken extends Error {
  override readonly message = 'another publisher was faster';
}

/** How far back an event of this store is looked for: others may write to the same stream. */
const lookBack = 256;
/** JSStreamNotFoundErr, JSStreamNameExistErr and JSStreamWrongLastSequenceErrF of nats-server. */
const notFound = 10059;
const nameInUse = 10058;
const wrongLastSequence = 10071;

const codeOf = (error: unknown) => (error instanceof NatsError ? error.api_error?.err_code : undefined);

/** The stream as it is, or made if there is none; undefined when the server has no JetStream. */
export async function openStream(nats: NatsConnection, log: Log): Promise<Stream | undefined> {
  try {
    const manager = await nats.jetstreamManager();
    try {
      await manager.streams.info(streamName);
    } catch (error) {
      if (codeOf(error) !== notFound) throw error;
      await manager.streams.add({ name: streamName, subjects: [subjects] }).catch((cause: unknown) => {
        // Made by another one meanwhile.
        if (codeOf(cause) !== nameInUse) throw cause;
      });
    }
    return { client: nats.jetstream(), manager };
  } catch (error) {
    const isAbsent =
      error instanceof NatsError && (error.code === '503' || error.code === ErrorCode.JetStreamNotEnabled);
    if (!isAbsent) throw error;
    log.info('the NATS server has no JetStream: events are not kept there');
    return undefined;
  }
}

export async function endOf({ manager }: Stream, storeId: string): Promise<End> {
  const { state } = await manager.streams.info(streamName);
  const sequence = state.last_seq;
  for (let seq = sequence; seq >= Math.max(state.first_seq, sequence - lookBack, 1); seq--) {
    const message = await manager.streams.getMessage(streamName, { seq }).catch((error: unknown) => {
      // Deleted.
      if (error instanceof NatsError && error.code === '404') return undefined;
      throw error;
    });
    const position = positionOf(message?.header.get('Nats-Msg-Id') ?? '');
    if (position?.storeId === storeId) return { sequence, position };
  }
  return { sequence, position: undefined };
}

/** Appends the event after `sequence`. Returns the sequence number the stream ends with. @throws Overtaken */
export async function append({ client }: Stream, event: Event, sequence: number): Promise<number> {
  const options = { msgID: messageId(event), expect: { lastSequence: sequence } };
  const ack = await client.publish(subjectOf(event), bodyOf(event), options).catch((error: unknown) => {
    throw codeOf(error) === wrongLastSequence ? new Overtaken() : error;
  });
  // The server knows the id: the event is there already. Right behind means that nothing else is between.
  if (ack.duplicate && ack.seq > sequence + 1) throw new Overtaken();
  return Math.max(sequence, ack.seq);
}
