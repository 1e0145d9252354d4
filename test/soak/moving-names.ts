// The cut that leaves wrong names behind for hours elsewhere: two hosts do not hear of each other, or one hears of nobody, while
// sandboxes move between them under the same names. After the heal: how long until every host answers every name as it is.
import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from '../lib/cluster/cluster.ts';
import { startMoves } from '../lib/cluster/moves.ts';
import { readRecords } from '../lib/cluster/records.ts';
import { untilNamesRight, untilRight } from '../lib/cluster/verify.ts';

export interface NamesRow {
  readonly cut: string;
  readonly seconds: number;
  /** Names that moved while it lasted. */
  readonly moved: number;
  /** ms from the heal until all names were right on every host; and until everything was. */
  readonly namesMs: number;
  readonly allMs: number;
}

export interface MovedNames {
  readonly rows: readonly NamesRow[];
  readonly surprises: readonly string[];
  /** Names that are elsewhere than was acknowledged last. */
  readonly lost: readonly string[];
}

const cuts: readonly (readonly [says: string, strike: (cluster: Cluster) => void])[] = [
  ['two hosts from each other', ({ underlay, hosts: [a, b] }) => underlay.cut(a!.address, b!.address)],
  [
    'a host from all controllers',
    ({ underlay, hosts: [a], controls }) => {
      for (const one of controls) underlay.cut(a!.address, one.address);
    },
  ],
  ['a host from everybody', ({ underlay, hosts: [a] }) => underlay.isolate(a!)],
  [
    'what all controllers say to a host, not what it says',
    ({ underlay, hosts: [a], controls }) => {
      for (const one of controls) underlay.cut(one.address, a!.address, { oneWay: true });
    },
  ],
];

const names = ['ann', 'bob', 'cid', 'dot', 'eve', 'fay'];
const still = { isStill: true };

/**
 * Each cut as long as each of `seconds`, on a network that spans hosts. Makes what it needs and leaves it.
 * @throws Error with what is wrong when it does not come right
 */
export async function moveNames(
  cluster: Cluster,
  seconds: readonly number[],
  random: () => number,
): Promise<MovedNames> {
  const [first] = cluster.controls;
  const network = 'moving';
  // Addresses wait for hosts that are cut off: thirty seconds of moves need more than 250.
  const ipam = { configs: [{ subnet: '10.200.0.0/16' }] };
  await first?.clients.networks.createNetwork({ spec: { name: network, driver: 'overlay', ipam } });
  // One on each host that stays: somebody to ask.
  for (const { name: host } of cluster.hosts)
    await first?.clients.sandboxes.createSandbox({ spec: { name: `asker-${host}`, host }, attachments: [{ network }] });
  const rows: NamesRow[] = [];
  const surprises: string[] = [];
  const lost: string[] = [];
  for (const lasting of seconds)
    for (const [cut, strike] of cuts) {
      const moves = await startMoves(cluster, { network, names, random });
      strike(cluster);
      await pause(lasting * 1000);
      const { moved } = moves;
      await moves.stop();
      cluster.underlay.heal();
      const began = performance.now();
      const namesMs = await untilNamesRight(cluster);
      await untilRight(cluster, still);
      rows.push({ cut, seconds: lasting, moved, namesMs, allMs: performance.now() - began });
      surprises.push(...moves.surprises);
      lost.push(...(await elsewhere(cluster, moves.places)));
      for (const sandbox of moves.places.keys()) await first?.clients.sandboxes.removeSandbox({ sandbox });
    }
  return { rows, surprises, lost };
}

/** Names that are not where they were acknowledged to be. */
async function elsewhere(
  { controls: [first], hosts }: Cluster,
  places: ReadonlyMap<string, string>,
): Promise<string[]> {
  if (first === undefined) return [];
  const { sandboxes } = await readRecords(first.clients);
  const listed = (await first.clients.system.listHosts({})).hosts;
  const hostNames = new Map(listed.map((one) => [one.id, one.name]));
  const actual = new Map([...sandboxes.values()].map((one) => [one.name, hostNames.get(one.hostId) ?? '']));
  if (places.size === 0 && hosts.length > 0) return ['no name was acknowledged'];
  return [...places].flatMap(([name, host]) =>
    actual.get(name) === host ? [] : [`${name} is on ${actual.get(name) ?? 'no host'}, was made on ${host}`],
  );
}
