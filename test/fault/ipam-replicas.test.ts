// Two weft-ipam processes on one etcd under load; one of them is killed, or paused and woken up, again and again. Clients repeat at the
// other what one does not answer. Then nothing is leased twice (I1), nothing acknowledged is lost, and nothing is held that nobody
// asked for: an owner that was released holds nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IpamServiceDefinition } from '@weft/proto/ipam';
import { type Channel, clientOf, openChannel, parseAddress } from '@weft/rpc';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EtcdCluster, startEtcd } from '../lib/etcd-server.ts';

const main = new URL('../../services/ipam/src/main.ts', import.meta.url).pathname;
const clients = 16;
/** Ms until a client asks the other one. */
const patience = 1_000;
/** Calls that must have been answered before the next blow. */
const between = 60;
let etcd: EtcdCluster;
let directory: string;
beforeAll(async () => {
  etcd = await startEtcd();
  directory = mkdtempSync(join(tmpdir(), 'weft-ipams-'));
});
afterAll(async () => {
  await etcd.remove();
  rmSync(directory, { recursive: true });
});

async function startIpam(name: string) {
  const listen = `unix://${directory}/${name}.sock`;
  const child = spawn(process.execPath, [main, '--listen', listen, '--etcd', etcd.urls.join()], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  await once(child.stderr, 'data');
  child.stderr.resume();
  const channel: Channel = openChannel(parseAddress(listen, 'listen'));
  return {
    client: clientOf(IpamServiceDefinition, channel),
    signal: (signal: NodeJS.Signals) => child.kill(signal),
    async end() {
      channel.close();
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
type Replica = Awaited<ReturnType<typeof startIpam>>;

test('two on one etcd, through kills and pauses', { timeout: 100_000 }, async () => {
  const replicas: [Replica, Replica] = [await startIpam('a'), await startIpam('b')];
  const { pools } = await replicas[0].client.allocatePools({
    owner: 'network/n',
    pools: [{ family: 4, subnet: '10.0.0.0/16' }],
  });
  const items = [{ poolId: pools[0]!.id }];
  /** What each owner was told last. */
  const told = new Map<string, string>();
  const doubtful = new Set<string>();
  let answered = 0;
  let repeated = 0;
  let isOver = false;

  /** At one, then at the other, until somebody answers. */
  async function ask<T>(at: number, call: (client: Replica['client'], signal: AbortSignal) => Promise<T>): Promise<T> {
    const end = performance.now() + 30_000;
    for (let to = at; ; to = 1 - to) {
      try {
        return await call(replicas[to]!.client, AbortSignal.timeout(patience));
      } catch (error) {
        repeated++;
        if (performance.now() > end) throw error;
      }
    }
  }
  const working = Array.from({ length: clients }, async (_, name) => {
    for (let count = 0; !isOver; count++) {
      const owner = `endpoint/${name}-${count}`;
      const first = await ask((name + count) % 2, (client, signal) => client.lease({ owner, items }, { signal }));
      // Said again at the other one it is the same.
      const again = await ask((name + count + 1) % 2, (client, signal) => client.lease({ owner, items }, { signal }));
      expect(again).toEqual(first);
      told.set(owner, first.leases[0]!.cidr);
      if (count % 2 === 0) {
        doubtful.add(owner);
        await ask(count % 2, (client, signal) => client.release({ owners: [owner] }, { signal }));
        doubtful.delete(owner);
        told.set(owner, '');
      }
      answered++;
    }
  });
  const more = async () => {
    const from = answered;
    await expect.poll(() => answered, { timeout: 60_000, interval: 10 }).toBeGreaterThan(from + between);
  };
  await more();
  for (let round = 0; round < 2; round++) {
    const at = round % 2;
    replicas[at]!.signal('SIGSTOP');
    await more();
    replicas[at]!.signal('SIGCONT');
    await more();
    await replicas[1 - at]!.end();
    await more();
    replicas[1 - at] = await startIpam(`${round}`);
    await more();
  }
  isOver = true;
  await Promise.all(working);

  const lists = await Promise.all(replicas.map(async ({ client }) => (await client.listLeases({})).leases));
  expect(lists[0]).toEqual(lists[1]);
  const held = lists[0]!;
  const count = (leases: readonly unknown[]) => leases.length;
  const double =
    held.length -
    new Set(held.map(({ cidr }) => cidr)).size +
    (held.length - new Set(held.map(({ owner }) => owner)).size);
  const lost = [...told].filter(
    ([owner, cidr]) => cidr !== '' && !held.some((lease) => lease.owner === owner && lease.cidr === cidr),
  );
  const leaked = held.filter(({ owner, cidr }) => told.get(owner) !== cidr);
  console.log(
    `${answered} owners, ${repeated} calls repeated: leased twice ${double}, leaked ${count(leaked)}, lost ${count(lost)}`,
  );
  await Promise.all(replicas.map((replica) => replica.end()));
  expect({ double, lost, leaked, doubtful: [...doubtful] }).toEqual({ double: 0, lost: [], leaked: [], doubtful: [] });
});
