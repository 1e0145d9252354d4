// What resolvers take while nobody asks: memory and processor time of an agent with 1,000 of them, beside one with the same sandboxes
// and none; and how long all of them take to come.
import { setTimeout as pause } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { processorPercent, residentMb } from './processes.ts';

export async function resolversStanding(bench: Bench): Promise<void> {
  const count = bench.isQuick ? 200 : 1000;
  const found = [];
  for (const resolvers of [0, count]) {
    const host = bench.host();
    const program = new URL('./resolver-host.ts', import.meta.url).pathname;
    const { pid, stop } = await host.start(
      process.execPath,
      [program, host.runDir, host.dataDir, `${count}`, '1000', `${resolvers}`],
      'answers',
    );
    // What the start set off is over.
    await pause(5_000);
    const memory = residentMb(pid);
    found.push({ memory, percent: await processorPercent(pid, bench.isQuick ? 10 : 60) });
    await stop();
  }
  const [without, having] = found;
  if (without === undefined || having === undefined) return;
  const more = having.percent - without.percent;
  bench.report.row({
    what: `resident memory, the agent with ${count} sandboxes and their resolvers`,
    weft: `${having.memory.toFixed(0)} MB`,
    peer: `without resolvers ${without.memory.toFixed(0)} MB`,
    ratio: `${(((having.memory - without.memory) * 1000) / count).toFixed(0)} kB each`,
  });
  bench.report.row({
    what: `processor when nobody asks, ${count} resolvers`,
    weft: `${having.percent.toFixed(2)} % of a core`,
    peer: `without resolvers ${without.percent.toFixed(2)} %`,
    aim: '0.5 % more',
    isMet: more < 0.5,
  });
}
