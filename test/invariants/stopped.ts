// Facts of a stopped system, from the stores of controller, ipam and agent. Each is locked to one process: a running weft
// makes this fail, and a weft cannot start while it runs.
import { join } from 'node:path';
import { Object as HostObject } from '@weft/proto/agent';
import type { Event } from '@weft/proto/event';
import { StoredLease, StoredPool } from '@weft/proto/ipam';
import { Endpoint, EndpointStatus, Host, Network, Phase, Sandbox, SandboxStatus, Service } from '@weft/proto/model';
import { BEFORE_ALL, openSqliteStore, type Revision, type Store } from '@weft/store';
import { eventsOf } from '../../services/network-controller/src/state/event-log.ts';
import type { Facts } from './facts.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
/** Reading must not make the store let go of its log. */
const keepMs = 100 * 365 * 24 * 3_600_000;

async function reading<T>(dataDir: string, name: string, read: (store: Store) => Promise<T>): Promise<T> {
  const store = openSqliteStore({ file: join(dataDir, `${name}.db`), retainMs: keepMs });
  try {
    return await read(store);
  } finally {
    await store.close();
  }
}

export async function gatherStopped(dataDir: string): Promise<Facts> {
  const controller = await reading(dataDir, 'network-controller', readController);
  const ipam = await reading(dataDir, 'ipam', readIpam);
  const agent = await reading(dataDir, 'agent', readAgent);
  const { names, satellites, ...records } = controller;
  return {
    mode: 'stopped',
    ...records,
    ...agent,
    pools: ipam.pools,
    stored: { names, satellites, leases: ipam.leases },
  };
}

async function readController(store: Store) {
  const { keyValues, revision } = await store.list('');
  const rows = (prefix: string) => keyValues.filter(({ key }) => key.startsWith(prefix));
  const byId = <T>(prefix: string, decode: (bytes: Uint8Array) => T) =>
    new Map(rows(prefix).map(({ key, value }) => [key.slice(prefix.length), decode(value)]));
  const endpointStatus = byId('status/endpoint/', EndpointStatus.decode);
  const sandboxStatus = byId('status/sandbox/', SandboxStatus.decode);
  const networks = rows('network/').map(({ value, modRevision }) => ({
    ...Network.decode(value),
    revision: modRevision,
  }));
  const endpoints = rows('endpoint/').map(({ value, modRevision }) => {
    const one = Endpoint.decode(value);
    return { ...one, revision: modRevision, status: endpointStatus.get(one.id) };
  });
  const sandboxes = rows('sandbox/').map(({ value, modRevision }) => {
    const one = Sandbox.decode(value);
    return { ...one, revision: modRevision, status: sandboxStatus.get(one.desired?.sharedWithId || one.id) };
  });
  const services = rows('service/').map(({ value, modRevision }) => ({
    ...Service.decode(value),
    revision: modRevision,
  }));
  return {
    storeId: store.id,
    revision,
    networks,
    services,
    endpoints,
    sandboxes,
    hosts: rows('host/').map(({ value, modRevision }) => ({ ...Host.decode(value), revision: modRevision })),
    waiting: [...endpoints, ...services]
      .filter((one) => one.desired?.phase === Phase.DELETING)
      .flatMap((one) => (one.desired?.addresses ?? []).map(({ cidr }) => ({ networkId: one.networkId, cidr }))),
    failing: new Set<string>(),
    synced: [],
    ...(await told(store, revision)),
    names: new Map(rows('name/').map(({ key, value }) => [key, text(value)])),
    satellites: [...rows('status/'), ...rows('links/'), ...rows('exhausted/')].map(({ key }) => key),
  };
}

async function told(store: Store, until: Revision): Promise<Pick<Facts, 'events' | 'isLogWhole'>> {
  const stop = new AbortController();
  const events: Event[] = [];
  let from: Revision = BEFORE_ALL;
  let isLogWhole = true;
  while (from < until) {
    for await (const step of store.watch('', from, stop.signal)) {
      if ('compacted' in step) {
        from = step.compacted;
        isLogWhole = false;
        break;
      }
      events.push(...eventsOf(step, store.id, new Date(0)));
      from = step.revision;
      if (from >= until) break;
    }
  }
  stop.abort();
  return { events, isLogWhole };
}

async function readIpam(store: Store) {
  const pools = (await store.list('pool/')).keyValues.map(({ value }) => StoredPool.decode(value).pool);
  const leases = (await store.list('lease/')).keyValues.map(({ key, value }) => {
    const [, poolId = '', address = ''] = key.split('/');
    return { owner: StoredLease.decode(value).owner, poolId, address };
  });
  return { pools: pools.filter((pool) => pool !== undefined), leases };
}

async function readAgent(store: Store) {
  const wanted = (await store.list('object/')).keyValues.map(({ value }) => HostObject.decode(value));
  const [, revision = '0'] = text((await store.get('position'))?.value ?? Buffer.from('')).split(' ');
  return { wanted, wantedRevision: BigInt(revision) };
}
