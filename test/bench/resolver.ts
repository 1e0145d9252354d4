// Questions: how many a second, how fast each, at what cost, by weft's resolvers and by others that have the same names; from one busy
// sandbox and from many at once. All of them stand while one after the other is asked, round by round. The askers share the machine.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Part } from './bench.ts';
import {
  type NamePeer,
  nameCount,
  type StartPeer,
  startAardvark,
  startDnsmasq,
  startEngine,
  startUnbound,
  startWeft,
} from './dns-peers.ts';
import { type Asked, ask, type Load, latency, type Seat } from './dnsperf.ts';
import { processorSeconds } from './processes.ts';
import { resolverCost } from './resolver-cost.ts';
import { resolversStanding } from './resolver-standing.ts';
import { median, ms } from './statistics.ts';

/** weft first; then those it is measured against, and how many times faster it shall be. */
const peers: readonly { readonly name: string; readonly start: StartPeer; readonly aim?: number }[] = [
  { name: 'weft', start: startWeft },
  { name: 'Engine', start: startEngine, aim: 4 },
  { name: 'aardvark-dns', start: startAardvark },
  { name: 'dnsmasq', start: startDnsmasq },
  { name: 'unbound', start: startUnbound, aim: 1 },
];
/** What a ratio of equals may be off on a machine that does other work too. */
const noise = 0.95;
/** Questions a second that all of them can answer. */
const offered = 2000;

const TRIES = 3;

interface Measured {
  readonly perSecond: number;
  /** Processor time of the server, in us. */
  readonly cost: number;
  readonly lost: number;
}
type Figures = Record<'fast' | 'fastMany', Measured[]> & Record<'calm' | 'calmMany', Asked[]>;

export const resolver: Part = {
  name: 'resolver',
  async run(bench) {
    const sandboxes = bench.isQuick ? 20 : 100;
    const standing: NamePeer[] = [];
    for (const { name, start } of peers) {
      try {
        standing.push(await start(bench, sandboxes));
      } catch (error) {
        // Without weft there is nothing to compare; without another one the rest still is.
        if (name === 'weft') throw error;
        const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
        bench.report.row({ what: `questions, against ${name}`, weft: '', peer: `${name} does not run here: ${why}` });
      }
    }
    const found = await rounds(bench, standing, sandboxes);
    for (const where of ['one', 'many'] as const) report(bench, found, where, where === 'one' ? 1 : sandboxes);
    await resolversStanding(bench);
    await resolverCost(bench);
  },
};

async function rounds(bench: Bench, standing: readonly NamePeer[], sandboxes: number): Promise<Map<string, Figures>> {
  const questions = join(bench.host().dataDir, 'questions');
  writeFileSync(questions, Array.from({ length: nameCount }, (_, at) => `n${at} A\n`).join(''));
  const load = { questions, seconds: bench.isQuick ? 1 : 2 };
  const loads: Record<keyof Figures, Load> = {
    fast: { ...load, clients: 8, window: 64 },
    fastMany: { ...load, clients: 1, window: 4 },
    calm: { ...load, clients: 8, rate: offered },
    calmMany: { ...load, clients: 1, rate: Math.round(offered / sandboxes) },
  };
  const found = new Map<string, Figures>();
  for (const { name } of standing) found.set(name, { fast: [], fastMany: [], calm: [], calmMany: [] });
  for (let round = -1; round < (bench.isQuick ? 2 : 4); round++) {
    for (const peer of round % 2 === 0 ? standing : [...standing].reverse()) {
      const figures = found.get(peer.name) as Figures;
      for (const [seats, fast, calm] of [
        [[peer.one], 'fast', 'calm'],
        [peer.many, 'fastMany', 'calmMany'],
      ] as const) {
        const quick = await measured(peer, seats, loads[fast]);
        const slow = await checked(peer, seats, loads[calm]);
        if (round < 0) continue; // all are warm after a round
        figures[fast].push(quick);
        figures[calm].push(slow);
      }
    }
  }
  return found;
}

/**
 * Asks again when nobody was answered at all: on a busy machine dnsperf itself may miss its time.
 * @throws when some answers are not what was asked for (a fast "no" is no answer), or none come again and again
 */
async function checked({ name }: NamePeer, seats: readonly Seat[], load: Load): Promise<Asked> {
  for (let tries = 0; tries < TRIES; tries++) {
    const asked = await ask(seats, load);
    if (asked.wrong > 0) throw new Error(`${name}: ${asked.wrong} of ${asked.answered} answers were not the name's`);
    if (asked.answered > 0) return asked;
    process.stderr.write(`${name} answered nothing: asked again\n`);
  }
  throw new Error(`${name} answered nothing, ${TRIES} times`);
}

async function measured(peer: NamePeer, seats: readonly Seat[], load: Load): Promise<Measured> {
  const before = processorSeconds(peer.pid);
  const { perSecond, answered, lost } = await checked(peer, seats, load);
  return { perSecond, lost, cost: ((processorSeconds(peer.pid) - before) / answered) * 1e6 };
}

function report(bench: Bench, found: ReadonlyMap<string, Figures>, where: 'one' | 'many', sandboxes: number): void {
  const [fast, calm] = where === 'one' ? (['fast', 'calm'] as const) : (['fastMany', 'calmMany'] as const);
  const from = sandboxes === 1 ? 'one sandbox' : `${sandboxes} sandboxes at once`;
  const weft = found.get('weft') as Figures;
  const rate = (figures: Figures) => median(figures[fast].map(({ perSecond }) => perSecond));
  const cost = (figures: Figures) => median(figures[fast].map((one) => one.cost));
  const said = (figures: Figures) =>
    `${thousands(rate(figures))} /s, ${cost(figures).toFixed(1)} us of processor each${lossOf(figures[fast])}`;
  const middle = (figures: Figures) => median(figures[calm].map((one) => latency(one).median));
  const late = (figures: Figures) => median(figures[calm].map((one) => latency(one).p99));
  const times = (figures: Figures) => `${ms(middle(figures))}, p99 ${ms(late(figures))}${lossOf(figures[calm])}`;
  for (const { name, aim } of peers) {
    const figures = found.get(name);
    if (name === 'weft' || figures === undefined) continue;
    // Of the same round: what else the machine does changes from round to round.
    const ratio = median(
      weft[fast].map(({ perSecond }, at) => perSecond / (figures[fast][at]?.perSecond ?? Number.NaN)),
    );
    bench.report.row({
      what: `questions from ${from}, as fast as answered`,
      weft: said(weft),
      peer: `${name} ${said(figures)}`,
      ratio: `${ratio.toFixed(2)}x; processor ${(cost(figures) / cost(weft)).toFixed(1)}x`,
      ...(aim === undefined ? {} : { aim: `${aim}x`, isMet: ratio >= (aim === 1 ? noise : aim) }),
    });
  }
  for (const [name, figures] of found) {
    if (name === 'weft') continue;
    bench.report.row({
      what: `one answer, ${thousands(offered)} questions a second from ${from}`,
      weft: times(weft),
      peer: `${name} ${times(figures)}`,
      ratio: `${(middle(figures) / middle(weft)).toFixed(2)}x`,
    });
  }
}

function lossOf(samples: readonly { readonly lost: number }[]): string {
  const lost = samples.reduce((total, one) => total + one.lost, 0);
  return lost === 0 ? '' : `, ${lost} lost`;
}

const thousands = (count: number): string => Math.round(count).toLocaleString('en');
