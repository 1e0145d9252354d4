// One of the two loops: intent to HostState. Follows the view, compiles what changed through the drivers and discovery,
// and keeps for each host the table its agent watches. Costs as much as the change; decides nothing that a driver should decide.
import { asFault, type FaultError, Reason } from '@weft/fault';
import type { Log } from '@weft/process';
import type { Sandbox } from '@weft/proto/model';
import { isReady, readyEndpoints } from '../state/reading.ts';
import type { Change, View } from '../state/view.ts';
import {
  type Compilers,
  compileEndpoint,
  compileNetwork,
  compileRecord,
  compileSandbox,
  compileZone,
  joinedOf,
  zoneOn,
} from './compile.ts';
import { type Dirty, isClean, newDirty, type Wants, want } from './dirty.ts';
import { chooseGateways, type DefaultGateways, type GatewayCandidate } from './gateway.ts';
import { HostTable } from './host-table.ts';
import { type ItemKey, itemOf } from './items.ts';
import { Members } from './members.ts';
import { Publications } from './publications.ts';
import { planServices, servicesTogether, standingPart } from './services.ts';
import { Spread } from './spread.ts';

/** How long a failed compilation waits before it is tried again, in ms. */
const retryMs = 1_000;
const kinds = ['networks', 'endpoints', 'sandboxes', 'hosts', 'records', 'services'] as const;

/**
 * Work on one thing. It reads the view where it is MADE, all of a round's at one revision, and drivers are asked where it runs: what
 * the view says by then belongs to the next round, and half of it would reach hosts as a whole.
 */
type Job = () => Promise<void>;

export class Planner {
  readonly #view: View;
  readonly #compilers: Compilers;
  readonly #log: Log;
  readonly #tables = new Map<string, HostTable>();
  readonly #sandboxOf = new Map<string, string>();
  readonly #candidates = new Map<string, GatewayCandidate>();
  readonly #members = new Members();
  readonly #spread: Spread;
  readonly #publications: Publications;
  readonly #failures = new Map<ItemKey, FaultError>();
  /**
   * Items that nobody could compile yet since this planner began, because a service is away. A host that was told all but them would
   * remove what it has of them.
   */
  readonly #lacking = new Set<ItemKey>();
  readonly #waiting: { revision: bigint; resolve: () => void }[] = [];
  #dirty = newDirty();
  #planned = -1n;
  #running = false;
  #closed = false;
  readonly #unsubscribe: () => void;

  constructor(view: View, compilers: Compilers, log: Log) {
    this.#view = view;
    this.#compilers = compilers;
    this.#log = log;
    this.#publications = new Publications(view, compilers.drivers);
    this.#spread = new Spread({
      view,
      members: this.#members,
      sandboxOf: this.#sandboxOf,
      publications: this.#publications,
      isNew: (hostId) => this.#tables.get(hostId)?.objects().length === 0,
    });
    this.#unsubscribe = view.onChange((change) => this.#onChange(change));
    for (const kind of kinds) if (kind !== 'hosts') for (const id of view[kind].ids()) this.#dirty[kind].add(id);
    this.#start();
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
  }

  /** What the host must have; made when it is first asked for. */
  table(hostId: string): HostTable {
    const known = this.#tables.get(hostId);
    if (known !== undefined) return known;
    const table = new HostTable(this.#view.revision);
    this.#tables.set(hostId, table);
    this.#dirty.hosts.add(hostId);
    this.#start();
    return table;
  }

  /** Whether something could not be compiled because a service is away: others may know more. */
  get isPartial(): boolean {
    return [...this.#failures.values()].some(({ reason }) => reason === Reason.SERVICE_UNAVAILABLE);
  }

  /** The host is removed: its table ends. */
  drop(hostId: string): void {
    this.#tables.get(hostId)?.close();
    this.#tables.delete(hostId);
  }

  /** Resolves when all tables hold what the view said at the revision. */
  async planned(revision: bigint): Promise<void> {
    if (this.#planned >= revision && !this.#running) return;
    await new Promise<void>((resolve) => this.#waiting.push({ revision, resolve }));
  }

  /** Whether the tables hold all there is to hold: not while a driver or discovery has been away since the start. */
  get isWhole(): boolean {
    return this.#lacking.size === 0;
  }

  /** Why an item could not be compiled, if it could not. */
  failure(item: ItemKey): FaultError | undefined {
    return this.#failures.get(item);
  }

  /** What an endpoint offers its sandbox. */
  candidate(endpointId: string): GatewayCandidate | undefined {
    return this.#candidates.get(endpointId);
  }

  /** The endpoints that give a sandbox its default routes. */
  gateways(sandboxId: string): DefaultGateways {
    return chooseGateways(this.#candidatesOf(this.#view.endpointsOfSandbox.ids(sandboxId)));
  }

  /** Whether a host has an endpoint of the network, and so is told its names. */
  isMember(networkId: string, hostId: string): boolean {
    return this.#members.has(networkId, hostId);
  }

  #candidatesOf(endpointIds: Iterable<string>): GatewayCandidate[] {
    return [...endpointIds].map((id) => this.#candidates.get(id)).filter((one) => one !== undefined);
  }

  #onChange(change: Change): void {
    for (const kind of kinds) for (const id of change[kind]) this.#dirty[kind].add(id);
    this.#start();
  }

  #start(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    queueMicrotask(() => {
      this.#run().catch((error: unknown) => {
        throw error; // a planner that stops is a broken invariant: end the process, the store is intact
      });
    });
  }

  async #run(): Promise<void> {
    for (;;) {
      const dirty = this.#dirty;
      const revision = this.#view.revision;
      this.#dirty = newDirty();
      const wants: Wants = new Map();
      await this.#compile(dirty, wants);
      for (const [hostId, items] of wants) if (items.size > 0) this.#tables.get(hostId)?.set(revision, items);
      this.#planned = revision;
      if (this.#view.revision === revision && isClean(this.#dirty)) break;
    }
    this.#running = false;
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      if ((this.#waiting[i]?.revision ?? 0n) > this.#planned) continue;
      this.#waiting.splice(i, 1)[0]?.resolve();
    }
  }

  async #compile(dirty: Dirty, wants: Wants): Promise<void> {
    this.#spread.over(dirty);
    const jobs = [
      ...[...dirty.networks].map((id) => this.#networkJob(id, wants)),
      ...[...dirty.endpoints].map((id) => this.#endpointJob(id, wants)),
      ...[...dirty.records].map((id) => this.#recordJob(id, wants)),
      ...this.#serviceJobs([...dirty.services], wants),
      ...[...dirty.sandboxes].map((id) => this.#sandboxJob(id, wants)),
    ];
    for (const job of jobs) await job();
  }

  #networkJob(id: string, wants: Wants): Job {
    const network = this.#view.networks.get(id)?.value;
    const item = itemOf.network(id);
    if (network === undefined || !isReady(network) || network.spec?.configOnly) return () => this.#gone(item, wants);
    const factsOf = new Map([...this.#tables.keys()].map((host) => [host, this.#view.hosts.get(host)?.value.facts]));
    return () =>
      this.#guard(item, 'networks', id, async () => {
        const zone = await compileZone(this.#compilers, network);
        for (const hostId of this.#tables.keys()) {
          const objects = await compileNetwork(this.#compilers, hostId, network);
          const named = this.isMember(id, hostId) ? zoneOn(zone, objects, network, factsOf.get(hostId)) : [];
          want(wants, hostId, item, [...objects, ...named]);
        }
      });
  }

  #endpointJob(id: string, wants: Wants): Job {
    const item = itemOf.endpoint(id);
    const joined = joinedOf(this.#view, id);
    if (joined === undefined) {
      return async () => {
        await this.#gone(item, wants);
        this.#candidates.delete(id);
        this.#sandboxOf.delete(id);
        this.#failures.delete(itemOf.ports(id));
      };
    }
    const { endpoint, sandbox } = joined;
    return async () => {
      // BEFORE its driver is asked: its ports may be compiled by another one, and must go with it whatever its own says.
      this.#sandboxOf.set(id, sandbox.id);
      await this.#guard(item, 'endpoints', id, async () => {
        const { compiled, names, candidate } = await compileEndpoint(this.#compilers, joined);
        this.#candidates.set(id, candidate);
        for (const hostId of this.#tables.keys()) {
          const objects = (hostId === endpoint.desired?.hostId ? compiled?.local : compiled?.remote) ?? [];
          want(wants, hostId, item, [...objects, ...(this.isMember(endpoint.networkId, hostId) ? names : [])]);
        }
      });
    };
  }

  #recordJob(id: string, wants: Wants): Job {
    const record = this.#view.records.get(id)?.value;
    const network = this.#view.networks.get(record?.networkId ?? '')?.value;
    const item = itemOf.record(id);
    return () =>
      this.#guard(item, 'records', id, async () => {
        const isThere = record !== undefined && network !== undefined && isReady(network);
        const objects = isThere ? await compileRecord(this.#compilers, network, record) : [];
        for (const [hostId, table] of this.#tables) {
          const due = network !== undefined && this.isMember(network.id, hostId) ? objects : [];
          if (due.length > 0 || table.keysOf(item).length > 0) want(wants, hostId, item, due);
        }
      });
  }

  #serviceJobs(ids: readonly string[], wants: Wants): Job[] {
    return servicesTogether(this.#view, ids).map((some) => {
      const compile = planServices(this.#view, some, [...this.#tables.keys()], (network, host) =>
        this.isMember(network, host),
      );
      return () =>
        this.#guard(some.map(itemOf.service), 'services', some, async () => {
          const compiled = await compile(this.#compilers).catch((error: unknown) => {
            // Addresses of backends that leave are given out again: no host may go on with them.
            for (const id of some) this.#withdrawBackends(id, wants);
            throw error;
          });
          for (const [hostId, table] of this.#tables) {
            for (const id of some) {
              const objects = compiled(id, hostId);
              const item = itemOf.service(id);
              if (objects.length > 0 || table.keysOf(item).length > 0) want(wants, hostId, item, objects);
            }
          }
        });
    });
  }

  /** What hosts have of a service, without backends that are none any more. */
  #withdrawBackends(id: string, wants: Wants): void {
    const item = itemOf.service(id);
    for (const [hostId, table] of this.#tables) {
      const keys = table.keysOf(item);
      if (keys.length === 0) continue;
      const objects = keys.map((key) => table.object(key)).filter((object) => object !== undefined);
      want(wants, hostId, item, standingPart(this.#view, id, objects));
    }
  }

  #sandboxJob(id: string, wants: Wants): Job {
    const sandbox = this.#view.sandboxes.get(id)?.value;
    const item = itemOf.sandbox(id);
    const hostId = sandbox?.desired?.hostId ?? '';
    const isThere = sandbox !== undefined && isReady(sandbox) && sandbox.desired?.sharedWithId === '';
    const endpointIds = [...this.#view.endpointsOfSandbox.ids(id)];
    const ready = readyEndpoints(this.#view, endpointIds);
    const networks = new Map(ready.map(({ networkId }) => [networkId, this.#view.networks.get(networkId)?.value]));
    const facts = this.#view.hosts.get(hostId)?.value.facts;
    const compile = (there: Sandbox) =>
      // Candidates are what the endpoints' jobs, which come before, found.
      compileSandbox(this.#compilers, {
        sandbox: there,
        endpoints: ready.filter((one) => this.#candidates.has(one.id)),
        candidates: this.#candidatesOf(endpointIds),
        networkOf: (networkId) => networks.get(networkId),
        facts,
      });
    return async () => {
      await this.#guard(item, 'sandboxes', id, async () => {
        for (const [host, table] of this.#tables) {
          if (isThere && host === hostId) want(wants, host, item, await compile(sandbox));
          else if (table.keysOf(item).length > 0) want(wants, host, item, []);
        }
      });
      await this.#compilePorts(id, wants);
    };
  }

  async #gone(item: ItemKey, wants: Wants): Promise<void> {
    for (const [hostId, table] of this.#tables) if (table.keysOf(item).length > 0) want(wants, hostId, item, []);
    this.#failures.delete(item);
    this.#lacking.delete(item);
  }

  async #compilePorts(sandboxId: string, wants: Wants): Promise<void> {
    const askers = new Set([...this.#publications.askers(sandboxId), ...this.#view.endpointsOfSandbox.ids(sandboxId)]);
    const items = [...askers].map(itemOf.ports);
    await this.#guard(items, 'sandboxes', sandboxId, () =>
      this.#publications.compile(sandboxId, this.gateways(sandboxId), (hostId, item, objects) =>
        want(wants, hostId, item, objects),
      ),
    );
  }

  async #guard(
    items: ItemKey | readonly ItemKey[],
    kind: 'networks' | 'endpoints' | 'sandboxes' | 'records' | 'services',
    id: string | readonly string[],
    work: () => Promise<void>,
  ): Promise<void> {
    const all = typeof items === 'string' ? [items] : items;
    try {
      await work();
      for (const item of all) {
        this.#failures.delete(item);
        this.#lacking.delete(item);
      }
    } catch (error) {
      const failure = asFault(error);
      for (const item of all) {
        this.#failures.set(item, failure);
        const wasTold = [...this.#tables.values()].some((table) => table.keysOf(item).length > 0);
        if (failure.reason === Reason.SERVICE_UNAVAILABLE && !wasTold) this.#lacking.add(item);
      }
      this.#log.warn({ item: all[0], err: failure.text }, 'cannot compile; trying again');
      setTimeout(() => {
        if (this.#closed) return;
        for (const one of typeof id === 'string' ? [id] : id) this.#dirty[kind].add(one);
        this.#start();
      }, retryMs).unref();
    }
  }
}
