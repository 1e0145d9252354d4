// I5 (revisions never go back) and I10 (a refused request leaves nothing: nothing half made, no name without its record, no
// pool, lease or kernel object of nobody; leases and kernel objects are I2's and I3's to find and are named here again).
import { Phase } from '@weft/proto/model';
import { type Facts, short, type Verdict } from './facts.ts';

/** Where a system was when it was last looked at. */
export interface Position {
  readonly storeId: string;
  readonly revision: bigint;
}

export function checkRevisions(facts: Facts, previous: Position | undefined): Verdict {
  const { revision, storeId, events, endpoints, sandboxes, networks, services, hosts, synced, wantedRevision } = facts;
  const broken: string[] = [];
  let count = 0;
  const atMost = (what: string, one: bigint, limit: bigint) => {
    count++;
    if (one > limit) broken.push(`${what} is of revision ${one}, beyond ${limit}`);
  };
  if (previous !== undefined && previous.storeId === storeId) atMost('the last look', previous.revision, revision);
  for (const one of [...networks, ...endpoints, ...sandboxes, ...services, ...hosts])
    atMost(`record ${short(one.id)}`, one.revision, revision);
  for (const one of [...endpoints, ...sandboxes])
    atMost(`what was applied of ${short(one.id)}`, one.status?.appliedRevision ?? 0n, revision);
  // The agent's position may lie before the end: what came after did not concern its host.
  atMost('what the host heard', wantedRevision, revision);
  let last = 0n;
  for (const one of synced) {
    atMost('a watch', last, one);
    last = one;
  }
  atMost('a watch', last, revision);
  last = 0n;
  for (const one of events) {
    atMost('an event', last, one.revision);
    last = one.revision;
  }
  atMost('the last event', last, revision);
  return { invariant: 'I5', count, of: 'revisions', broken };
}

export function checkLeftovers(facts: Facts, I2: Verdict, I3: Verdict): Verdict {
  const { networks, endpoints, sandboxes, services, stored } = facts;
  const broken = [...networks, ...endpoints, ...sandboxes, ...services]
    .filter((one) => one.desired?.phase !== Phase.READY && one.desired?.phase !== Phase.DELETING)
    .map((one) => `record ${short(one.id)} (${one.spec?.name}) is neither ready nor being removed`);
  const networkIds = new Set(networks.map((one) => one.id));
  const sandboxIds = new Set(sandboxes.map((one) => one.id));
  for (const { id, networkId, desired } of endpoints) {
    if (!networkIds.has(networkId)) broken.push(`endpoint ${short(id)} is of a network that is not there`);
    if (desired?.sandboxId && desired.phase === Phase.READY && !sandboxIds.has(desired.sandboxId))
      broken.push(`endpoint ${short(id)} is in a sandbox that is not there`);
  }
  for (const { id, networkId } of services)
    if (!networkIds.has(networkId)) broken.push(`service ${short(id)} is of a network that is not there`);
  const count = networks.length + endpoints.length + sandboxes.length + services.length;
  if (stored !== undefined) broken.push(...names(facts, stored.names), ...satellites(facts, stored.satellites));
  broken.push(...I2.broken, ...I3.broken);
  return {
    invariant: 'I10',
    count: count + (stored === undefined ? 0 : stored.names.size + stored.satellites.length),
    of: stored === undefined ? 'records' : 'records, names and marks',
    broken,
  };
}

function names({ networks, endpoints, sandboxes, services }: Facts, held: ReadonlyMap<string, string>): string[] {
  const isNamed = (one: { desired?: { phase: Phase } | undefined }) => one.desired?.phase !== Phase.DELETING;
  const wanted = new Map<string, string>([
    ...networks.filter(isNamed).map((one) => [`name/network/${one.spec?.name}`, one.id] as [string, string]),
    ...sandboxes.filter(isNamed).map((one) => [`name/sandbox/${one.spec?.name}`, one.id] as [string, string]),
    ...endpoints
      .filter(isNamed)
      .map((one) => [`name/endpoint/${one.networkId}/${one.spec?.name}`, one.id] as [string, string]),
    ...services
      .filter(isNamed)
      .flatMap(({ id, networkId, spec }) =>
        [spec?.name ?? '', ...(spec?.aliases ?? [])].map((name): [string, string] => [
          `name/service/${networkId}/${name.toLowerCase()}`,
          id,
        ]),
      ),
  ]);
  return [
    ...[...held]
      .filter(([key, id]) => wanted.get(key) !== id)
      .map(([key, id]) => `${key} leads to ${short(id)}, which has no such name`),
    ...[...wanted].filter(([key]) => !held.has(key)).map(([key, id]) => `${key} of ${short(id)} is not held`),
  ];
}

/** Statuses and marks whose record is gone. */
function satellites({ networks, endpoints, sandboxes, services, pools }: Facts, keys: readonly string[]): string[] {
  const ids = new Set([...networks, ...endpoints, ...sandboxes, ...services, ...pools].map((one) => one.id));
  return keys
    .filter((key) => !ids.has(key.slice(key.startsWith('exhausted/') ? 'exhausted/'.length : key.lastIndexOf('/') + 1)))
    .map((key) => `${key} has no record`);
}
