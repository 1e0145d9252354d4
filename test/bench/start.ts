// From `weft up` to its first answer: fresh, with endpoints to restore, and after a SIGKILL in the middle of its life.
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Host, Running } from '../lib/host.ts';
import type { Part } from './bench.ts';
import { fill } from './fill.ts';
import { median, ms, p95 } from './statistics.ts';

export const start: Part = {
  name: 'start',
  async run(bench) {
    const rounds = bench.isQuick ? 2 : 7;
    const fresh: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const host = bench.host();
      const { tookMs, running } = await firstAnswer(host);
      fresh.push(tookMs);
      await running.stop();
    }
    const say = (what: string, samples: readonly number[], aimMs: number) =>
      bench.report.row({
        what: `weft up to its first answer, ${what}`,
        weft: `${ms(median(samples))} (${ms(p95(samples))})`,
        aim: ms(aimMs),
        isMet: median(samples) <= aimMs,
      });
    say('nothing to restore', fresh, 1500);

    const host = bench.host();
    const count = bench.isQuick ? 100 : 1000;
    let { running } = await firstAnswer(host);
    await fill(host.clients(), count);
    const [stopped, killed]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      for (const [signal, samples] of [
        ['SIGTERM', stopped],
        ['SIGKILL', killed],
      ] as const) {
        await running.stop(signal);
        const again = await firstAnswer(host);
        samples.push(again.tookMs);
        running = again.running;
      }
    }
    say(`${count} endpoints`, stopped, 3000);
    say(`${count} endpoints, after a SIGKILL`, killed, 3000);
  },
};

/** Starts weft and asks until it answers. */
async function firstAnswer(host: Host): Promise<{ tookMs: number; running: Running }> {
  const began = performance.now();
  const starting = host.up();
  starting.catch(() => undefined);
  const path = host.address.slice('unix://'.length);
  while (!(await listens(path))) {
    await pause(3);
    if (performance.now() - began > 60_000) break; // `starting` says why
  }
  const clients = host.clients();
  await clients.networks.listNetworks({});
  const tookMs = performance.now() - began;
  clients.channel.close();
  return { tookMs, running: await starting };
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
