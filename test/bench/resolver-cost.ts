// What a resolver adds to a new sandbox: the agent alone, told of one sandbox after the other, with and without; until it says done,
// its redirect and its sockets included.
import { createHostWriter } from '@weft/agent';
import { createLog } from '@weft/process';
import type { Bench } from './bench.ts';
import { resolverOf, sandboxOf, zone } from './names-objects.ts';
import { median, spread, timed } from './statistics.ts';

export async function resolverCost(bench: Bench): Promise<void> {
  const { runDir, dataDir, netns } = bench.host();
  const writer = await createHostWriter({ runDir, dataDir, hostNamespace: netns, log: createLog('bench') });
  bench.after(() => writer.close());
  await writer.apply({ put: [zone], delete: [] });
  const [bare, whole]: [number[], number[]] = [[], []];
  const count = bench.isQuick ? 30 : 200;
  for (let at = -10; at < count; at++) {
    const [first, second] = [20 + at * 2, 21 + at * 2];
    const took = [
      await timed(() => writer.apply({ put: [sandboxOf(first)], delete: [] })),
      await timed(() => writer.apply({ put: [sandboxOf(second), resolverOf(second)], delete: [] })),
    ] as const;
    const gone = [sandboxOf(first), sandboxOf(second), resolverOf(second)].map(({ key }) => key);
    await writer.apply({ put: [], delete: gone });
    if (at < 0) continue; // warm by now
    bare.push(took[0]);
    whole.push(took[1]);
  }
  bench.report.row({
    what: 'the agent makes a sandbox with its resolver',
    weft: spread(whole),
    peer: `without ${spread(bare)}`,
    ratio: `${(median(whole) - median(bare)).toFixed(2)} ms more`,
  });
}
