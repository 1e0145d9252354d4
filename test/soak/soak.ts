// Sandboxes of all hosts are connected and disconnected at random while one fault after the other befalls the cluster. After
// each heal: how long until everything is right. At the end: the counts that must be 0, and the invariants.
import { setTimeout as pause } from 'node:timers/promises';
import { type Cluster, type ClusterOptions, startCluster } from '../lib/cluster/cluster.ts';
import { type Load, startLoad } from '../lib/cluster/load.ts';
import { populate } from '../lib/cluster/population.ts';
import { brokenInvariants, type Counts, countWrongs, untilRight } from '../lib/cluster/verify.ts';
import type { Fault } from './faults.ts';
import { type MovedNames, moveNames } from './moving-names.ts';

export interface Plan {
  readonly cluster: ClusterOptions;
  /** Of the networks; absent: overlay. */
  readonly driver?: string;
  readonly faults: readonly Fault[];
  /** How long each fault lasts, and the peace before it, in s. */
  readonly faultSeconds: number;
  readonly peaceSeconds: number;
  /** How long it goes on in all, in s: the faults come again in the same order. 0: each once. */
  readonly totalSeconds?: number;
  /** How long each cut lasts while names move, in s; absent: none of these. */
  readonly nameCutSeconds?: readonly number[];
  /** The same seed chooses the same victims and pairs. */
  readonly seed: number;
}

export interface Row {
  readonly fault: string;
  /** Changes acknowledged while it lasted. */
  readonly acknowledged: number;
  /** ms from the heal until everything was right. */
  readonly convergedMs: number;
}

export interface Soaked {
  readonly rows: readonly Row[];
  readonly moves: MovedNames;
  readonly acknowledged: number;
  readonly tookMs: readonly number[];
  readonly surprises: readonly string[];
  readonly counts: Counts;
  readonly broken: readonly string[];
}

/** How many changes are under way at once. */
const atOnce = 6;

/** mulberry32: numbers from 0 to 1 that a seed repeats. */
function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** @param onRow told of each fault when it is healed. @throws Error when the cluster does not converge within a minute */
export async function soak(plan: Plan, onRow: (row: Row) => void = () => undefined): Promise<Soaked> {
  const cluster = await startCluster(plan.cluster);
  let load: Load | undefined;
  try {
    const { pairs } = await populate(cluster, { driver: plan.driver ?? 'overlay' });
    const random = seeded(plan.seed);
    load = startLoad({ entries: cluster.controls.map((one) => one.clients), pairs, atOnce, random });
    const rows: Row[] = [];
    const began = performance.now();
    do {
      for (const fault of plan.faults) {
        const row = await befall(cluster, load, fault, plan, random);
        rows.push(row);
        onRow(row);
      }
    } while (performance.now() - began < (plan.totalSeconds ?? 0) * 1000);
    await load.stop();
    await untilRight(cluster, load);
    const moves = await moveNames(cluster, plan.nameCutSeconds ?? [], random);
    const { ledger, tookMs } = load;
    const counted = await countWrongs(cluster, load);
    const counts = { ...counted, 'lost acknowledged': [...counted['lost acknowledged'], ...moves.lost] };
    const surprises = [...load.surprises, ...moves.surprises];
    // What was measured is told in any case.
    const broken = await brokenInvariants(cluster).catch((error: unknown) => [`not looked at: ${String(error)}`]);
    return { rows, moves, acknowledged: ledger.acknowledged, tookMs, surprises, counts, broken };
  } finally {
    load?.abandon();
    await cluster.remove();
  }
}

async function befall(cluster: Cluster, load: Load, fault: Fault, plan: Plan, random: () => number): Promise<Row> {
  await pause(plan.peaceSeconds * 1000);
  const before = load.ledger.acknowledged;
  const heal = await fault.strike(cluster, (all) => all[Math.floor(random() * all.length)]!);
  await pause(plan.faultSeconds * 1000);
  load.hold();
  const acknowledged = load.ledger.acknowledged - before;
  await heal();
  const convergedMs = await untilRight(cluster, load).catch((error: unknown) => {
    throw new Error(`after ${fault.says}: ${String(error)}`, { cause: error });
  });
  load.resume();
  return { fault: fault.says, acknowledged, convergedMs };
}

const inSeconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;

/** The rows and counts in Markdown. */
export function soakTable({ rows, moves, acknowledged, tookMs, surprises, counts, broken }: Soaked): string {
  const some = [...Map.groupBy(rows, (row) => row.fault)].map(([fault, all]) => {
    const converged = all.map((row) => row.convergedMs);
    const sum = all.reduce((total, row) => total + row.acknowledged, 0);
    return `| ${fault} | ${all.length} | ${sum} | ${inSeconds(Math.max(...converged))} |`;
  });
  const named = moves.rows.map(
    ({ cut, seconds, moved, namesMs, allMs }) =>
      `| ${cut} | ${seconds} s | ${moved} | ${inSeconds(namesMs)} | ${inSeconds(allMs)} |`,
  );
  const sorted = tookMs.toSorted((a, b) => a - b);
  const share = (part: number) => `${Math.round(sorted[Math.floor(sorted.length * part)] ?? 0)} ms`;
  const found = Object.entries({ ...counts, 'broken invariant': broken, 'unexpected answer': surprises });
  return [
    '| fault | times | acknowledged meanwhile | right after the heal (slowest) |',
    '| --- | --- | --- | --- |',
    ...some,
    '',
    '| cut while names move | for | names moved | names right after the heal | all right |',
    '| --- | --- | --- | --- | --- |',
    ...named,
    '',
    `${acknowledged} changes acknowledged, half of them within ${share(0.5)}, 99 of 100 within ${share(0.99)}. ${found.map(([what, all]) => `${what}: ${all.length}`).join(', ')}.`,
    ...found.flatMap(([what, all]) => all.slice(0, 10).map((one) => `- ${what}: ${one}`)),
  ].join('\n');
}
