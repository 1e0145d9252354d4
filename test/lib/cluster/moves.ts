// Names that move: each is a sandbox's, which is removed on one host and made on another, under the same name and in the same
// network, again and again. Nobody waits for hosts: a host that is cut off must find out by itself.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Code, FaultError } from '@weft/fault';
import type { Cluster } from './cluster.ts';

export interface Moves {
  /** Names that moved, each acknowledged. */
  readonly moved: number;
  /** Answers that nothing explains. */
  readonly surprises: readonly string[];
  /** Where each name was last acknowledged to be. */
  readonly places: ReadonlyMap<string, string>;
  /** Begins no new move and resolves when those under way are over. */
  stop(): Promise<void>;
}

export interface MovesOptions {
  readonly network: string;
  readonly names: readonly string[];
  /** From 0 to 1. */
  readonly random: () => number;
}

/** A cut-off entry answers nobody: how long it is waited for, and the pause between two attempts, in ms. */
const deadlineMs = 3_000;
const againMs = 50;
const wait = { seconds: 0n, nanos: 0 };
const unanswered = new Set<Code>([Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.ABORTED, Code.CANCELLED]);
const isUnanswered = (error: unknown): boolean => !(error instanceof FaultError) || unanswered.has(error.kind.code);

/** Makes all of them, dealt out to the hosts. Resolves when they are there. */
export async function startMoves({ controls, hosts }: Cluster, options: MovesOptions): Promise<Moves> {
  const { network, names, random } = options;
  const places = new Map<string, string>();
  const surprises: string[] = [];
  let moved = 0;
  let isOver = false;

  async function untilAnswered<T>(ask: (at: (typeof controls)[number]['clients'], signal: AbortSignal) => Promise<T>) {
    for (let tries = Math.floor(random() * controls.length); ; tries++) {
      try {
        return await ask(controls[tries % controls.length]!.clients, AbortSignal.timeout(deadlineMs));
      } catch (error) {
        if (!isUnanswered(error)) throw error;
        await pause(againMs);
      }
    }
  }
  const make = async (name: string, host: string) => {
    const request = { spec: { name, host }, attachments: [{ network }], mutation: { requestId: randomUUID(), wait } };
    await untilAnswered(({ sandboxes }, signal) => sandboxes.createSandbox(request, { signal }));
    places.set(name, host);
  };
  const unmake = async (name: string) => {
    const request = { sandbox: name, mutation: { requestId: randomUUID(), wait } };
    await untilAnswered(({ sandboxes }, signal) => sandboxes.removeSandbox(request, { signal }));
    places.delete(name);
  };
  const mover = async (name: string) => {
    while (!isOver) {
      const elsewhere = hosts.map((one) => one.name).filter((one) => one !== places.get(name));
      try {
        await unmake(name);
        await make(name, elsewhere[Math.floor(random() * elsewhere.length)]!);
        moved++;
      } catch (error) {
        surprises.push(`move of ${name}: ${String(error)}`);
        return;
      }
      await pause(random() * 400);
    }
  };
  await Promise.all(names.map((name, at) => make(name, hosts[at % hosts.length]!.name)));
  const moving = Promise.all(names.map(mover));
  return {
    ...{ surprises, places },
    get moved() {
      return moved;
    },
    async stop() {
      isOver = true;
      await moving;
    },
  };
}
