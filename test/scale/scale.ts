// Real controllers and ipam on etcd, simulated hosts: what many hosts and endpoints cost in memory, how long a connect takes to
// reach every host that it concerns, how long a controller takes to be back, and how many bytes a change is.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { quantile } from '../bench/statistics.ts';
import { type Cluster, startCluster } from '../lib/cluster/cluster.ts';
import { type Crowd, startCrowd } from './crowd.ts';
import { fill, fillStores } from './fill.ts';
import { type Heard, monotonicMs } from './heard.ts';
import { hostsOf, networkName, type Size } from './size.ts';

export interface Scaled {
  readonly fillS: number;
  readonly endpoints: number;
  /** When nothing is known anywhere but in the stores: from the start of the agents until each host was told all, and what that was. */
  readonly first: { readonly ms: number; readonly objects: number; readonly bytes: number };
  /** Resident, in MB. */
  readonly memoryMb: Readonly<Record<string, number>>;
  /** From the call to the last concerned host's HostState, in ms, of each probe. */
  readonly reachMs: readonly number[];
  readonly concernedHosts: readonly number[];
  /** Sent to all hosts by one connect. */
  readonly bytesAChange: readonly number[];
  /** From the start of a controller that was killed to its first answer, and until all its hosts are synced. In ms. */
  readonly servesAfterMs: number;
  readonly allSyncedAfterMs: number;
  /** How many hosts were told everything anew by it. */
  readonly resets: number;
}

/** Nothing more comes of a change when nobody has heard anything for so long, in ms. */
const quietMs = 300;

export async function scale(size: Size, say: (line: string) => void = () => undefined): Promise<Scaled> {
  const cluster = await startCluster({ hosts: 0, controlPlanes: size.controlPlanes });
  const sockets = cluster.controls.map((one) => one.sockets.controller);
  let crowd: Crowd | undefined;
  try {
    crowd = startCrowd(size.hosts, sockets);
    await crowd.until(size.hosts, () => true);
    say(`${size.hosts} hosts joined`);
    const filling = size.fill === 'api' ? fill : fillStores;
    const filled = await filling(cluster, size, async () => void (await crowd?.stop()));
    say(`${filled.endpoints} endpoints made in ${filled.fillS.toFixed(0)} s`);
    if (size.fill === 'api') await crowd.stop();
    const began = monotonicMs();
    crowd = startCrowd(size.hosts, sockets);
    const heard = await crowd.until(size.hosts, ({ isReset }) => isReset);
    const sum = (count: (one: Heard) => number) => heard.reduce((all, one) => all + count(one), 0);
    const ms = Math.max(...heard.map(({ at }) => at)) - began;
    const first = { ms, objects: sum(({ puts }) => puts), bytes: sum(({ bytes }) => bytes) };
    say(`all told in ${(first.ms / 1000).toFixed(0)} s`);
    await quiet(crowd);
    const memoryMb = memoryOf(cluster);
    const probed = await probe(cluster, crowd, size);
    say('probed');
    const restarted = await restart(cluster, crowd, size);
    return { ...filled, first, memoryMb, ...probed, ...restarted };
  } finally {
    await crowd?.stop();
    await cluster.remove();
  }
}

const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

function memoryOf({ controls, etcd }: Cluster): Record<string, number> {
  return Object.fromEntries([
    ...controls.flatMap(({ controller, ipam }) => [controller, ipam].map((one) => [one.name, residentMb(one.pid)])),
    ...etcd.members.map((one, at) => [`etcd ${at}`, residentMb(one.pid)]),
  ]);
}

/** Connects one sandbox more, again and again, and hears how far it gets. */
async function probe(
  { controls }: Cluster,
  crowd: Crowd,
  size: Size,
): Promise<Pick<Scaled, 'reachMs' | 'concernedHosts' | 'bytesAChange'>> {
  const reachMs: number[] = [];
  const concernedHosts: number[] = [];
  const bytesAChange: number[] = [];
  for (let at = 0; at < size.probes; at++) {
    const { clients } = controls[at % controls.length]!;
    const network = Math.floor((at * size.networks) / size.probes);
    const host = hostsOf(network, size)[at % Math.min(size.hosts, size.hostsANetwork)]!;
    const name = `probe${at}`;
    await clients.sandboxes.createSandbox({ spec: { name, host }, attachments: [] });
    await quiet(crowd);
    const heard: Heard[] = [];
    const end = crowd.listen((one) => void heard.push(one));
    const began = monotonicMs();
    await clients.endpoints.connect({ sandbox: name, network: networkName(network) });
    await quiet(crowd);
    end();
    const told = heard.filter((one) => one.puts > 0);
    reachMs.push(Math.max(...told.map((one) => one.at)) - began);
    concernedHosts.push(new Set(told.map((one) => one.host)).size);
    bytesAChange.push(heard.reduce((sum, one) => sum + one.bytes, 0));
  }
  return { reachMs, concernedHosts, bytesAChange };
}

/** Resolves when no host has heard of any object for a while. */
async function quiet(crowd: Crowd): Promise<void> {
  let last = performance.now();
  const end = crowd.listen((heard) => {
    if (heard.puts > 0) last = performance.now();
  });
  while (performance.now() - last < quietMs) await pause(quietMs / 10);
  end();
}

/** Kills a controller and starts it again. */
async function restart(
  { controls }: Cluster,
  crowd: Crowd,
  size: Size,
): Promise<Pick<Scaled, 'servesAfterMs' | 'allSyncedAfterMs' | 'resets'>> {
  const { controller } = controls[0]!;
  await controller.kill();
  const began = monotonicMs();
  // Hosts are on a controller by turns; with several, those of another one hear nothing.
  const own = controls.length === 1 ? size.hosts : 1;
  const synced = crowd.until(own, ({ at }) => at > began);
  await controller.start();
  const servesAfterMs = monotonicMs() - began;
  const heard = await synced;
  return {
    servesAfterMs,
    allSyncedAfterMs: Math.max(...heard.map((one) => one.at)) - began,
    resets: heard.filter((one) => one.isReset).length,
  };
}

const ms = (value: number) => `${value.toFixed(1)} ms`;

/** In Markdown. */
export function scaleTable(size: Size, found: Scaled): string {
  const { reachMs, concernedHosts, bytesAChange } = found;
  const middle = (all: readonly number[]) => quantile(all, 0.5);
  const rows: [string, string][] = [
    [
      'hosts, endpoints, networks',
      `${size.hosts}, ${found.endpoints}, ${size.networks} of ${size.hostsANetwork} hosts (${size.driver})`,
    ],
    ['control planes', `${size.controlPlanes}`],
    [
      size.fill === 'api' ? 'endpoints made by the API in' : 'endpoints written to the stores in',
      `${found.fillS.toFixed(0)} s, ${(found.endpoints / found.fillS).toFixed(0)} a second`,
    ],
    [
      'all hosts told all, from nothing, in',
      `${ms(found.first.ms)}: ${found.first.objects} objects, ${(found.first.bytes / 2 ** 20).toFixed(0)} MiB`,
    ],
    ...Object.entries(found.memoryMb).map(([name, mb]): [string, string] => [`memory, ${name}`, `${mb.toFixed(0)} MB`]),
    [
      "connect to every concerned host's HostState, p50 (p99)",
      `${ms(middle(reachMs))} (${ms(quantile(reachMs, 0.99))}), ${middle(concernedHosts)} hosts`,
    ],
    ['bytes per connect, to all hosts', `${middle(bytesAChange)}`],
    ['a controller started again serves after', ms(found.servesAfterMs)],
    ['and all its hosts are synced after', `${ms(found.allSyncedAfterMs)}, ${found.resets} of them told anew`],
  ];
  return ['| what | found |', '| --- | --- |', ...rows.map(([what, is]) => `| ${what} | ${is} |`)].join('\n');
}
