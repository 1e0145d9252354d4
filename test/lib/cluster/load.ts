// Clients at all entries of a cluster that connect and disconnect sandboxes at random. As a good client does, one that got no
// answer says the same again, with the same request id, at another entry; what was acknowledged is in the ledger.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Code, FaultError } from '@weft/fault';
import type { Clients } from '../host.ts';
import { Ledger, type Pair, pairKey } from './ledger.ts';

export interface Load {
  readonly ledger: Ledger;
  /** Answers other than the one asked for that no cut explains. */
  readonly surprises: readonly string[];
  /** How long each acknowledged change took, in ms. */
  readonly tookMs: readonly number[];
  /** No new change begins; what is under way goes on. */
  hold(): void;
  resume(): void;
  /** Nothing is under way. */
  readonly isStill: boolean;
  /** Begins no new change and resolves when the last one is over. */
  stop(): Promise<void>;
  /** Lets go of all that is under way: nobody will answer any more. */
  abandon(): void;
}

export interface LoadOptions {
  readonly entries: readonly Clients[];
  readonly pairs: readonly Pair[];
  /** How many changes are under way at once. */
  readonly atOnce: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** How long a client waits for an answer, and between two attempts, in ms. */
const deadlineMs = 4_000;
const againMs = 50;

/** How long a change may wait for its host before it is acknowledged as accepted. */
const wait = { seconds: 2n, nanos: 0 };

const unanswered = new Set<Code>([Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.ABORTED, Code.CANCELLED]);
const isUnanswered = (error: unknown): boolean =>
  error instanceof FaultError ? unanswered.has(error.kind.code) : true;
const isCode = (error: unknown, code: Code): boolean => error instanceof FaultError && error.kind.code === code;
/** Against asking for ever. */
const mostTries = 600;

export function startLoad({ entries, pairs, atOnce, random }: LoadOptions): Load {
  const ledger = new Ledger();
  const surprises: string[] = [];
  const tookMs: number[] = [];
  const busy = new Set<string>();
  let isHeld = false;
  let isOver = false;
  let isAbandoned = false;
  let going = Promise.withResolvers<void>();
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

  /** The same request at one entry after the other, until one answers. */
  async function untilAnswered<T>(ask: (api: Clients, signal: AbortSignal) => Promise<T>): Promise<T> {
    const first = Math.floor(random() * entries.length);
    for (let tries = 0; ; tries++) {
      try {
        return await ask(entries[(first + tries) % entries.length]!, AbortSignal.timeout(deadlineMs));
      } catch (error) {
        // What a try that failed began is taken back when all answer again; until then its name is in the way.
        const isOwnLeftover = tries > 0 && tries < mostTries && isCode(error, Code.ALREADY_EXISTS);
        if (isAbandoned || (!isUnanswered(error) && !isOwnLeftover)) throw error;
        await pause(againMs);
      }
    }
  }

  async function change(pair: Pair): Promise<void> {
    const belief = ledger.of(pair);
    const request = { ...pair, mutation: { requestId: randomUUID(), wait } };
    const began = performance.now();
    ledger.asked(pair);
    try {
      if (belief.is !== 'apart') {
        await untilAnswered(({ endpoints }, signal) => endpoints.disconnect(request, { signal }));
        ledger.disconnected(pair);
      } else {
        const made = await untilAnswered(({ endpoints }, signal) => endpoints.connect(request, { signal }));
        ledger.connected(pair, made.endpoint?.id ?? '');
      }
      tookMs.push(performance.now() - began);
    } catch (error) {
      // An open one may be either.
      if (belief.is === 'open' && isCode(error, Code.NOT_FOUND)) return ledger.disconnected(pair);
      surprises.push(`${belief.is !== 'apart' ? 'disconnect' : 'connect'} ${pairKey(pair)}: ${String(error)}`);
    }
  }

  const worker = async () => {
    while (!isOver) {
      if (isHeld) await going.promise;
      if (isOver) return;
      const free = pairs.filter((pair) => !busy.has(pairKey(pair)));
      const pair = pick(free);
      busy.add(pairKey(pair));
      await change(pair);
      busy.delete(pairKey(pair));
    }
  };
  const working = Promise.all(Array.from({ length: atOnce }, worker));
  const resume = () => {
    isHeld = false;
    going.resolve();
    going = Promise.withResolvers();
  };
  return {
    ...{ ledger, surprises, tookMs, resume },
    hold() {
      isHeld = true;
    },
    get isStill() {
      return busy.size === 0;
    },
    abandon() {
      isOver = true;
      isAbandoned = true;
      resume();
    },
    async stop() {
      isOver = true;
      resume();
      await working;
    },
  };
}
