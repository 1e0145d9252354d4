// What services cost: connections through a virtual address beside connections to the backends themselves, in turns in the same run; and one change of a service in many sandboxes.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHostWriter, type HostWriter } from '@weft/agent';
import { type HostObject, hostObject } from '@weft/hoststate';
import { createNamespace, deleteNamespace } from '@weft/kernel';
import { createLog } from '@weft/process';
import { Balance } from '@weft/proto/model';
import type { Bench, Part } from './bench.ts';
import { connectBeside, serveConnections } from './connects.ts';
import { median, ms, p95, timed } from './statistics.ts';

const networkId = 'ab'.repeat(32);
const idOf = (at: number): string => `${at}`.padStart(12, '0').padEnd(64, '0');
const VIP = '10.1.255.254';
const addressOf = (at: number): string => `10.1.${(at + 2) >> 8}.${(at + 2) & 255}`;

export const serviceCost: Part = {
  name: 'services',
  async run(bench) {
    await rate(bench);
    await changes(bench);
  },
};

/** A host of its own, its writer in this process. */
async function build(bench: Bench): Promise<{ writer: HostWriter; sandbox(at: number): string }> {
  const directory = mkdtempSync(join(tmpdir(), 'weft-bench-'));
  const [host, runDir, dataDir] = [join(directory, 'host'), join(directory, 'run'), join(directory, 'data')];
  mkdirSync(runDir);
  createNamespace(host);
  const writer = await createHostWriter({ runDir, dataDir, hostNamespace: host, log: createLog('bench') });
  bench.after(async () => {
    await writer.close();
    for (const name of readdirSync(join(runDir, 'netns'))) deleteNamespace(join(runDir, 'netns', name));
    deleteNamespace(host);
    rmSync(directory, { recursive: true, force: true });
  });
  return { writer, sandbox: (at) => join(runDir, 'netns', idOf(at).slice(0, 12)) };
}

async function apply(writer: HostWriter, put: HostObject[]): Promise<void> {
  const failed = (await writer.apply({ put, delete: [] })).find(({ fault }) => fault !== undefined);
  if (failed !== undefined) throw new Error(failed.fault?.message);
}

const service = (backends: readonly number[]): HostObject =>
  hostObject({
    $case: 'service',
    value: {
      ...{ serviceId: 'cd'.repeat(32), networkId, name: 'web', addresses: [VIP], stickySeconds: 0, ports: [] },
      ...{ balance: Balance.ROUND_ROBIN, check: undefined },
      backends: backends.map((at) => ({
        ...{
          endpointId: idOf(at),
          sandboxId: idOf(at),
          addresses: [addressOf(at)],
          weight: 1,
          draining: false,
          via: '',
        },
      })),
    },
  });

const bare = (at: number): HostObject[] => [
  hostObject({ $case: 'sandbox', value: { sandboxId: idOf(at), namespace: undefined } }),
  hostObject({
    $case: 'resolver',
    value: {
      ...{ sandboxId: idOf(at), networks: [{ networkId, links: {} }], servers: [] },
      ...{ serversInSandbox: false, internal: true, ndots: 0 },
    },
  }),
];

const joined = (at: number): HostObject =>
  hostObject({
    $case: 'veth',
    value: {
      ...{ endpointId: idOf(at), hostName: `wv-${at}`, bridge: 'br-w', sandboxId: idOf(at), name: 'eth0' },
      ...{ macAddress: '', mtu: 0, addresses: [`${addressOf(at)}/16`], isolated: false, hairpin: true, sysctls: {} },
      ...{ advertiseCount: 0, advertiseIntervalMs: 0 },
    },
  });

async function rate(bench: Bench): Promise<void> {
  const { writer, sandbox } = await build(bench);
  const backends = [0, 1, 2];
  const bridge = {
    macAddress: '',
    mtu: 0,
    addresses: ['10.1.0.1/16'],
    mayExist: false,
    ipv6: false,
    routeLocalnet: false,
  };
  const element = (set: string, key: string[], data: string[]) =>
    hostObject({ $case: 'nftElement', value: { set, key, data } });
  await apply(writer, [
    element('bridges', ['br-w'], []),
    element('bridge_pairs', ['br-w', 'br-w'], ['accept']),
    hostObject({ $case: 'bridge', value: { name: 'br-w', ...bridge } }),
    ...[...backends, 3].flatMap((at) => [...bare(at), joined(at)]),
    service(backends),
  ]);
  for (const at of backends) bench.after(await serveConnections(sandbox(at)));
  const found = { direct: [] as number[], vip: [] as number[] };
  for (let round = 0; round < (bench.isQuick ? 3 : 7); round++) {
    const [direct, vip] = await connectBeside(sandbox(3), bench.isQuick ? 3000 : 8000, backends.map(addressOf), [VIP]);
    found.direct.push(direct);
    found.vip.push(vip);
  }
  // As many connections a second as go one after the other.
  const ratio = median(found.direct.map((direct, at) => direct / (found.vip[at] ?? Number.NaN)));
  bench.report.row({
    what: 'a connection through a virtual address, 3 backends in turn: opened, read to its end',
    weft: ms(median(found.vip)),
    peer: `to the backends themselves, in turn ${ms(median(found.direct))}`,
    ratio: `${ratio.toFixed(3)} of the rate`,
    aim: '0.95',
    isMet: ratio >= 0.95,
  });
}

async function changes(bench: Bench): Promise<void> {
  const { writer } = await build(bench);
  const count = bench.isQuick ? 200 : 1000;
  for (let at = 0; at < count; at += 100) {
    await apply(writer, Array.from({ length: Math.min(100, count - at) }, (_, next) => bare(at + next)).flat());
  }
  const first = await timed(() => apply(writer, [service([0, 1, 2])]));
  const samples: number[] = [];
  for (let round = 0; round < (bench.isQuick ? 4 : 10); round++)
    samples.push(await timed(() => apply(writer, [service(round % 2 === 0 ? [0, 1] : [0, 1, 2])])));
  bench.report.row({
    what: `a backend leaves or comes, in ${count} sandboxes`,
    weft: `${ms(median(samples))} (${ms(p95(samples))}), ${(median(samples) / count).toFixed(2)} ms each`,
    peer: `a new service ${ms(first)}`,
  });
}
