// weft's overlay against Docker's and against the bare veth below: throughput and latency, side by side, in turn.
import { joinHosts } from '../lib/host.ts';
import type { Bench, Part } from './bench.ts';
import { type End, roundTrip, serveFlows, throughput } from './flows.ts';
import { median, ms } from './statistics.ts';
import { startSwarmPair } from './swarm-pair.ts';

const addresses = ['192.168.78.1', '192.168.78.2'] as const;

export const overlay: Part = {
  name: 'overlay',
  async run(bench) {
    const { overlay: weft, underlay: bare } = await startWeftPair(bench);
    const pairs = { weft, Docker: await startSwarmPair(bench), bare };
    const speeds: Record<keyof typeof pairs, number[]> = { weft: [], Docker: [], bare: [] };
    const trips: Record<keyof typeof pairs, number[]> = { weft: [], Docker: [], bare: [] };
    const names = Object.keys(pairs) as (keyof typeof pairs)[];
    for (const name of names) bench.after(await serveFlows(pairs[name][1]));
    for (let round = 0; round < (bench.isQuick ? 2 : 7); round++) {
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        const [from, to] = pairs[name];
        speeds[name].push(await throughput(from, to, bench.isQuick ? 1 : 2));
        trips[name].push(await roundTrip(from, to, 400));
      }
    }
    for (const peer of ['Docker', 'bare'] as const) {
      const faster = median(speeds.weft) / median(speeds[peer]);
      const sooner = median(trips[peer]) / median(trips.weft);
      const aim = peer === 'Docker' ? { aim: 'not below', isMet: faster >= 0.95 } : {};
      const aimTrip = peer === 'Docker' ? { aim: 'not below', isMet: sooner >= 0.95 } : {};
      const label = peer === 'Docker' ? "Docker's overlay" : 'the bare veth below';
      bench.report.row({
        what: `overlay, one TCP connection, against ${label}`,
        weft: `${median(speeds.weft).toFixed(2)} Gbit/s`,
        peer: `${median(speeds[peer]).toFixed(2)} Gbit/s`,
        ratio: `${faster.toFixed(2)}x`,
        ...aim,
      });
      bench.report.row({
        what: `overlay, a ping there and back, against ${label}`,
        weft: ms(median(trips.weft)),
        peer: ms(median(trips[peer])),
        ratio: `${sooner.toFixed(2)}x`,
        ...aimTrip,
      });
    }
  },
};

/** Two hosts of weft's, as README's first steps make them, with a sandbox each on an overlay; and the way below it. */
async function startWeftPair(bench: Bench): Promise<{ overlay: [End, End]; underlay: [End, End] }> {
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
  return { overlay: ends as [End, End], underlay: below as [End, End] };
}

function said({ status, stdout, stderr }: { status: number | null; stdout: string; stderr: string }): string {
  if (status !== 0) throw new Error(stderr);
  return stdout;
}
