// One transaction against the tables, inside the caller's savepoint: what it did comes back as events.
// A throw leaves half of it in the tables; the savepoint's rollback is the caller's.
import type { Compare, KeyValue, Op, Revision, StoreEvent } from '../store.ts';
import { StoreError } from '../store-error.ts';
import type { Tables } from './tables.ts';

export function holds(tables: Tables, compares: readonly Compare[]): boolean {
  return compares.every(({ key, modRevision }) => (tables.get(key)?.modRevision ?? 0n) === modRevision);
}

/** Applies the operations as `revision` and returns the events, none if nothing changed. `at` in Unix milliseconds. */
export function applyOps(tables: Tables, ops: readonly Op[], revision: Revision, at: number): StoreEvent[] {
  const events: StoreEvent[] = [];
  const record = (event: StoreEvent) => {
    tables.record(at, revision, event);
    events.push(event);
  };
  const remove = (previous: KeyValue) => {
    tables.remove(previous.key);
    record({ type: 'delete', key: previous.key, previous });
  };
  for (const op of ops) {
    if ('put' in op) record(put(tables, op.put, op.value, op.lease, revision));
    else if ('delete' in op) {
      const previous = tables.get(op.delete);
      if (previous) remove(previous);
    } else for (const previous of tables.list(op.deletePrefix)) remove(previous);
  }
  return events;
}

function put(tables: Tables, key: string, value: Uint8Array, leaseId: bigint | undefined, revision: Revision) {
  if (leaseId !== undefined && !tables.hasLease(leaseId)) {
    throw new StoreError('lease gone', `put ${JSON.stringify(key)}: lease ${leaseId} expired or was revoked`);
  }
  const previous = tables.get(key);
  const createRevision = previous?.createRevision ?? revision;
  tables.put(key, value, createRevision, revision, leaseId);
  const state: KeyValue = {
    ...{ key, value, createRevision, modRevision: revision },
    ...(leaseId !== undefined && { leaseId }),
  };
  return { type: 'put' as const, ...state, ...(previous && { previous }) };
}
