// Names through the agent: from objects that go in until a question in a sandbox is answered from them; 10,000 in one network at
// once, then one changed among them; and what they take of a whole agent.
import { join } from 'node:path';
import { createHostWriter } from '@weft/agent';
import { closeSocket, connectTo, receiveSome, sendSome } from '@weft/kernel';
import { createLog } from '@weft/process';
import type { Bench } from './bench.ts';
import { addressOf, nameObject, resolverOf, sandboxId, sandboxOf, zone } from './names-objects.ts';
import { residentMb } from './processes.ts';
import { median, ms, spread, timed } from './statistics.ts';

const COUNT = 10_000;
/** Until an answer is given up, in ms. */
const PATIENCE = 5_000;

export async function namesThroughAgent(bench: Bench): Promise<void> {
  const { runDir, dataDir, netns } = bench.host();
  const writer = await createHostWriter({ runDir, dataDir, hostNamespace: netns, log: createLog('bench') });
  bench.after(() => writer.close());
  await writer.apply({ put: [sandboxOf(0), resolverOf(0), zone], delete: [] });
  const place = { transport: 'udp', address: '127.0.0.11', port: 53 } as const;
  const fd = connectTo(join(runDir, 'netns', sandboxId(0).slice(0, 12)), place);
  bench.after(async () => closeSocket(fd));

  const objects = Array.from({ length: COUNT }, (_, at) => nameObject(at));
  const keys = objects.map(({ key }) => key);
  const built: number[] = [];
  for (let round = 0; round < (bench.isQuick ? 2 : 5); round++) {
    built.push(
      await timed(async () => {
        await writer.apply({ put: objects, delete: [] });
        expect(fd, COUNT - 1, addressOf(COUNT - 1));
      }),
    );
    if (round === 0) await oneByOne(bench, writer, fd);
    await writer.apply({ put: [], delete: keys });
  }
  bench.report.row({
    what: `${COUNT} names into the agent, until they are answered`,
    weft: spread(built),
    ratio: `${((median(built) * 1000) / COUNT).toFixed(0)} us each`,
  });
  await resident(bench);
}

async function oneByOne(bench: Bench, writer: Awaited<ReturnType<typeof createHostWriter>>, fd: number): Promise<void> {
  const changed: number[] = [];
  for (let at = 0; at < (bench.isQuick ? 50 : 300); at++) {
    const took = await timed(async () => {
      await writer.apply({ put: [nameObject(at, 2)], delete: [] });
      expect(fd, at, addressOf(at, 2));
    });
    changed.push(took);
  }
  bench.report.row({ what: `one name changed among ${COUNT}, until it is answered`, weft: spread(changed) });
}

/** Asks, and waits for the answer. @throws when another comes, or none */
function expect(fd: number, at: number, address: string): void {
  const label = Buffer.from(`n${at}`);
  const head = Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, label.length]);
  sendSome(fd, Buffer.concat([head, label, Buffer.from([0, 0, 1, 0, 1])]));
  const answer = Buffer.alloc(512);
  for (const until = performance.now() + PATIENCE; performance.now() < until; ) {
    const length = receiveSome(fd, answer);
    if (typeof length !== 'number') continue;
    const said = [...answer.subarray(length - 4, length)].join('.');
    if (said !== address) throw new Error(`n${at} is ${address}, and the answer was ${said}`);
    return;
  }
  throw new Error(`no answer for n${at} within ${ms(PATIENCE)}`);
}

/** Of an agent's process with and without them. */
async function resident(bench: Bench): Promise<void> {
  const program = new URL('./resolver-host.ts', import.meta.url).pathname;
  const found: number[] = [];
  for (const names of [0, COUNT]) {
    const host = bench.host();
    const agent = await host.start(process.execPath, [program, host.runDir, host.dataDir, '1', `${names}`], 'answers');
    found.push(residentMb(agent.pid));
    await agent.stop();
  }
  const [without = 0, having = 0] = found;
  bench.report.row({
    what: `resident memory, the agent just told of ${COUNT} names`,
    weft: `${having.toFixed(0)} MB`,
    peer: `without ${without.toFixed(0)} MB`,
    ratio: `${(((having - without) * 1e6) / COUNT).toFixed(0)} B each`,
  });
}
