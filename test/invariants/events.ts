// I4: an event implies its fact. The log is folded from its start; what it says of each object in the end must be what the
// records say, and no word may come where it cannot be true (joined before created, anything after deleted).

import { reasonName } from '@weft/fault';
import type { Event } from '@weft/proto/event';
import { type Endpoint, HostState, Phase } from '@weft/proto/model';
import { type Facts, short, type Verdict } from './facts.ts';

interface Told {
  isThere: boolean;
  /** The last event of each word since it was created. */
  last: Map<string, Event>;
  sandbox: string;
  isLost: boolean;
  /** The last of applied and failed since it joined. */
  applied: Event | undefined;
  /** The last word about a host's state. */
  state: string;
}

const begins: Readonly<Record<string, string>> = {
  network: 'created',
  endpoint: 'created',
  sandbox: 'created',
  service: 'created',
  pool: 'created',
  host: 'joined',
};
const ends: Readonly<Record<string, string>> = {
  network: 'deleted',
  endpoint: 'deleted',
  sandbox: 'deleted',
  service: 'deleted',
  pool: 'deleted',
  host: 'removed',
};
const newTold = (): Told => ({
  isThere: true,
  last: new Map(),
  sandbox: '',
  isLost: false,
  applied: undefined,
  state: '',
});

function fold({ events, isLogWhole, storeId }: Facts, broken: string[]): Map<string, Told> {
  const objects = new Map<string, Told>();
  let before: Event | undefined;
  for (const event of events) {
    const { kind, id, what, revision, index } = event;
    const name = `${kind} ${short(id)} ${what} at ${revision}.${index}`;
    const isNext =
      before?.revision === revision ? index === before.index + 1 : revision > (before?.revision ?? 0n) && index === 0;
    if (!isNext) broken.push(`${name} comes after ${before?.revision}.${before?.index}`);
    if (event.storeId !== storeId) broken.push(`${name} is of another store`);
    before = event;
    if (kind === 'drift') continue;
    const key = `${kind}/${id}`;
    const known = objects.get(key);
    if (what === begins[kind]) {
      if (known?.isThere) broken.push(`${name}, which is there already`);
      objects.set(key, newTold());
    } else if (known === undefined && isLogWhole) broken.push(`${name}, which was never created`);
    else if (known?.isThere === false) broken.push(`${name} after its end`);
    const told = objects.get(key) ?? newTold();
    objects.set(key, told);
    tell(told, event, name, broken);
  }
  return objects;
}

function tell(told: Told, event: Event, name: string, broken: string[]): void {
  const { kind, what, attributes } = event;
  told.last.set(what, event);
  if (what === ends[kind]) told.isThere = false;
  if (kind === 'host') told.state = what;
  if (kind === 'sandbox' && what === 'lost') told.isLost = true;
  if (kind !== 'endpoint') return;
  if (what === 'joined') {
    if (told.sandbox !== '') broken.push(`${name}, which is in a sandbox already`);
    told.sandbox = attributes['sandbox'] ?? '';
    told.applied = undefined;
  } else if (what === 'left') {
    if (told.sandbox !== attributes['sandbox']) broken.push(`${name}, which is not in that sandbox`);
    told.sandbox = '';
    told.applied = undefined;
  } else if (what === 'applied' || what === 'failed') told.applied = event;
}

const hostStates: Readonly<Record<string, HostState>> = {
  joined: HostState.JOINED,
  returned: HostState.JOINED,
  lost: HostState.LOST,
  drained: HostState.DRAINED,
};

function compareEndpoint(told: Told, one: Endpoint, broken: string[]): void {
  const name = `endpoint ${short(one.id)}`;
  const say = (what: string, by: string | undefined, is: string) => {
    if (by !== is) broken.push(`${name}: events say ${what} ${by}, its record ${is}`);
  };
  if (one.desired?.phase === Phase.READY) say('sandbox', told.sandbox, one.desired.sandboxId);
  const made = told.last.get('created')?.attributes;
  if (made !== undefined) {
    say('network', made['network'], one.networkId);
    say('name', made['name'], one.spec?.name ?? '');
    say('addresses', made['addresses'], one.desired?.addresses.map(({ cidr }) => cidr).join() ?? '');
  }
  const { status } = one;
  const by = told.applied && { what: told.applied.what, attributes: told.applied.attributes };
  if (one.desired?.phase !== Phase.READY) return;
  if (status === undefined) say('state', by?.what, `${undefined}`);
  else if (status.fault !== undefined) {
    say('state', by?.what, 'failed');
    say('reason', by?.attributes['reason'], reasonName(status.fault.reason));
  } else {
    say('state', by?.what, 'applied');
    say('revision', by?.attributes['revision'], `${status.appliedRevision}`);
  }
}

export function checkEvents(facts: Facts): Verdict {
  const broken: string[] = [];
  const objects = fold(facts, broken);
  const wasShown = (one: { desired?: { phase: Phase } | undefined }) =>
    one.desired?.phase === Phase.READY || one.desired?.phase === Phase.DELETING;
  const networks = facts.networks.filter(wasShown);
  const records: Readonly<Record<string, ReadonlySet<string>>> = {
    network: new Set(networks.map((one) => one.id)),
    endpoint: new Set(facts.endpoints.filter(wasShown).map((one) => one.id)),
    sandbox: new Set(facts.sandboxes.filter(wasShown).map((one) => one.id)),
    service: new Set(facts.services.filter(wasShown).map((one) => one.id)),
    host: new Set(facts.hosts.map((one) => one.id)),
    pool: new Set(networks.flatMap((one) => one.desired?.pools.map((pool) => pool.poolId) ?? [])),
  };
  for (const [key, { isThere }] of objects) {
    const [kind = '', id = ''] = key.split(/\/(.*)/);
    const has = records[kind]?.has(id) ?? false;
    if (isThere !== has)
      broken.push(
        `${kind} ${short(id)}: events say it is ${isThere ? '' : 'not '}there, its record ${has ? 'is' : 'is not'}`,
      );
  }
  if (facts.isLogWhole)
    for (const [kind, ids] of Object.entries(records))
      for (const id of ids) if (!objects.has(`${kind}/${id}`)) broken.push(`${kind} ${short(id)}: no event told of it`);
  for (const one of facts.endpoints) {
    const told = objects.get(`endpoint/${one.id}`);
    if (told !== undefined && facts.isLogWhole) compareEndpoint(told, one, broken);
  }
  for (const one of facts.hosts) {
    const told = objects.get(`host/${one.id}`);
    if (told !== undefined && told.state !== '' && hostStates[told.state] !== one.state)
      broken.push(`host ${one.name}: events say ${told.state}, its record says state ${one.state}`);
  }
  for (const one of facts.sandboxes) {
    const told = objects.get(`sandbox/${one.id}`);
    if (facts.isLogWhole && one.status?.lost && one.desired?.sharedWithId === '' && told?.isLost !== true)
      broken.push(`sandbox ${short(one.id)} is lost and no event told of it`);
  }
  return { invariant: 'I4', count: facts.events.length, of: 'events', broken };
}
