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

export function startLoad({ entries, pairs, atOnce, random }: LoadOptions): Load {
  const ledger = new Ledger();
  const surprises: string[] = [];
  const tookMs: number[] = [];
  const busy = new Set<string>();
  let isHeld = false;
  let isOver = false;
  let going = Promise.withResolvers<void>();
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

  /** The same request at one entry after the other, until one answers. */
  async function untilAnswered<T>(ask: (api: Clients, signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let entry = Math.floor(random() * entries.length); ; entry++) {
      try {
        return await ask(entries[entry % entries.length]!, AbortSignal.timeout(deadlineMs));
      } catch (error) {
        if (!isUnanswered(error)) throw error;
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
      if (belief.is === 'connected') {
        await untilAnswered(({ endpoints }, signal) => endpoints.disconnect(request, { signal }));
        ledger.disconnected(pair);
      } else {
        const made = await untilAnswered(({ endpoints }, signal) => endpoints.connect(request, { signal }));
        ledger.connected(pair, made.endpoint?.id ?? '');
      }
      tookMs.push(performance.now() - began);
    } catch (error) {
      surprises.push(`${belief.is === 'connected' ? 'disconnect' : 'connect'} ${pairKey(pair)}: ${String(error)}`);
    }
  }

  const worker = async () => {
    while (!isOver) {
      if (isHeld) await going.promise;
      const free = pairs.filter((pair) => !busy.has(pairKey(pair)) && ledger.of(pair).is !== 'open');
      if (isOver || free.length === 0) return;
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
    async stop() {
      isOver = true;
      resume();
      await working;
    },
  };
}
