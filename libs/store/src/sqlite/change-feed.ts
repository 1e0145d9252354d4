// Watches. The last changes are kept in memory and shared by all watchers, a watcher is a cursor and owns no queue:
// one that falls behind reads the log table instead, one that is idle is woken only by a key below its prefix.
// Refuses to skip: a cursor older than what is kept ends with `compacted`.
import { setImmediate } from 'node:timers/promises';
import type { Revision, WatchBatch, WatchCompacted } from '../store.ts';
import type { Tables } from './tables.ts';

const RECENT_REVISIONS = 1024;
const RECENT_BYTES = 8 * 1024 * 1024;
/** Events read from the log table at a time. */
const PAGE = 256;

interface Idle {
  readonly prefix: string;
  cursor: Revision;
  wake(): void;
}

export interface ChangeFeed {
  /** Takes what was just committed, in order and without a gap. */
  publish(batches: readonly WatchBatch[]): void;
  watch(prefix: string, from: Revision, signal: AbortSignal): AsyncGenerator<WatchBatch | WatchCompacted>;
  /** Wakes all watchers: they find `check` throwing. */
  close(): void;
}

export interface ChangeFeedSource {
  readonly tables: Tables;
  revision(): Revision;
  forgotten(): Revision;
  /** Throws when the store is closed or failed. */
  check(): void;
}

export function createChangeFeed({ tables, revision, forgotten, check }: ChangeFeedSource): ChangeFeed {
  const idle = new Set<Idle>();
  let recent: { batch: WatchBatch; bytes: number }[] = [];
  let recentBytes = 0;

  function trimRecent(): void {
    // Trimmed to half at a time: removing the first of an array one by one would cost its length each time.
    if (recent.length <= RECENT_REVISIONS && recentBytes <= RECENT_BYTES) return;
    let kept = recent.length;
    let bytes = 0;
    while (kept > 0 && recent.length - kept < RECENT_REVISIONS / 2) {
      bytes += recent[kept - 1]!.bytes;
      if (bytes > RECENT_BYTES / 2) break;
      kept--;
    }
    recent = recent.slice(kept);
    recentBytes = recent.reduce((sum, { bytes: each }) => sum + each, 0);
  }

  function readAfter(cursor: Revision, prefix: string): { batches: WatchBatch[]; upTo: Revision } {
    const first = recent[0]?.batch.revision;
    if (first === undefined || cursor + 1n < first) return tables.history(cursor, prefix, PAGE, revision());
    const batches: WatchBatch[] = [];
    for (let index = Number(cursor + 1n - first); index < recent.length; index++) {
      const below = eventsBelow(recent[index]!.batch, prefix);
      if (below) batches.push(below);
    }
    return { batches, upTo: revision() };
  }

  /** Resolves with the cursor to go on from. */
  function nextChange(prefix: string, cursor: Revision, signal: AbortSignal): Promise<Revision> {
    return new Promise((resolve) => {
      const wake = () => {
        idle.delete(entry);
        signal.removeEventListener('abort', wake);
        resolve(entry.cursor);
      };
      const entry: Idle = { prefix, cursor, wake };
      idle.add(entry);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  return {
    publish(batches): void {
      for (const batch of batches) {
        const bytes = bytesOf(batch);
        recent.push({ batch, bytes });
        recentBytes += bytes;
      }
      trimRecent();
      const last = batches.at(-1)!.revision;
      for (const entry of [...idle]) {
        if (batches.some((batch) => batch.events.some(({ key }) => key.startsWith(entry.prefix)))) entry.wake();
        else if (entry.cursor === ((batches[0]!.revision - 1n) as Revision)) entry.cursor = last;
        else entry.wake();
      }
    },
    async *watch(prefix, from, signal) {
      let cursor = from;
      while (!signal.aborted) {
        check();
        if (cursor < forgotten()) {
          yield { compacted: forgotten() };
          return;
        }
        if (cursor >= revision()) {
          cursor = await nextChange(prefix, cursor, signal);
          continue;
        }
        const { batches, upTo } = readAfter(cursor, prefix);
        for (const batch of batches) {
          if (signal.aborted) return;
          if (batch.revision > cursor) yield batch;
        }
        cursor = upTo;
        // A long history below a rare prefix must not hold up everybody else.
        if (cursor < revision()) await setImmediate();
      }
    },
    close(): void {
      for (const entry of [...idle]) entry.wake();
    },
  };
}

function eventsBelow(batch: WatchBatch, prefix: string): WatchBatch | undefined {
  const events = batch.events.filter(({ key }) => key.startsWith(prefix));
  if (events.length === 0) return undefined;
  return events.length === batch.events.length ? batch : { revision: batch.revision, events };
}

function bytesOf(batch: WatchBatch): number {
  let bytes = 0;
  for (const event of batch.events) {
    bytes += 200 + event.key.length + (event.type === 'put' ? event.value.length : 0);
    bytes += event.previous?.value.length ?? 0;
  }
  return bytes;
}
