// Docker's own overlay: two Engines in swarm mode in two hosts, one container each on an attachable network.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startDockerEngine } from '../lib/docker-engine.ts';
import { type Host, joinHosts } from '../lib/host.ts';
import type { Bench } from './bench.ts';
import type { End } from './flows.ts';

interface Container {
  readonly State: { readonly Pid: number };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

const network = 'bench';

export interface SwarmPair {
  /** Both ends of the network. */
  readonly ends: readonly [End, End];
  /** The namespaces, by path, that have bridges: the hosts, and Docker's own for each overlay. */
  readonly bridging: readonly string[];
}

export async function startSwarmPair(bench: Bench): Promise<SwarmPair> {
  const hosts = [bench.host(), bench.host()] as const;
  const addresses = ['192.168.77.1', '192.168.77.2'] as const;
  joinHosts(hosts[0], `${addresses[0]}/24`, hosts[1], `${addresses[1]}/24`);
  for (const host of hosts) host.sh('ip link set lo up');
  const [first, second] = [await startDockerEngine(hosts[0]), await startDockerEngine(hosts[1])];
  for (const engine of [first, second]) {
    bench.after(async () => {
      await engine.call('POST', '/swarm/leave?force=1').catch(() => undefined);
      await engine.stop();
    });
  }
  const own = (index: 0 | 1) => ({ ListenAddr: `${addresses[index]}:2377`, AdvertiseAddr: addresses[index] });
  await first.call('POST', '/swarm/init', own(0));
  const { JoinTokens } = (await first.call('GET', '/swarm')) as { JoinTokens: { Worker: string } };
  const RemoteAddrs = [`${addresses[0]}:2377`];
  await second.call('POST', '/swarm/join', { ...own(1), RemoteAddrs, JoinToken: JoinTokens.Worker });
  await first.call('POST', '/networks/create', { Name: network, Driver: 'overlay', Attachable: true });
  const ends: End[] = [];
  for (const [index, engine] of [first, second].entries()) {
    const id = await engine.run(`end-${index}`, network);
    const { State, NetworkSettings } = (await engine.call('GET', `/containers/${id}/json`)) as Container;
    const address = NetworkSettings.Networks[network]?.IPAddress;
    if (address === undefined) throw new Error(`container end-${index} has no address`);
    ends.push({ netns: `/proc/${State.Pid}/ns/net`, address });
  }
  const overlays = (host: Host) => {
    const directory = join(host.runDir, 'engine', 'exec', 'netns');
    return readdirSync(directory)
      .filter((name) => name.startsWith('1-'))
      .map((name) => join(directory, name));
  };
  return {
    ends: ends as [End, End],
    bridging: hosts.flatMap((host) => [host.netns, ...overlays(host)]),
  };
}
