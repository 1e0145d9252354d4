// Questions a second through the agent's own sockets, asked inside sandboxes by way of 127.0.0.11:53: one busy sandbox, then all of
// them at once; what sandboxes cost; how long an apply of names takes meanwhile. The client shares the machine's cores.
//   node test/bench/dns-rate.ts [sandboxes] [seconds]
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHostWriter } from '@weft/agent';
import { type HostObject, hostObject } from '@weft/hoststate';
import { closeSocket, connectTo, createNamespace, deleteNamespace, receiveSome, sendSome } from '@weft/kernel';
import { createLog } from '@weft/process';

process.env['WEFT_LOG'] ??= 'silent';
const [count = 200, seconds = 2] = process.argv.slice(2).map(Number);
const NAMES = 1000;
const WINDOW = 64;
const networkId = 'ab'.repeat(32);
const idOf = (at: number): string => `${at}`.padStart(12, '0').padEnd(64, '0');

const directory = mkdtempSync(join(tmpdir(), 'weft-bench-'));
const [host, runDir] = [join(directory, 'host'), join(directory, 'run')];
const named = (at: number, last: number): HostObject =>
  hostObject({
    $case: 'names',
    value: {
      ...{ networkId, owner: `endpoint/${at}`, names: [`n${at}`], addresses: [`10.1.${at >> 8}.${last}`] },
      ...{ reverse: `n${at}`, records: [], ports: [] },
    },
  });
const questionFor = (at: number): Buffer => {
  const label = Buffer.from(`n${at % NAMES}`);
  const head = Buffer.from([0, at & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, label.length]);
  return Buffer.concat([head, label, Buffer.from([0, 0, 1, 0, 1])]);
};
const questions = Array.from({ length: NAMES }, (_, at) => questionFor(at));

/** Asks from each socket in turn, a window at a time; answers a second, and the questions that were not answered in time. */
const flood = async (fds: readonly number[], window: number): Promise<{ rate: number; lost: number }> => {
  const input = Buffer.alloc(2048);
  let [answered, asked, lost] = [0, 0, 0];
  const from = performance.now();
  while (performance.now() - from < seconds * 1000) {
    for (const fd of fds) for (let at = 0; at < window; at++) sendSome(fd, questions[asked++ % NAMES] as Buffer);
    let open = fds.length * window;
    const until = performance.now() + 200;
    while (open > 0 && performance.now() < until)
      for (const fd of fds)
        for (let got = receiveSome(fd, input); typeof got === 'number'; got = receiveSome(fd, input)) open--;
    answered += fds.length * window - open;
    lost += open;
  }
  return { rate: Math.round(answered / ((performance.now() - from) / 1000)), lost };
};

createNamespace(host);
const log = createLog('bench');
const writer = await createHostWriter({ runDir, dataDir: join(directory, 'data'), hostNamespace: host, log });
const fds: number[] = [];
try {
  const sandboxes = Array.from({ length: count }, (_, at): HostObject[] => [
    hostObject({ $case: 'sandbox', value: { sandboxId: idOf(at), namespace: undefined } }),
  ]).flat();
  await writer.apply({ put: sandboxes, delete: [] });
  const resolvers = Array.from({ length: count }, (_, at) =>
    hostObject({
      $case: 'resolver',
      value: {
        ...{ sandboxId: idOf(at), networks: [{ networkId, links: {} }], servers: [] },
        ...{ serversInSandbox: false, internal: false, ndots: 0 },
      },
    }),
  );
  const timed = async (what: string, put: HostObject[]): Promise<void> => {
    const from = performance.now();
    const outcomes = await writer.apply({ put, delete: [] });
    const failed = outcomes.filter(({ fault }) => fault !== undefined);
    const ms = performance.now() - from;
    console.log(
      `${what}: ${ms.toFixed(1)} ms${failed.length > 0 ? `, ${failed.length} FAILED: ${failed[0]?.fault?.message}` : ''}`,
    );
  };
  const zone = hostObject({ $case: 'zone', value: { networkId, name: 'mynet', subnets: ['10.1.0.0/16'], listen: [] } });
  await timed(`zone and ${NAMES} names`, [zone, ...Array.from({ length: NAMES }, (_, at) => named(at, 1))]);
  await timed(`${count} resolvers`, resolvers);
  const lookFrom = performance.now();
  await writer.look();
  console.log(`full look: ${(performance.now() - lookFrom).toFixed(1)} ms`);
  for (let at = 0; at < count; at++) {
    const place = { transport: 'udp', address: '127.0.0.11', port: 53 } as const;
    fds.push(connectTo(join(runDir, 'netns', idOf(at).slice(0, 12)), place));
  }
  for (let round = 0; round < 3; round++) {
    const one = await flood(fds.slice(0, 1), WINDOW);
    const all = await flood(fds, 4);
    console.log(`one sandbox: ${one.rate}/s (${one.lost} lost); ${count} sandboxes: ${all.rate}/s (${all.lost} lost)`);
  }
  const changes: number[] = [];
  for (let at = 0; at < 100; at++) {
    const from = performance.now();
    await writer.apply({ put: [named(at, 2)], delete: [] });
    changes.push(performance.now() - from);
  }
  console.log(`a changed name: ${changes.sort((a, b) => a - b)[50]?.toFixed(2)} ms`);
  console.log(`resident: ${Math.round(process.memoryUsage().rss / 1024 / 1024)} MiB`);
} finally {
  for (const fd of fds) closeSocket(fd);
  await writer.close();
  for (const name of readdirSync(join(runDir, 'netns'))) deleteNamespace(join(runDir, 'netns', name));
  deleteNamespace(host);
  rmSync(directory, { recursive: true, force: true });
}
