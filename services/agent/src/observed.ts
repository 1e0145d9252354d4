// What operators see of an agent: what it does to the kernel, how far it has come, what others change, how names are asked for.
import type { Drift } from '@weft/proto/agent';
import type { NamesCounters } from '@weft/proto/model';
import {
  counter,
  durationBuckets,
  histogram,
  observe,
  type TraceParent,
  timed,
  traced,
  tracedForAll,
} from '@weft/telemetry';
import type { Batch } from './batches.ts';
import type { Outcome } from './kernel-messages.ts';

const batches = counter({ name: 'weft_agent_batches_total', help: 'Batches of changes that were made in the kernel.' });
const objects = counter({
  name: 'weft_agent_objects_total',
  help: 'Objects that were put or removed, by what became of them: applied or failed.',
  labels: ['result'],
});
const durations = histogram({
  name: 'weft_agent_apply_duration_seconds',
  help: 'How long the kernel took for a batch, read back included.',
  buckets: durationBuckets,
});
const driftFound = counter({
  name: 'weft_agent_drift_found_total',
  help: 'Things that were found changed by somebody else.',
});
const driftRepaired = counter({
  name: 'weft_agent_drift_repaired_total',
  help: 'Things that somebody else had changed and that are as they must be again.',
});
const connected = { name: 'weft_agent_connected', help: '1 while the agent follows a controller, else 0.' };
const failing = {
  name: 'weft_agent_objects_failing',
  help: 'Objects that the kernel does not take; they are tried again.',
};
const revision = { name: 'weft_agent_applied_revision', help: "The controller's revision up to which all was tried." };
const questions = {
  name: 'weft_resolver_questions_total',
  help: 'Questions that resolvers of this host were asked, by what came of them.',
  labels: ['outcome'],
};
const cached = {
  name: 'weft_resolver_cached_answers_total',
  help: "Answers of servers that came from the resolvers' cache.",
};
const silent = { name: 'weft_resolver_silent_servers', help: 'Servers that do not answer now.' };

export interface AgentState {
  readonly isFollowing: boolean;
  readonly failing: number;
  readonly revision: bigint;
  readonly names: NamesCounters | undefined;
}

/** Has the agent's state asked for at each look; returns what ends that. */
export function observeAgent(read: () => AgentState): () => void {
  const gauge = { kind: 'gauge' } as const;
  const ends = [
    observe({ ...connected, ...gauge }, () => [{ value: read().isFollowing ? 1 : 0 }]),
    observe({ ...failing, ...gauge }, () => [{ value: read().failing }]),
    observe({ ...revision, ...gauge }, () => [{ value: Number(read().revision) }]),
    observe({ ...questions, kind: 'counter' }, () => outcomesOf(read().names)),
    observe({ ...cached, kind: 'counter' }, () => [{ value: Number(read().names?.cached ?? 0) }]),
    observe({ ...silent, ...gauge }, () => [{ value: Number(read().names?.silentServers ?? 0) }]),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function outcomesOf(names: NamesCounters | undefined) {
  const {
    found = 0n,
    empty = 0n,
    unknown = 0n,
    failed = 0n,
    refused = 0n,
    malformed = 0n,
    forwarded = 0n,
  } = names ?? {};
  const all = { found, empty, unknown, failed, refused, malformed, forwarded };
  return Object.entries(all).map(([outcome, value]) => ({ labels: { outcome }, value: Number(value) }));
}

export function noteDrifts(drifts: readonly Drift[]): void {
  for (const { repaired } of drifts) {
    driftFound.add();
    if (repaired !== undefined) driftRepaired.add();
  }
}

const sizeOf = (batch: Batch) => ({ 'weft.objects': batch.put.length, 'weft.deletes': batch.delete.length });

/** A batch from when it is taken up until it is reported: a span in the trace of each request it is about. */
export async function observedApply(
  host: string,
  batch: Batch,
  work: (own: readonly TraceParent[]) => Promise<void>,
): Promise<void> {
  const what = { 'weft.host': host, 'weft.revision': Number(batch.position.revision), ...sizeOf(batch) };
  await tracedForAll('agent apply', batch.traceParents, work, what);
}

/** What the kernel, and names, take of it. */
export async function observedKernel(batch: Batch, work: () => Promise<Outcome[]>): Promise<Outcome[]> {
  batches.add();
  const apply = () => timed(durations, {}, work);
  const outcomes = batch.traceParents.length === 0 ? await apply() : await traced('kernel batch', apply);
  const failed = outcomes.filter(({ fault }) => fault !== undefined).length;
  if (failed > 0) objects.add({ result: 'failed' }, failed);
  if (outcomes.length > failed) objects.add({ result: 'applied' }, outcomes.length - failed);
  return outcomes;
}

/** A report, for those whose changes it tells of: it may wait for one that is under way, and be for several. */
export const observedReport = <T>(parents: readonly TraceParent[], work: () => Promise<T>): Promise<T> =>
  tracedForAll('report', parents, work);
