// dnsperf, in a namespace: as fast as the server answers, or at a rate; alone, or one in each of many namespaces at once.
import { spawn } from 'node:child_process';
import { median, quantile } from './statistics.ts';

/** Where questions are asked from, and of whom. */
export interface Seat {
  /** The namespace's file. */
  readonly namespace: string;
  readonly server: string;
}

export interface Load {
  readonly seconds: number;
  /** A file of questions, one a line. */
  readonly questions: string;
  /** Sockets of each dnsperf. */
  readonly clients: number;
  /** Questions on their way at once, of each; without, it is a rate. */
  readonly window?: number;
  /** Questions a second, of each. Each answer's time is then taken. */
  readonly rate?: number;
}

export interface Asked {
  readonly answered: number;
  readonly lost: number;
  /** Answers other than NOERROR. */
  readonly wrong: number;
  readonly perSecond: number;
  /** Of each answer, in ms; none without a rate. */
  readonly latencies: readonly number[];
}

/** @throws when a dnsperf ends otherwise than well, with what it said */
export async function ask(seats: readonly Seat[], load: Load): Promise<Asked> {
  const began = performance.now();
  const all = await Promise.all(seats.map((seat) => one(seat, load)));
  const seconds = (performance.now() - began) / 1000;
  const sum = (of: (asked: Asked) => number) => all.reduce((total, each) => total + of(each), 0);
  return {
    answered: sum(({ answered }) => answered),
    lost: sum(({ lost }) => lost),
    wrong: sum(({ wrong }) => wrong),
    // Many do not begin and end at once: all of the time counts.
    perSecond: all.length === 1 ? sum(({ perSecond }) => perSecond) : sum(({ answered }) => answered) / seconds,
    latencies: all.flatMap(({ latencies }) => latencies),
  };
}

const one = ({ namespace, server }: Seat, load: Load): Promise<Asked> =>
  new Promise((resolve, reject) => {
    const { questions, seconds, clients, window, rate } = load;
    const limit = [
      ...(window === undefined ? [] : ['-q', `${window}`]),
      ...(rate === undefined ? [] : ['-Q', `${rate}`]),
    ];
    const flags = ['-s', server, '-d', questions, '-l', `${seconds}`, '-c', `${clients}`, '-t', '2', ...limit];
    const verbose = rate === undefined ? [] : ['-v'];
    const child = spawn('nsenter', [`--net=${namespace}`, '--', 'dnsperf', ...flags, ...verbose], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const parts: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => parts.push(part));
    child.stderr.on('data', (part: Buffer) => errors.push(part));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(parse(Buffer.concat(parts).toString('latin1')));
      else reject(new Error(`dnsperf of ${server} ended with ${code}: ${Buffer.concat(errors)}`));
    });
  });

/** What dnsperf 2.10 prints, with `-v` or without. Pure. */
function parse(text: string): Asked {
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  const answered = number(/Queries completed:\s+(\d+)/);
  const latencies = [...text.matchAll(/^> \S+ \S+ \S+ ([\d.]+)$/gm)].map(([, seconds]) => Number(seconds) * 1000);
  return {
    answered,
    lost: number(/Queries lost:\s+(\d+)/),
    wrong: answered - number(/NOERROR (\d+)/),
    perSecond: number(/Queries per second:\s+([\d.]+)/),
    latencies,
  };
}

/** Median and 99th percentile, in ms. */
export const latency = ({ latencies }: Asked): { median: number; p99: number } => ({
  median: median(latencies),
  p99: quantile(latencies, 0.99),
});
