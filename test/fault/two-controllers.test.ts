// Two machines run `weft up --listen` on one etcd, a third has joined by the first. Whichever it uses is killed, paused, cut off:
// the third goes on with the other, its agent and its socket both. How long that takes is printed, not judged.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createUnderlay, type Machine, type Underlay } from '../lib/cluster/underlay.ts';
import { type EtcdCluster, startEtcd } from '../lib/etcd-server.ts';
import type { Clients, Running } from '../lib/host.ts';

interface Controlling extends Machine {
  readonly at: string;
  running: Running;
}
let underlay: Underlay;
let etcd: EtcdCluster;
let controls: Controlling[];
let joined: Machine;
let api: Clients;
const tookMs: Record<string, number> = {};

const weft = ({ host, name }: Machine, ...args: string[]): string => {
  const ran = host.weft(...args);
  expect(ran, `${name}: weft ${args.join(' ')}`).toMatchObject({ status: 0, stderr: '' });
  return ran.stdout.trim();
};
const start = ({ host, address }: Machine) => host.up(['--etcd', etcd.urls.join(','), '--listen', `${address}:7420`]);
const hostsAsSeen = () => weft(joined, 'host', 'ls', '--format', '{{.Name}} {{.State}}').split('\n').sort();
/** Where the machine that joined believes controllers to be. */
const known = () => {
  const text = readFileSync(join(joined.host.dataDir, 'identity/cluster.json'), 'utf8');
  return (JSON.parse(text) as { controllers: string[] }).controllers.sort();
};
/** The controller whose table the machine that joined hears: it has that host beside its own. */
async function used(): Promise<Controlling> {
  const { replicas } = await controls[0]!.host.clients().system.getStatus({});
  const address = replicas.find(({ hosts }) => hosts === 2)?.address;
  const one = controls.find(({ at }) => at === address);
  return one ?? Promise.reject(new Error(`nobody has two hosts: ${JSON.stringify(replicas)}`));
}
const bothUsable = async () => {
  await expect.poll(known).toEqual(controls.map(({ at }) => at).sort());
  await expect.poll(hostsAsSeen).toEqual(['c1 joined', 'c2 joined', 'h1 joined']);
};
/** Makes a sandbox on the machine that joined, asked at its own socket, as often as it takes. Resolves with how long, in ms. */
async function untilMade(name: string): Promise<number> {
  const began = performance.now();
  for (;;) {
    try {
      await api.sandboxes.createSandbox({ spec: { name, host: '' } }, { deadline: 3_000 });
      return performance.now() - began;
    } catch (error) {
      if (`${error}`.includes('exists')) return performance.now() - began;
      if (performance.now() - began > 20_000) throw error;
      await pause(10);
    }
  }
}

beforeAll(async () => {
  underlay = createUnderlay();
  const store = underlay.plug('etcd');
  const [one, two] = [underlay.plug('c1'), underlay.plug('c2')];
  joined = underlay.plug('h1');
  etcd = await startEtcd({ machines: [store] });
  controls = [];
  for (const machine of [one, two]) {
    controls.push({ ...machine, at: `https://${machine.address}:7420`, running: await start(machine) });
  }
  const token = weft(two, 'cluster', 'token');
  await joined.host.up(['--join', `${one.address}:7420`, '--token', token]);
  api = joined.host.clients();
}, 60_000);
afterAll(async () => {
  await underlay.remove();
  await etcd.remove();
  const said = Object.entries(tookMs).map(([what, ms]) => `${what} ${ms.toFixed(0)} ms`);
  process.stdout.write(`until a sandbox is made on a joined machine, its controller ${said.join(', ')}\n`);
});

test('both controllers are known to the machine that joined, and shown there', async () => {
  await bothUsable();
  expect(weft(joined, 'status')).toMatch(
    /Controllers:\n +https:\/\/192\.0\.2\.2:7420.*\n +https:\/\/192\.0\.2\.3:7420/,
  );
});

test.each(['killed', 'paused', 'cut off'])(
  'its controller is %s: it goes on with the other',
  {
    timeout: 90_000,
  },
  async (what) => {
    await bothUsable();
    tookMs['well'] ??= await untilMade('before');
    const gone = await used();
    if (what === 'killed') await gone.running.stop('SIGKILL');
    else if (what === 'paused') gone.running.process.kill('SIGSTOP');
    else underlay.isolate(gone);
    const name = what.replace(' ', '-');
    try {
      tookMs[what] = await untilMade(name);
      expect(weft(joined, 'sandbox', 'ls', '--format', '{{.Name}}').split('\n')).toContain(name);
      weft(joined, 'sandbox', 'exec', name, '--', 'true');
    } finally {
      underlay.heal();
      gone.running.process.kill('SIGCONT');
    }
    if (what === 'killed') gone.running = await start(gone);
    await bothUsable();
  },
);
