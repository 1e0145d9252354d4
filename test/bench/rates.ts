// How much at a time: durable leases a second from ipam as its own process, connects a second from many clients, and how
// long a person waits for `weft network ls`. The peer of leases is the disk: commits a second of SQLite alone, beside it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { IpamServiceDefinition } from '@weft/proto/ipam';
import { EndpointSpec, Family, NetworkSpec, SandboxSpec } from '@weft/proto/model';
import { clientOf, openChannel, parseAddress } from '@weft/rpc';
import type { Host } from '../lib/host.ts';
import type { Bench, Part } from './bench.ts';
import { inParallel } from './fill.ts';
import { socketOf, startIpam } from './services.ts';
import { median, ms, p95, timed } from './statistics.ts';

const clientCount = 16;

export const rates: Part = {
  name: 'rates',
  async run(bench) {
    await leases(bench);
    await connects(bench);
  },
};

async function leases(bench: Bench): Promise<void> {
  const host = bench.host();
  await startIpam(host);
  const channels = Array.from({ length: clientCount }, () => openChannel(parseAddress(socketOf(host, 'ipam'), 'ipam')));
  bench.after(async () => {
    for (const channel of channels) channel.close();
  });
  const clients = channels.map((channel) => clientOf(IpamServiceDefinition, channel));
  const [first] = clients;
  const { pools } = (await first?.allocatePools({
    owner: 'network/bench',
    pools: [{ family: Family.IPV4, subnet: '10.64.0.0/12' }],
  })) ?? { pools: [] };
  const poolId = pools[0]?.id ?? '';
  let owners = 0;
  const perSecond = async (wide: number, forMs: number): Promise<number> => {
    const before = owners;
    const end = performance.now() + forMs;
    const took = await timed(() =>
      Promise.all(
        clients.slice(0, wide).map(async (client) => {
          while (performance.now() < end) await client.lease({ owner: `endpoint/${owners++}`, items: [{ poolId }] });
        }),
      ),
    );
    return (owners - before) / (took / 1000);
  };
  const slice = bench.isQuick ? 300 : 1000;
  const found = { disk: [] as number[], one: [] as number[], many: [] as number[] };
  await perSecond(clientCount, slice);
  for (let round = 0; round < 3; round++) {
    found.disk.push(commitsPerSecond(host, slice));
    found.one.push(await perSecond(1, slice));
    found.many.push(await perSecond(clientCount, slice));
  }
  for (const [wide, samples] of [
    [1, found.one],
    [clientCount, found.many],
  ] as const) {
    bench.report.row({
      what: `durable leases from ${wide} client${wide === 1 ? '' : 's'}`,
      weft: `${median(samples).toFixed(0)} /s`,
      peer: `SQLite alone, one commit after the other ${median(found.disk).toFixed(0)} /s`,
      ratio: `${(median(samples) / median(found.disk)).toFixed(2)}x`,
    });
  }
}

/** Commits of one row a second, as durable as weft's, beside the store of the host. */
function commitsPerSecond(host: Host, forMs: number): number {
  const database = new DatabaseSync(join(host.dataDir, 'peer.db'));
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS t (k, v)');
    const insert = database.prepare('INSERT INTO t VALUES (?, ?)');
    const begun = performance.now();
    let count = 0;
    for (; performance.now() - begun < forMs; count++) insert.run(`endpoint/${count}`, Buffer.alloc(60));
    return count / ((performance.now() - begun) / 1000);
  } finally {
    database.close();
  }
}

async function connects(bench: Bench): Promise<void> {
  const host = bench.host();
  await host.up();
  const clients = Array.from({ length: clientCount }, () => host.clients());
  const [first] = clients;
  if (first === undefined) return;
  const count = bench.isQuick ? 64 : 240;
  await first.networks.createNetwork({ spec: NetworkSpec.fromPartial({ name: 'n' }) });
  await inParallel(count, clientCount, (index) =>
    first.sandboxes.createSandbox({ spec: SandboxSpec.fromPartial({ name: `s${index}` }) }),
  );
  const spec = EndpointSpec.fromPartial({});
  const found: number[] = [];
  for (let round = 0; round < 3; round++) {
    let next = 0;
    const took = await timed(() =>
      Promise.all(
        clients.map(async ({ endpoints }) => {
          while (next < count) await endpoints.connect({ network: 'n', sandbox: `s${next++}`, spec });
        }),
      ),
    );
    found.push(count / (took / 1000));
    await inParallel(count, 64, (index) => first.endpoints.disconnect({ network: 'n', sandbox: `s${index}` }));
  }
  bench.report.row({
    what: `connects from ${clientCount} clients, waited for`,
    weft: `${median(found).toFixed(0)} /s`,
  });

  const list: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < (bench.isQuick ? 5 : 20); round++) {
    list.push(await timed(async () => host.weft('network', 'ls')));
    bare.push(await timed(async () => spawnSync(process.execPath, ['-e', '0'])));
  }
  bench.report.row({
    what: '`weft network ls`, the whole command',
    weft: `${ms(median(list))} (${ms(p95(list))})`,
    peer: `\`node -e 0\` ${ms(median(bare))}`,
    ratio: `${(median(bare) / median(list)).toFixed(2)}x`,
    aim: '250 ms',
    isMet: median(list) <= 250,
  });
}
