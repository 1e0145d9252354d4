// Small readings that the store's suites share.
import type { Store, WatchBatch, WatchCompacted } from '@weft/store';

export const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);
export const text = (content: Uint8Array): string => new TextDecoder().decode(content);

/** Reads a watch until `count` items came, then aborts it. */
export async function take(
  store: Store,
  prefix: string,
  from: Parameters<Store['watch']>[1],
  count: number,
): Promise<(WatchBatch | WatchCompacted)[]> {
  const abort = new AbortController();
  const items: (WatchBatch | WatchCompacted)[] = [];
  if (count === 0) return items;
  for await (const item of store.watch(prefix, from, abort.signal)) {
    items.push(item);
    if (items.length === count || 'compacted' in item) break;
  }
  abort.abort();
  return items;
}

/** `put a=1`, `delete a`, one text an event, a batch as one list. */
export function brief(item: WatchBatch | WatchCompacted): string[] {
  if ('compacted' in item) return [`compacted ${item.compacted}`];
  return item.events.map((event) =>
    event.type === 'put' ? `put ${event.key}=${text(event.value)}` : `delete ${event.key}`,
  );
}
