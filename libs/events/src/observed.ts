// What operators see of the publisher.
import type { Event } from '@weft/proto/event';
import { counter, durationBuckets, histogram } from '@weft/telemetry';

const published = counter({ name: 'weft_events_published_total', help: 'Events that were published on NATS.' });
const lag = histogram({
  name: 'weft_events_publish_lag_seconds',
  help: 'How long after its change an event was published.',
  buckets: [...durationBuckets, 30, 60, 300, 3600],
});
const failures = counter({
  name: 'weft_events_publish_failures_total',
  help: 'Times that publishing stopped, because NATS was away or refused; it goes on from where it was.',
});

export function notePublished({ time }: Event): void {
  published.add();
  if (time !== undefined) lag.note(Math.max(0, Date.now() - time.getTime()) / 1000);
}

export const noteNotPublished = (): void => failures.add();
