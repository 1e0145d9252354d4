// How long history is kept. etcd's history is one for all stores on it, so only the store that is told `retainMs` lets go
// of it, and no store of this process is cut off: nothing behind its watches' cursors goes.
import type { Revision } from '../store.ts';

/** What the revision was at a time, in ms of performance.now(). */
export interface Sample {
  readonly atMs: number;
  readonly revision: Revision;
}

/** Up to where history may go, inclusive; undefined: all is kept. Pure. */
export function mayForget(
  samples: readonly Sample[],
  nowMs: number,
  retainMs: number,
  cursors: readonly Revision[],
): Revision | undefined {
  const old = samples.findLast(({ atMs }) => atMs <= nowMs - retainMs);
  if (old === undefined) return undefined;
  let upTo = old.revision;
  for (const cursor of cursors) if (cursor < upTo) upTo = cursor;
  return upTo;
}

/** Of the time to keep: how often it is looked at. So much more than asked for may be kept. */
const looksPerTime = 24;

export interface CompactorOptions {
  readonly retainMs: number;
  revision(): Promise<Revision>;
  cursors(): readonly Revision[];
  /** Forgets up to and including it. */
  forget(upTo: Revision): Promise<void>;
}

/** Looks now and then until it is stopped. What fails is tried again at the next look. */
export function startCompactor({ retainMs, revision, cursors, forget }: CompactorOptions): { stop(): void } {
  let samples: Sample[] = [];
  async function look(): Promise<void> {
    const nowMs = performance.now();
    samples.push({ atMs: nowMs, revision: await revision() });
    const upTo = mayForget(samples, nowMs, retainMs, cursors());
    if (upTo === undefined) return;
    await forget(upTo);
    const kept = samples.findLastIndex(({ atMs }) => atMs <= nowMs - retainMs);
    samples = samples.slice(kept);
  }
  const timer = setInterval(() => void look().catch(() => undefined), Math.max(retainMs / looksPerTime, 10)).unref();
  return { stop: () => clearInterval(timer) };
}
