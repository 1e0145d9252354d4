// What operators see of the planner's rounds.
import { counter, durationBuckets, histogram, type TraceParent, timed, tracedForAll } from '@weft/telemetry';

/** A round is seen in so many traces at most: those of the last changes in it. */
export const mostTraces = 32;

const rounds = counter({ name: 'weft_planner_rounds_total', help: 'Rounds in which something was compiled.' });
const durations = histogram({
  name: 'weft_planner_round_duration_seconds',
  help: 'How long a round took, drivers and discovery included.',
  buckets: durationBuckets,
});
const failures = counter({
  name: 'weft_planner_failures_total',
  help: 'Things that could not be compiled, because a driver or discovery refused or was away; each is tried again.',
});

export const noteFailures = (count: number): void => failures.add({}, count);

/** Runs a round; one without anything to do is none. */
export async function planned(
  isEmpty: boolean,
  parents: readonly TraceParent[],
  revision: bigint,
  work: (traceParents: readonly TraceParent[]) => Promise<void>,
): Promise<void> {
  if (isEmpty) return await work([]);
  rounds.add();
  await timed(durations, {}, () => tracedForAll('plan', parents, work, { 'weft.revision': Number(revision) }));
}
