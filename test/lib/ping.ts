// A ping that runs for the length of a test and tells what was lost on the way. The packet under way when it is stopped
// counts neither as sent nor as lost.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Flow } from '../invariants/check.ts';

export interface Ping {
  /** Sequence numbers that came back, so far. */
  readonly answered: ReadonlySet<number>;
  /** Ends it. */
  stop(): Promise<Flow>;
}

/** Pings every 50 ms from a namespace; resolves with the first answer. */
export async function startPing(namespace: string, address: string): Promise<Ping> {
  const child = spawn('nsenter', [`--net=${namespace}`, '--', 'ping', '-n', '-i', '0.05', address], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const answered = new Set<number>();
  const ended = once(child, 'close');
  const first = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const sequence = /icmp_seq=(\d+) ttl=/.exec(line)?.[1];
    if (sequence === undefined) return;
    answered.add(Number(sequence));
    first.resolve();
  });
  child.once('exit', (code, signal) => first.reject(new Error(`ping ended: ${code ?? signal}`)));
  await first.promise;
  return {
    answered,
    async stop() {
      child.kill('SIGINT');
      await ended;
      return { name: `ping ${address}`, sent: Math.max(...answered), received: answered.size };
    },
  };
}
