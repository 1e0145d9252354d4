// The networks and sandboxes of a cluster that load works on.
import type { Cluster } from './cluster.ts';
import type { Pair } from './ledger.ts';

export interface Population {
  readonly networks: readonly string[];
  readonly sandboxes: readonly string[];
  readonly pairs: readonly Pair[];
}

/** Networks of a driver, and on each host so many sandboxes, connected to nothing. */
export async function populate(
  { controls, hosts }: Cluster,
  { driver = 'bridge', networks: networkCount = 4, sandboxesPerHost = 5 } = {},
): Promise<Population> {
  const api = controls[0]!.clients;
  const networks = Array.from({ length: networkCount }, (_, at) => `n${at}`);
  for (const [at, name] of networks.entries())
    await api.networks.createNetwork({ spec: { name, driver, ipam: { configs: [{ subnet: `10.${at}.0.0/24` }] } } });
  const made = hosts.flatMap(({ name: host }) =>
    Array.from({ length: sandboxesPerHost }, (_, at) => ({ name: `${host}-s${at}`, host })),
  );
  await Promise.all(made.map((spec) => api.sandboxes.createSandbox({ spec })));
  const sandboxes = made.map(({ name }) => name);
  return {
    ...{ networks, sandboxes },
    pairs: networks.flatMap((network) => sandboxes.map((sandbox) => ({ network, sandbox }))),
  };
}
