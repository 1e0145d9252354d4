// The simulated hosts of a run, spread over processes, and what they have heard.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Heard } from './heard.ts';

export interface Crowd {
  /** Each Synced from now on is told to it; returns what ends that. */
  listen(listener: (heard: Heard) => void): () => void;
  /** Resolves when so many different hosts have been heard from, from now on, of which this is true. */
  until(hosts: number, isIt: (heard: Heard) => boolean): Promise<readonly Heard[]>;
  stop(): Promise<void>;
}

const program = new URL('./agents.ts', import.meta.url).pathname;
const hostsAProcess = 250;

export function startCrowd(hosts: number, addresses: readonly string[]): Crowd {
  const listeners = new Set<(heard: Heard) => void>();
  const children: ChildProcess[] = [];
  for (let first = 0; first < hosts; first += hostsAProcess) {
    const count = Math.min(hostsAProcess, hosts - first);
    const child = fork(program, [`${first}`, `${count}`, ...addresses], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (heard: Heard) => {
      for (const listener of listeners) listener(heard);
    });
    children.push(child);
  }
  const listen: Crowd['listen'] = (listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return {
    listen,
    until(count, isIt) {
      const found = new Map<string, Heard>();
      return new Promise((resolve) => {
        const end = listen((heard) => {
          if (!isIt(heard)) return;
          if (!found.has(heard.host)) found.set(heard.host, heard);
          if (found.size < count) return;
          end();
          resolve([...found.values()]);
        });
      });
    },
    async stop() {
      await Promise.all(
        children.splice(0).map(async (child) => {
          const gone = once(child, 'exit');
          child.disconnect();
          await gone;
        }),
      );
    },
  };
}
