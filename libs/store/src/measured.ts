// A store whose latency operators see. The same store when nobody looks.
import { durationBuckets, histogram, isMetered, timed } from '@weft/telemetry';
import type { Store } from './store.ts';

const durations = histogram({
  name: 'weft_store_operation_duration_seconds',
  help: 'How long a store took, by store and operation; a transaction is durable by then.',
  labels: ['store', 'operation'],
  buckets: durationBuckets,
});

/** @param name the service whose store it is */
export function measured(store: Store, name: string): Store {
  if (!isMetered()) return store;
  const over = <T>(operation: string, work: () => Promise<T>) => timed(durations, { store: name, operation }, work);
  return {
    id: store.id,
    isShared: store.isShared,
    get: (key) => over('get', () => store.get(key)),
    list: (prefix, options) => over('list', () => store.list(prefix, options)),
    transact: (compares, ops) => over('transact', () => store.transact(compares, ops)),
    watch: (prefix, from, signal) => store.watch(prefix, from, signal),
    lease: (ttlSeconds) => over('lease', () => store.lease(ttlSeconds)),
    compact: (before) => over('compact', () => store.compact(before)),
    revision: () => over('revision', () => store.revision()),
    close: () => store.close(),
  };
}
