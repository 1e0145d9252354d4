// `weft events`: the server's events as lines like those of `docker events`, until the end asked for or an interrupt.
import { isFault, Reason } from '@weft/fault';
import type { EventsRequest, FilterValues } from '@weft/proto/controller';
import { Event } from '@weft/proto/event';
import { renderInspect } from '../format/inspect.ts';
import { asFormatFault } from '../format/list.ts';
import { compile } from '../format/template-run.ts';
import { rfc3339Nano } from '../format/time.ts';
import { mapOf, type Struct } from '../format/value.ts';
import type { Run } from '../usage/command.ts';
import { type Moment, parseMoment } from './moment.ts';

/** "2026-01-01T00:00:00.000000000Z network created 3f2a... (name=web, driver=bridge)": the name first, the rest by key. */
export function eventLine({ time, kind, what, id, attributes }: Event): string {
  const keys = Object.keys(attributes).sort((a, b) => Number(b === 'name') - Number(a === 'name') || (a < b ? -1 : 1));
  const facts = keys.map((key) => `${key}=${attributes[key]}`).join(', ');
  return `${rfc3339Nano(time)} ${kind} ${what} ${id}${facts === '' ? '' : ` (${facts})`}\n`;
}

function eventStruct(event: Event): Struct {
  return {
    Time: rfc3339Nano(event.time),
    Type: event.kind,
    Action: event.what,
    ID: event.id,
    Revision: `${event.revision}`,
    StoreID: event.storeId,
    Attributes: mapOf(event.attributes),
  };
}

/** @throws INVALID_VALUE for a template that does not parse. */
export function eventFormatter(format: string, asJson: boolean): (event: Event) => string {
  if (asJson || format === 'json') return (event) => `${JSON.stringify(Event.toJSON(event))}\n`;
  if (format === '') return eventLine;
  try {
    compile(format);
  } catch (error) {
    throw asFormatFault(error);
  }
  return (event) => renderInspect([eventStruct(event)], format);
}

/** A longer one ends at once. */
const longestTimerMs = 2 ** 31 - 1;

/** docker's names for our filters. */
const filterNames: Readonly<Record<string, string>> = { type: 'kind', event: 'what', action: 'what' };

export function eventsRequest(
  filters: Readonly<Record<string, FilterValues>>,
  since: Moment | undefined,
  untilRevision: bigint | undefined,
): EventsRequest {
  const named: Record<string, FilterValues> = {};
  for (const [key, { values }] of Object.entries(filters)) {
    const name = filterNames[key] ?? key;
    named[name] = { values: [...(named[name]?.values ?? []), ...values] };
  }
  return {
    storeId: '',
    sinceRevision: since !== undefined && 'revision' in since ? since.revision : undefined,
    untilRevision,
    filters: named,
    sinceTime: since !== undefined && 'time' in since ? since.time : undefined,
  };
}

export const events: Run = async (_args, flags, session) => {
  const now = new Date();
  const line = eventFormatter(flags.string('format'), flags.bool('json'));
  const since = parseMoment(flags.string('since'), '--since', now);
  const until = parseMoment(flags.string('until'), '--until', now);
  const untilTime = until !== undefined && 'time' in until ? until.time : undefined;
  let untilRevision = until !== undefined && 'revision' in until ? until.revision : undefined;
  let end = session.interrupted();
  if (untilTime !== undefined && untilTime <= now) untilRevision = (await session.system().getStatus({})).revision;
  else if (untilTime !== undefined)
    end = AbortSignal.any([end, AbortSignal.timeout(Math.min(untilTime.getTime() - now.getTime(), longestTimerMs))]);
  try {
    const request = eventsRequest(flags.filters(), since, untilRevision);
    for await (const { event } of session.system().events(request, { signal: end })) {
      if (event === undefined) continue;
      if (untilTime !== undefined && event.time !== undefined && event.time > untilTime) break;
      session.out(line(event));
    }
  } catch (error) {
    if (!(end.aborted && isFault(error, Reason.CANCELLED))) throw error;
  }
  return 0;
};
