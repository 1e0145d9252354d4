// How long whoever removes something waits: until it is gone, he has had enough, or a host that knows it is lost. It goes on without him.
import { type Applied, type Context, isRemoved, patience, type Waiting } from './context.ts';
import { becauseLost, untilSeen } from './until-seen.ts';

/** Who knows of what is removed, and the revision at which they are told. */
export interface Known {
  readonly revision: bigint;
  readonly hostIds: readonly string[];
}

/** @param task the removal @throws what it ends with, if the caller is still there */
export async function untilGone(
  context: Context,
  task: Promise<void>,
  waiting: Waiting,
  known: Known,
): Promise<Applied> {
  const background = task.then(
    () => ({ applied: true }),
    (error: unknown) => {
      context.log.error({ err: error }, 'a deletion could not be finished; it is tried again at the next start');
      throw error;
    },
  );
  background.catch(() => undefined);
  if (waiting.ms === 0) return { applied: false };
  const over = new AbortController();
  const signal = AbortSignal.any([patience(context, waiting), over.signal]);
  try {
    return await Promise.race([background, unlessLost(context, known, signal).then((why) => why ?? background)]);
  } finally {
    over.abort();
  }
}

/** What is said where hosts are lost, when all others have seen it, or when the caller has had enough; else undefined. */
async function unlessLost(
  context: Context,
  { revision, hostIds }: Known,
  signal: AbortSignal,
): Promise<Applied | undefined> {
  await context.planner.planned(revision);
  const unseen: string[] = [];
  for (const hostId of new Set(hostIds)) {
    if (hostId === '' || isRemoved(context, hostId)) continue;
    const table = context.planner.table(hostId);
    const due = table.revision < revision ? table.revision : revision;
    if (!(await untilSeen(context, hostId, due, signal))) unseen.push(hostId);
  }
  const because = becauseLost(context, unseen);
  if (because !== '') return { applied: false, because };
  if (!signal.aborted) await aborted(signal);
  return { applied: false };
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
