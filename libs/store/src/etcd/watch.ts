// A watch on etcd: one stream on the member in use; when that is left, one on the next from where the last batch ended.
// Refuses to skip: what was compacted meanwhile ends it with `compacted`.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Event, WatchRequest, type WatchResponse } from '@weft/proto/etcd';
import type { Revision, WatchBatch, WatchCompacted } from '../store.ts';
import type { Cluster, Use } from './cluster.ts';
import type { History } from './history.ts';
import { type Layout, rangeEnd } from './layout.ts';
import { eventOf } from './messages.ts';

/** Before the next stream, in ms: a member that refuses one must not be asked without a pause. */
const pauseMs = 20;

/** How far a watch has come, for whoever compacts. */
export interface Cursor {
  revision: Revision;
}

/** Puts together what etcd may send in parts: a revision is told when all of it is known. Leaves out what `from` knows. */
export function createFold(layout: Layout, from: Revision): (response: WatchResponse) => WatchBatch[] {
  let part: Event[] = [];
  return (response) => {
    for (const event of response.events) if (event.kv!.modRevision > from) part.push(event);
    if (response.fragment) return [];
    const byRevision = Map.groupBy(part, (event) => event.kv!.modRevision as Revision);
    part = [];
    return [...byRevision].map(([revision, events]) => ({
      revision,
      events: events.map((event) => eventOf(layout, event)),
    }));
  };
}

/** Ends quietly when the signal aborts. `verify` runs BEFORE each stream. @throws what `verify` throws */
export async function* watchOn(
  cluster: Cluster,
  layout: Layout,
  prefix: string,
  cursor: Cursor,
  history: History,
  verify: () => Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<WatchBatch | WatchCompacted> {
  while (!signal.aborted) {
    const use = await cluster.use(Number.POSITIVE_INFINITY, signal).catch(() => undefined);
    if (use === undefined) continue;
    await verify();
    const fold = createFold(layout, cursor.revision);
    try {
      for await (const response of stream(use, layout.key(prefix), cursor.revision, signal)) {
        if (response.compactRevision > 0n) {
          yield { compacted: response.compactRevision as Revision };
          return;
        }
        if (response.canceled) break;
        for (const batch of fold(response)) {
          if (signal.aborted) return;
          cursor.revision = batch.revision;
          history.told(batch.revision);
          yield batch;
        }
        // A quiet prefix: etcd says now and then how far it is, so that a watch that is resumed is not behind what was compacted.
        const revision = (response.header?.revision ?? 0n) as Revision;
        if (!response.created && !response.fragment && revision > cursor.revision) cursor.revision = revision;
      }
    } catch {
      // The stream broke; the next one goes on from the cursor.
    }
    cluster.suspect(use);
    if (!signal.aborted) await sleep(pauseMs);
  }
}

/** What etcd sends from the revision on, inclusive: so it refuses what is compacted, also where it kept the revision itself. */
async function* stream(use: Use, key: Buffer, from: Revision, signal: AbortSignal): AsyncGenerator<WatchResponse> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, use.left, over.signal]);
  async function* request(): AsyncGenerator<WatchRequest> {
    const startRevision = from > 1n ? from : 1n;
    const value = { key, rangeEnd: rangeEnd(key), startRevision, prevKv: true, progressNotify: true, fragment: true };
    yield WatchRequest.fromPartial({ requestUnion: { $case: 'createRequest', value } });
    // etcd ends a watch whose requests have ended.
    if (!either.aborted) await once(either, 'abort');
  }
  try {
    yield* use.member.watch.watch(request(), { signal: either });
  } finally {
    over.abort();
  }
}
