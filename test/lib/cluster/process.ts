// A process of a cluster that can be killed, paused, let go on, and started anew with the data it had.
import type { Running } from '../host.ts';

export interface ClusterProcess {
  /** "ipam of c1". */
  readonly name: string;
  readonly pid: number;
  /** What it has logged since it was last started. */
  readonly log: readonly string[];
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it is there, and does nothing. */
  pause(): void;
  resume(): void;
  /** After `kill`: resolves when it serves. */
  start(): Promise<void>;
  readonly isUp: boolean;
}

/** @param start makes it, resolved when it serves */
export async function runProcess(name: string, start: () => Promise<Running>): Promise<ClusterProcess> {
  let running = await start();
  let isUp = true;
  const signal = (which: NodeJS.Signals) => void running.process.kill(which);
  return {
    name,
    get pid() {
      return running.pid;
    },
    get log() {
      return running.log;
    },
    get isUp() {
      return isUp;
    },
    async kill() {
      isUp = false;
      await running.stop('SIGKILL');
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async start() {
      running = await start();
      isUp = true;
    },
  };
}
