// What one more published port costs beside none and beside thousands, in the control plane alone with an agent that has
// no kernel: `node test/bench/port-cost.ts [DIRECTORY]`; without a directory the stores are in memory.
import { Protocol } from '@weft/proto/model';
import { startControlPlane } from '../lib/control-plane.ts';
import { startFakeAgent } from '../lib/fake-agent.ts';
import { publishingDriver } from '../lib/publishing-driver.ts';

const [directory] = process.argv.slice(2);
const rounds = 150;
const warmUp = 30;
const many = 5_000;

const plane = await startControlPlane({ bridge: publishingDriver, ...(directory === undefined ? {} : { directory }) });
const agent = await startFakeAgent(plane.agents, 'h1');
await plane.controller.predefined;
await plane.networks.createNetwork({ spec: { name: 'n' } });

const ports = (count: number) => Array.from({ length: count }, (_, at) => ({ protocol: Protocol.UDP, port: 1 + at }));
const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;

async function endpointWith(name: string, count: number): Promise<string> {
  await plane.sandboxes.createSandbox({ spec: { name } });
  const { endpoint } = await plane.endpoints.connect({ network: 'n', sandbox: name });
  const all = ports(count);
  for (let at = 0; at < count; at += 1_000)
    await plane.endpoints.updatePorts({ endpoint: endpoint?.id ?? '', add: all.slice(at, at + 1_000) });
  return endpoint?.id ?? '';
}

const ids = { none: await endpointWith('none', 0), many: await endpointWith('many', many) };
const times: Record<keyof typeof ids, number[]> = { none: [], many: [] };
const web = { protocol: Protocol.TCP, port: 80 };
for (let round = 0; round < rounds; round++) {
  for (const which of ['none', 'many'] as const) {
    const began = performance.now();
    await plane.endpoints.updatePorts({
      endpoint: ids[which],
      add: [web],
      mutation: { requestId: `${which}${round}` },
    });
    if (round >= warmUp) times[which].push(performance.now() - began);
    await plane.endpoints.updatePorts({ endpoint: ids[which], remove: [web] });
  }
}
const [none, beside] = [median(times.none), median(times.many)];
process.stdout.write(`one port beside none ${none.toFixed(2)} ms, beside ${many} ${beside.toFixed(2)} ms, `);
process.stdout.write(`${(beside / none).toFixed(2)} times\n`);

const id = await endpointWith('thousand', 0);
const began = performance.now();
await plane.endpoints.updatePorts({ endpoint: id, add: ports(1_000) });
process.stdout.write(`1000 ports in one request ${(performance.now() - began).toFixed(0)} ms\n`);
await agent.stop();
await plane.stop();
