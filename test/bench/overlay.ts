// weft's overlay against Docker's and against the bare veth below: throughput and latency, side by side, in turn.
import { existsSync } from 'node:fs';
import { type Host, joinHosts } from '../lib/host.ts';
import type { Bench, Part } from './bench.ts';
import { callBridgeRules, type End, roundTrip, serveFlows, throughput } from './flows.ts';
import { median } from './statistics.ts';
import { startSwarmPair } from './swarm-pair.ts';

const addresses = ['192.168.78.1', '192.168.78.2'] as const;

type Pair = readonly [End, End];
type Name = 'weft' | 'Docker' | 'bare';
const names: readonly Name[] = ['weft', 'Docker', 'bare'];
const peers = { Docker: "Docker's overlay", bare: 'the bare veth below' } as const;

/** Whether what is bridged passes the rules of its namespace, as it does where br_netfilter is loaded and nobody changed that. */
const settings = [
  { isCalled: true, label: 'overlay' },
  { isCalled: false, label: 'overlay without br_netfilter' },
] as const;

const hasBridgeNetfilter = existsSync('/proc/sys/net/bridge');

export const overlay: Part = {
  name: 'overlay',
  async run(bench) {
    const { pairs: weft, hosts } = await startWeftPair(bench);
    const swarm = await startSwarmPair(bench);
    const pairs: Readonly<Record<Name, Pair>> = { weft: weft.overlay, bare: weft.underlay, Docker: swarm.ends };
    for (const name of names) bench.after(await serveFlows(pairs[name][1]));
    const bridging = [...hosts.map(({ netns }) => netns), ...swarm.bridging];
    for (const { isCalled, label } of settings) {
      if (!hasBridgeNetfilter && isCalled) continue;
      if (hasBridgeNetfilter) for (const netns of bridging) await callBridgeRules(netns, isCalled);
      report(bench, label, await measure(pairs, bench.isQuick));
    }
  },
};

type Found = Readonly<Record<Name, { readonly speeds: number[]; readonly trips: number[] }>>;

async function measure(pairs: Readonly<Record<Name, Pair>>, isQuick: boolean): Promise<Found> {
  const found: Found = {
    weft: { speeds: [], trips: [] },
    Docker: { speeds: [], trips: [] },
    bare: { speeds: [], trips: [] },
  };
  for (let round = 0; round < (isQuick ? 2 : 9); round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const [from, to] = pairs[name];
      found[name].speeds.push(await throughput(from, to, isQuick ? 1 : 2));
      found[name].trips.push(await roundTrip(from, to, 3000));
    }
  }
  return found;
}

function report({ report }: Bench, label: string, { weft, ...others }: Found): void {
  for (const peer of ['Docker', 'bare'] as const) {
    const faster = median(weft.speeds) / median(others[peer].speeds);
    const sooner = median(others[peer].trips) / median(weft.trips);
    const aim = (ratio: number) => (peer === 'Docker' ? { aim: 'not below', isMet: ratio >= 0.95 } : {});
    report.row({
      what: `${label}, one TCP connection, against ${peers[peer]}`,
      weft: `${median(weft.speeds).toFixed(2)} Gbit/s`,
      peer: `${median(others[peer].speeds).toFixed(2)} Gbit/s`,
      ratio: `${faster.toFixed(2)}x`,
      ...aim(faster),
    });
    report.row({
      what: `${label}, a ping there and back, against ${peers[peer]}`,
      weft: us(median(weft.trips)),
      peer: us(median(others[peer].trips)),
      ratio: `${sooner.toFixed(2)}x`,
      ...aim(sooner),
    });
  }
}

const us = (milliseconds: number): string => `${(milliseconds * 1000).toFixed(1)} us`;

/** Two hosts of weft's, as README's first steps make them, with a sandbox each on an overlay; and the way below it. */
async function startWeftPair(bench: Bench): Promise<{
  hosts: readonly Host[];
  pairs: { overlay: Pair; underlay: Pair };
}> {
  const hosts = [bench.host(), bench.host()] as const;
  joinHosts(hosts[0], `${addresses[0]}/24`, hosts[1], `${addresses[1]}/24`);
  for (const host of hosts) host.sh('ip link set lo up');
  await hosts[0].up(['--listen', `${addresses[0]}:7420`]);
  const token = said(hosts[0].weft('cluster', 'token')).trim();
  await hosts[1].up(['--join', `${addresses[0]}:7420`, '--token', token]);
  said(hosts[0].weft('network', 'create', '-d', 'overlay', 'bench'));
  const ends = hosts.map((host, index): End => {
    said(host.weft('sandbox', 'create', `end-${index}`, '--network', 'bench'));
    const format = '{{.NetworkSettings.SandboxKey}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    const [netns = '', address = ''] = said(host.weft('sandbox', 'inspect', '-f', format, `end-${index}`))
      .trim()
      .split(' ');
    return { netns, address };
  });
  const below = hosts.map(({ netns }, index): End => ({ netns, address: addresses[index] ?? '' }));
  return { hosts, pairs: { overlay: ends as [End, End], underlay: below as [End, End] } };
}

function said({ status, stdout, stderr }: { status: number | null; stdout: string; stderr: string }): string {
  if (status !== 0) throw new Error(stderr);
  return stdout;
}
