// Several controllers in this process, on one store and one ipam, as on a cluster. Each can be paused (none of its calls goes out or
// comes back), killed at a call, and its lease let run out at once.
import type { Driver } from '@weft/driver';
import { createIpam, ipamService } from '@weft/ipam';
import type { Controller, ControllerOptions } from '@weft/network-controller';
import { type IpamServiceClient, IpamServiceDefinition } from '@weft/proto/ipam';
import { localClient } from '@weft/rpc';
import { type Lease, type Op, openSqliteStore, type Store } from '@weft/store';
import { clientsOf, startTestController } from './control-plane.ts';

/** The instant to die at: before the call goes out, or after it was done and before its answer comes back. */
export interface Instant {
  readonly call: 'lease' | 'release' | 'transact';
  readonly when: 'before' | 'after';
  /** Of transactions: which. */
  readonly of?: (ops: readonly Op[]) => boolean;
}

/** Lets calls through, or holds them. */
function createGate() {
  let held: Promise<void> | undefined;
  let release = () => {};
  let instant: Instant | undefined;
  let hit = () => {};
  const pass = async () => {
    while (held !== undefined) await held;
  };
  const hold = () => {
    if (held !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    release = () => {
      held = undefined;
      resolve();
    };
  };
  return {
    pass,
    hold,
    release: () => release(),
    /** Resolves when the call was made; from then on nothing passes. */
    holdAt(at: Instant): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      instant = at;
      hit = resolve;
      return promise;
    },
    async through<T>(call: Instant['call'] | 'other', ops: readonly Op[], work: () => Promise<T>): Promise<T> {
      await pass();
      const isDue = instant?.call === call && (instant.of?.(ops) ?? true);
      const { when } = instant ?? {};
      const meet = () => {
        instant = undefined;
        hold();
        hit();
      };
      if (isDue && when === 'before') meet();
      await pass();
      const result = await work();
      if (isDue && when === 'after') meet();
      await pass();
      return result;
    },
  };
}
type Gate = ReturnType<typeof createGate>;

function gated(store: Store, gate: Gate, leases: Lease[]): Store {
  const other = <T>(work: () => Promise<T>) => gate.through('other', [], work);
  return {
    ...store,
    isShared: true,
    get: (key) => other(() => store.get(key)),
    list: (prefix, options) => other(() => store.list(prefix, options)),
    transact: (compares, ops) => gate.through('transact', ops, () => store.transact(compares, ops)),
    async *watch(prefix, from, signal) {
      for await (const step of store.watch(prefix, from, signal)) {
        await gate.pass();
        yield step;
      }
    },
    async lease(ttl) {
      const lease = await other(() => store.lease(ttl));
      leases.push(lease);
      return { ...lease, keepAlive: () => other(() => lease.keepAlive()), revoke: () => other(() => lease.revoke()) };
    },
    close: async () => {},
  };
}

function gatedIpam(ipam: IpamServiceClient, gate: Gate): IpamServiceClient {
  const call = (name: 'lease' | 'release' | 'other', work: () => Promise<unknown>) => gate.through(name, [], work);
  const names: Record<string, 'lease' | 'release'> = {
    lease: 'lease',
    allocatePools: 'lease',
    release: 'release',
    releasePools: 'release',
  };
  return new Proxy(ipam, {
    get: (target, name: keyof IpamServiceClient) => (request: never) =>
      call(names[name] ?? 'other', () => target[name](request)),
  });
}

export interface Replica extends ReturnType<typeof clientsOf> {
  readonly controller: Controller;
  /** From now on nothing of it goes out or comes back; returns what lets it go on. */
  pause(): () => void;
  /** As pause, at a call: resolves when it was made. */
  pauseAt(instant: Instant): Promise<void>;
  goOn(): void;
  /** Its lease runs out now, as it does when it is paused for long. */
  expire(): Promise<void>;
}

export interface Replicas {
  readonly store: Store;
  readonly ipam: IpamServiceClient;
  /** @param bridge in the place of the bridge driver */
  start(options?: Partial<ControllerOptions>, bridge?: Driver): Promise<Replica>;
  stop(): Promise<void>;
}

/** @param open a store for each replica, all of the same data; absent: one for all, SQLite in memory */
export async function openReplicas(open?: () => Promise<Store>): Promise<Replicas> {
  const store = (await open?.()) ?? openSqliteStore({ file: ':memory:' });
  const stores = [store];
  const ipamStore = openSqliteStore({ file: ':memory:' });
  const ipam = localClient(IpamServiceDefinition, ipamService(await createIpam({ store: ipamStore })));
  const started: Replica[] = [];
  return {
    store,
    ipam,
    async start(options = {}, bridge) {
      const gate = createGate();
      const leases: Lease[] = [];
      const its = (await open?.()) ?? store;
      stores.push(its);
      const own = { store: gated(its, gate, leases), ipam: gatedIpam(ipam, gate) };
      const controller = await startTestController({ ...own, ...options }, bridge);
      const replica: Replica = {
        controller,
        ...clientsOf(controller),
        pause() {
          gate.hold();
          return () => gate.release();
        },
        pauseAt: (instant) => gate.holdAt(instant),
        goOn: () => gate.release(),
        async expire() {
          for (const lease of leases.splice(0)) await lease.revoke();
        },
      };
      started.push(replica);
      return replica;
    },
    async stop() {
      for (const replica of started) {
        replica.goOn();
        await replica.controller.stop();
      }
      for (const one of new Set(stores)) await one.close();
      await ipamStore.close();
    },
  };
}
