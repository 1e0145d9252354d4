// Whether a cluster is as it must be: what is still wrong while it converges, and, when it has come to rest, the counts that
// must be 0 and the invariants on every host.
import { setTimeout as pause } from 'node:timers/promises';
import { dumpAddresses, withNetlink } from '@weft/kernel';
import { IpamServiceDefinition } from '@weft/proto/ipam';
import { HostState } from '@weft/proto/model';
import { clientOf, openChannel, parseAddress } from '@weft/rpc';
import { checkInvariants, verdictLine } from '../../invariants/check.ts';
import type { Cluster, ControlMachine } from './cluster.ts';
import type { Load } from './load.ts';
import { wrongNames } from './names.ts';
import { type Records, readRecords } from './records.ts';

export interface Counts {
  readonly 'double lease': readonly string[];
  readonly leak: readonly string[];
  readonly 'stale name': readonly string[];
  readonly 'lost acknowledged': readonly string[];
}

/** How often is looked, and how long at most: a bound against waiting for ever, not an aim. In ms. */
const lookMs = 25;
const boundMs = 20_000;
/** How long the invariants may wait for a moment in which nothing is written, in ms. */
const restMs = 60_000;

/** What is not right yet, as one entry sees it. */
async function wrongAt({ name, clients }: ControlMachine): Promise<string[]> {
  const [status, records] = await Promise.all([clients.system.getStatus({}), readRecords(clients)]);
  return [
    ...status.hosts.filter((one) => one.state !== HostState.JOINED).map((one) => `host ${one.name} is lost`),
    ...status.failures,
    ...status.waitingAddresses.map((one) => `${one} waits to be forgotten`),
    ...records.endpoints
      .filter((one) => !one.isApplied)
      .map((one) => `${one.id.slice(0, 12)} of ${one.sandbox.name} is not applied: ${one.state}`),
    ...wrongNames(records),
  ].map((text) => `${name}: ${text}`);
}

/**
 * Resolves when the load is still and all entries say, and all hosts show, that everything is right.
 * @returns ms from the call on @throws Error with what is wrong when it never comes right
 */
export async function untilRight(cluster: Cluster, load: Pick<Load, 'isStill'>): Promise<number> {
  return await until(async () => (load.isStill ? await all(cluster.controls, wrongAt) : ['changes are under way']));
}

/** What each entry finds; one that does not answer finds that. */
const all = async (controls: readonly ControlMachine[], look: (one: ControlMachine) => Promise<string[]>) =>
  (await Promise.all(controls.map((one) => look(one).catch((error) => [`${one.name}: ${String(error)}`])))).flat();

async function until(look: () => Promise<string[]>): Promise<number> {
  const began = performance.now();
  for (;;) {
    const wrong = await look();
    const took = performance.now() - began;
    if (wrong.length === 0) return took;
    if (took > boundMs)
      throw new Error(`not right after ${boundMs / 1000} s (${wrong.length}):\n${wrong.slice(0, 20).join('\n')}`);
    await pause(lookMs);
  }
}

/** Resolves when all names are right on every host, whichever entry is believed. @returns and @throws as untilRight */
export async function untilNamesRight({ controls }: Cluster): Promise<number> {
  const look = async ({ name, clients }: ControlMachine) =>
    wrongNames(await readRecords(clients)).map((text) => `${name}: ${text}`);
  return await until(async () => await all(controls, look));
}

/** Of things with a key: those keys that have two things. */
const doubles = (all: readonly (readonly [key: string, value: string])[]): string[] =>
  [...Map.groupBy(all, ([key]) => key)]
    .map(([key, some]) => [key, new Set(some.map(([, value]) => value))] as const)
    .filter(([, values]) => values.size > 1)
    .map(([key, values]) => `${key}: ${[...values].join(' and ')}`);

/** Addresses on eth interfaces of all sandboxes, from the kernel. */
const inKernel = ({ sandboxes }: Records) =>
  [...sandboxes.values()].flatMap(({ name, namespacePath }) =>
    withNetlink(namespacePath, (socket) => dumpAddresses(socket))
      .filter((one) => one.scope === 0 && one.address.includes('.'))
      .map(({ address }) => [address, name] as const),
  );

/** Of a cluster at rest. */
export async function countWrongs(cluster: Cluster, load: Load): Promise<Counts> {
  const [control] = cluster.controls;
  if (control === undefined) throw new Error('the cluster has no control plane');
  const records = await readRecords(control.clients);
  const channel = openChannel(parseAddress(control.sockets.ipam, 'ipam'));
  const { leases } = await clientOf(IpamServiceDefinition, channel)
    .listLeases({})
    .finally(() => channel.close());
  const kernel = inKernel(records);
  const held = new Set(records.endpoints.map((one) => one.address));
  const owners = new Set([
    ...records.endpoints.map((one) => `endpoint/${one.id}`),
    ...[...records.networks.keys()].map((id) => `network/${id}`),
  ]);
  return {
    'double lease': [
      ...doubles(records.endpoints.flatMap((one) => one.held.map((place) => [place, one.id] as const))),
      ...doubles(leases.map((one) => [`${one.poolId} ${one.cidr}`, one.owner] as const)),
      ...doubles(leases.map((one) => [`${one.owner} in ${one.poolId}`, one.cidr] as const)),
      ...doubles(kernel),
    ],
    leak: [
      ...leases.filter((one) => !owners.has(one.owner)).map((one) => `${one.cidr} is leased to ${one.owner}`),
      ...kernel
        .filter(([address]) => !held.has(address.split('/')[0] ?? ''))
        .map(([address, name]) => `${name} has ${address}, which no endpoint has`),
    ],
    'stale name': wrongNames(records),
    'lost acknowledged': load.ledger.lost(records.pairs),
  };
}

/** What is broken of I1 to I10, on each host; nothing when all hold. */
export async function brokenInvariants(cluster: Cluster): Promise<string[]> {
  const [control] = cluster.controls;
  const broken: string[] = [];
  for (const { name, host } of cluster.hosts) {
    const { verdicts } = await checkInvariants({
      ...{ host: name, runDir: host.runDir, dataDir: host.dataDir, netns: host.netns },
      address: control?.sockets.controller ?? '',
      // Reading a long log takes a while, and what hosts count of their names is shared among controllers now and then.
      settleMs: restMs,
    });
    for (const one of verdicts) if (one.broken.length > 0) broken.push(`${name}: ${verdictLine(one)}`);
  }
  return broken;
}
