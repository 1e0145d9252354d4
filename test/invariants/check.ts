// The ten invariants on one system. A running one should be at rest: what its agent is still doing is waited for, up to
// `settleMs`; what must never be seen (I1, I5, I6) is not. I8 comes last, and only when nothing else is broken.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, openChannel, parseAddress } from '@weft/rpc';
import { checkLeases, checkOwners, checkReuse } from './addresses.ts';
import { checkEvents } from './events.ts';
import type { Facts, Verdict } from './facts.ts';
import { followHost, type HostFollower } from './host-follower.ts';
import { readKernel } from './kernel.ts';
import { checkObjects } from './objects.ts';
import { checkLeftovers, checkRevisions, type Position } from './records.ts';
import { checkRepeat } from './repeat.ts';
import { gatherRunning, position, type ReadLog, unreadLog } from './running.ts';
import { gatherStopped } from './stopped.ts';

/** A stream of packets through the system: what was sent and what came back. */
export interface Flow {
  readonly name: string;
  readonly sent: number;
  readonly received: number;
}

export interface CheckOptions {
  readonly runDir: string;
  readonly dataDir: string;
  /** Where the control plane is asked; absent: weft.sock of the run directory. */
  readonly address?: string;
  /** The file of the host's namespace; absent: the caller's own. */
  readonly netns?: string;
  /** Read the stores instead of asking. */
  readonly stopped?: boolean;
  /** The host's name, where there are several. */
  readonly host?: string;
  /** Where the system was before. */
  readonly previous?: Position;
  /** What flowed while the control plane was down, for I7. */
  readonly flows?: readonly Flow[];
  /** How long a running system may take to come to rest, in ms. */
  readonly settleMs?: number;
}

export interface Checked {
  readonly verdicts: readonly Verdict[];
  readonly position: Position;
  readonly isWhole: boolean;
}

const pauseMs = 50;
const hard = new Set(['I1', 'I5', 'I6']);

export async function checkInvariants(options: CheckOptions): Promise<Checked> {
  if (options.stopped) {
    const facts = await gatherStopped(options.dataDir);
    const verdicts = look(facts, options);
    return result(facts, [...verdicts, await repeat(facts, verdicts, options)]);
  }
  const channel = openChannel(parseAddress(options.address ?? `unix://${options.runDir}/weft.sock`, 'address'));
  const follower = followHost(channel);
  try {
    return await checkRunning(channel, follower, options);
  } finally {
    follower.close();
    channel.close();
  }
}

async function checkRunning(channel: Channel, follower: HostFollower, options: CheckOptions): Promise<Checked> {
  const end = performance.now() + (options.settleMs ?? 10_000);
  const log = unreadLog();
  for (;;) {
    const attempt = await momentOf(channel, follower, log, options);
    const isLast = performance.now() >= end;
    if (attempt !== undefined) {
      const { facts, verdicts } = attempt;
      const broken = verdicts.filter((one) => one.broken.length > 0);
      if (broken.length === 0 || broken.some((one) => hard.has(one.invariant)) || isLast) {
        const again = await repeat(facts, verdicts, options);
        const isStill = (await position(channel)).revision === facts.revision;
        // A change that came in between is not a second apply's.
        if (again.broken.length === 0 || isStill || isLast) return result(facts, [...verdicts, again]);
      }
    } else if (isLast) throw new Error('the system is not at rest: its revision never stood still');
    await sleep(pauseMs);
  }
}

/** Facts and verdicts of one moment; undefined when something changed meanwhile. */
async function momentOf(
  channel: Channel,
  follower: HostFollower,
  log: ReadLog,
  options: CheckOptions,
): Promise<{ facts: Facts; verdicts: Verdict[] } | undefined> {
  const facts = await gatherRunning(channel, options.host ?? '', follower, log);
  if (facts === undefined) return undefined;
  const verdicts = look(facts, options);
  return (await position(channel)).revision === facts.revision ? { facts, verdicts } : undefined;
}

function look(facts: Facts, { netns, runDir, previous, flows = [] }: CheckOptions): Verdict[] {
  const kernel = readKernel(netns, runDir, facts.wanted);
  const I2 = checkLeases(facts);
  const { I3, I9 } = checkObjects(facts, kernel, netns, runDir);
  return [
    checkOwners(facts, kernel),
    I2,
    I3,
    checkEvents(facts),
    checkRevisions(facts, previous),
    checkReuse(facts),
    checkFlows(flows),
    I9,
    checkLeftovers(facts, I2, I3),
  ];
}

function checkFlows(flows: readonly Flow[]): Verdict {
  return {
    invariant: 'I7',
    count: flows.reduce((sum, flow) => sum + flow.sent, 0),
    of: flows.length === 0 ? 'packets: checked by tests' : 'packets',
    broken: flows
      .filter((flow) => flow.sent === 0 || flow.received !== flow.sent)
      .map((flow) => `${flow.name}: ${flow.received} of ${flow.sent} packets came back`),
  };
}

async function repeat(facts: Facts, verdicts: readonly Verdict[], { netns, runDir }: CheckOptions): Promise<Verdict> {
  const isApplied = verdicts.every((one) => one.broken.length === 0 || !['I3', 'I9'].includes(one.invariant));
  if (isApplied) return await checkRepeat(facts, netns, runDir);
  return { invariant: 'I8', count: 0, of: 'objects: not applied once', broken: ['I9 is broken: nothing can be said'] };
}

function result(facts: Facts, verdicts: readonly Verdict[]): Checked {
  const number = (one: Verdict) => Number(one.invariant.slice(1));
  return {
    verdicts: [...verdicts].sort((a, b) => number(a) - number(b)),
    position: { storeId: facts.storeId, revision: facts.revision },
    isWhole: verdicts.every((one) => one.broken.length === 0),
  };
}

/** `I3 ok 214 objects`, `I3 BROKEN 2: ...`: one line each. */
export function verdictLine({ invariant, count, of, broken }: Verdict): string {
  if (broken.length === 0) return `${invariant} ok ${count} ${of}`;
  const shown = broken.slice(0, 20).join('; ');
  return `${invariant} BROKEN ${broken.length}: ${shown}${broken.length > 20 ? '; ...' : ''}`;
}

/** @throws Error with a line for each invariant when one is broken */
export async function assertInvariants(options: CheckOptions): Promise<Position> {
  const { verdicts, isWhole, position: at } = await checkInvariants(options);
  if (!isWhole) throw new Error(verdicts.map(verdictLine).join('\n'));
  return at;
}
