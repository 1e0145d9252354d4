// How an event travels on NATS. Pure.
//   subject   weft.v1.<kind>.<id>.<what>      weft.v1.network.3f2a….created
//   header    Nats-Msg-Id: <store id>.<revision>.<index>
//   body      Event in proto3's JSON mapping
import { Event } from '@weft/proto/event';

/** The stream that keeps all events when the server has JetStream. */
export const streamName = 'WEFT';
export const subjects = 'weft.v1.>';

/** A token of a subject holds no dot, star, angle bracket or blank. */
const token = (text: string) => text.replaceAll(/[.*>\s]/g, '_') || '_';

export function subjectOf(event: Event): string {
  return `weft.v1.${token(event.kind)}.${token(event.id)}.${token(event.what)}`;
}

export function messageId(event: Event): string {
  return `${event.storeId}.${event.revision}.${event.index}`;
}

/** An event's place in the log of one store. */
export interface Position {
  readonly storeId: string;
  readonly revision: bigint;
  readonly index: number;
}

export function isAfter(event: Event, position: Position): boolean {
  return event.revision === position.revision ? event.index > position.index : event.revision > position.revision;
}

/** The position a message id names; undefined for one of another form. */
export function positionOf(id: string): Position | undefined {
  const match = /^(.+)\.(\d+)\.(\d+)$/.exec(id);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { storeId: match[1], revision: BigInt(match[2]), index: Number(match[3]) };
}

export function bodyOf(event: Event): string {
  return JSON.stringify(Event.toJSON(event));
}
