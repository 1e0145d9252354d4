// One of the two loops: intent to HostState. Follows the view, compiles what changed through the drivers and discovery,
// and keeps for each host the table its agent watches. Costs as much as the change; decides nothing that a driver should decide.
import { asFault, joinFaults } from '@weft/fault';
import type { Log } from '@weft/process';
import type { Sandbox } from '@weft/proto/model';
import type { TraceParent } from '@weft/telemetry';
import { isReady, readyEndpoints } from '../state/reading.ts';
import type { Change, View } from '../state/view.ts';
import { type Asking, createAsking } from './asking.ts';
import { Audience } from './audience.ts';
import { type Compilers, compileSandbox, joinedOf } from './compile.ts';
import { type Dirty, isClean, newDirty, type Wants } from './dirty.ts';
import { chooseGateways, type DefaultGateways, type GatewayCandidate } from './gateway.ts';
import { HostTable } from './host-table.ts';
import { type ItemKey, itemOf } from './items.ts';
import { inLanes, type Job } from './lanes.ts';
import { MadeEndpoints } from './made.ts';
import { Members } from './members.ts';
import { compileOnHosts } from './on-hosts.ts';
import { Publications } from './publications.ts';
import { mostTraces, noteFailures, planned } from './round.ts';
import { Rounds } from './rounds.ts';
import { planServices, servicesTogether, withdrawBackends } from './services.ts';
import { Spread } from './spread.ts';
import { Told } from './told.ts';
import { Trouble } from './trouble.ts';

/** How long a failed compilation waits before it is tried again, in ms. */
const retryMs = 1_000;
const noHosts: ReadonlySet<string> = new Set();
const kinds = ['networks', 'endpoints', 'sandboxes', 'hosts', 'records', 'services'] as const;

export class Planner {
  readonly #view: View;
  readonly #compilers: Compilers;
  readonly #asking: Asking;
  readonly #log: Log;
  readonly #tables = new Map<string, HostTable>();
  readonly #sandboxOf = new Map<string, string>();
  readonly #candidates = new Map<string, GatewayCandidate>();
  readonly audience: Audience;
  readonly #told = new Told();
  readonly #made = new MadeEndpoints();
  /** Hosts whose tables are new: nothing was looked at for them yet. */
  readonly #fresh = new Set<string>();
  readonly #spread: Spread;
  readonly #publications: Publications;
  /** What could not be compiled. */
  readonly trouble = new Trouble();
  readonly #rounds = new Rounds();
  #dirty = newDirty();
  /** Whose changes the next round is about. */
  #traceParents = new Set<TraceParent>();
  #running = false;
  #begun = false;
  #closed = false;
  readonly #unsubscribe: () => void;

  constructor(view: View, compilers: Compilers, log: Log) {
    this.#view = view;
    this.#compilers = compilers;
    this.#asking = createAsking(compilers.drivers, compilers.discovery);
    this.#log = log;
    const members = new Members();
    this.audience = new Audience(view, members, this.#tables);
    this.#publications = new Publications(view, compilers.drivers);
    this.#spread = new Spread({
      view,
      members,
      sandboxOf: this.#sandboxOf,
      publications: this.#publications,
      isNew: (hostId) => this.#fresh.delete(hostId),
    });
    this.#unsubscribe = view.onChange((change) => this.#onChange(change));
    for (const kind of kinds) if (kind !== 'hosts') for (const id of view[kind].ids()) this.#dirty[kind].add(id);
  }

  /** Nothing is planned before: the first round is about all there is, and who starts has more urgent things to do. */
  begin(): void {
    this.#begun = true;
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
    this.#fresh.add(hostId);
    this.#dirty.hosts.add(hostId);
    this.#start();
    return table;
  }

  /** Whether something could not be compiled because a service is away: others may know more. */
  get isPartial(): boolean {
    return this.trouble.isPartial;
  }

  /** The host is removed: its table ends. */
  drop(hostId: string): void {
    this.#tables.get(hostId)?.close();
    this.#tables.delete(hostId);
  }

  /** Resolves when all tables hold what the view said at the revision. */
  async planned(revision: bigint): Promise<void> {
    if (this.#rounds.isPlanned(revision) && !this.#running) return;
    await this.#rounds.until(revision, !isClean(this.#dirty));
  }

  /** Whether the tables hold all there is to hold: not while a driver or discovery has been away since the start. */
  get isWhole(): boolean {
    return !this.trouble.isLacking;
  }

  /** What an endpoint offers its sandbox. */
  candidate(endpointId: string): GatewayCandidate | undefined {
    return this.#candidates.get(endpointId);
  }

  /** The endpoints that give a sandbox its default routes. */
  gateways(sandboxId: string): DefaultGateways {
    return chooseGateways(this.#candidatesOf(this.#view.endpointsOfSandbox.ids(sandboxId)));
  }

  #candidatesOf(endpointIds: Iterable<string>): GatewayCandidate[] {
    return [...endpointIds].map((id) => this.#candidates.get(id)).filter((one) => one !== undefined);
  }

  #onChange(change: Change): void {
    for (const kind of kinds) for (const id of change[kind]) this.#dirty[kind].add(id);
    if (change.traceParent !== '' && !isClean(this.#dirty)) this.#traceParents.add(change.traceParent);
    this.#start();
  }

  #start(): void {
    if (this.#running || this.#closed || !this.#begun) return;
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
      this.#rounds.begin(revision);
      this.#dirty = newDirty();
      const parents = [...this.#traceParents].slice(-mostTraces);
      this.#traceParents = new Set();
      await planned(isClean(dirty), parents, revision, async (traceParents) => {
        const wants: Wants = new Map();
        const fresh = new Set(this.#fresh);
        await this.#compile(dirty, wants);
        for (const [hostId, items] of wants) {
          const table = items.size === 0 ? undefined : this.#tables.get(hostId);
          if (fresh.has(hostId)) table?.fill(revision, items);
          else table?.set(revision, items, traceParents);
        }
      });
      this.#rounds.end();
      if (this.#view.revision === revision && isClean(this.#dirty)) break;
    }
    this.#running = false;
    this.#rounds.rest();
  }

  async #compile(dirty: Dirty, wants: Wants): Promise<void> {
    this.#spread.over(dirty);
    const kindsOfJobs = this.audience.still(() => [
      [
        ...[...dirty.networks].map((id) => this.#networkJob(id, wants)),
        ...[...dirty.networksOn]
          .filter(([id]) => !dirty.networks.has(id))
          .map(([id, hosts]) => this.#networkJob(id, wants, hosts)),
      ],
      [...dirty.endpoints].map((id) => this.#endpointJob(id, wants)),
      [...dirty.records].map((id) => this.#recordJob(id, wants)),
      this.#serviceJobs([...dirty.services], wants),
      [...dirty.sandboxes].map((id) => this.#sandboxJob(id, wants)),
    ]);
    for (const jobs of kindsOfJobs) await inLanes(jobs);
  }

  /** Tells the network to all that it reaches, or to `some` of them. */
  #networkJob(id: string, wants: Wants, some?: ReadonlySet<string>): Job {
    const network = this.#view.networks.get(id)?.value;
    const item = itemOf.network(id);
    if (network === undefined || !isReady(network) || network.spec?.configOnly) return () => this.#gone(item, wants);
    const reached = this.audience.ofNetwork(network);
    const due = [...reached].filter((hostId) => some?.has(hostId) ?? true);
    const hosts = due.map((hostId) => this.audience.host(hostId));
    const isMember = (hostId: string) => this.audience.isMember(id, hostId);
    return () =>
      this.#guard(item, 'networks', id, async () => {
        this.#told.only(wants, item, reached);
        const { objects, refused } = await compileOnHosts(this.#asking, network, hosts, isMember);
        for (const [hostId, own] of objects) this.#told.want(wants, hostId, item, own);
        if (refused.length > 0) throw joinFaults('it cannot be on every host', refused);
      });
  }

  #endpointJob(id: string, wants: Wants): Job {
    const item = itemOf.endpoint(id);
    const joined = joinedOf(this.#view, id);
    if (joined === undefined) {
      return async () => {
        await this.#gone(item, wants);
        this.#candidates.delete(id);
        this.#made.forget(id);
        this.#sandboxOf.delete(id);
        this.trouble.end(itemOf.ports(id));
      };
    }
    const { network, endpoint, sandbox } = joined;
    const own = this.audience.host(endpoint.desired?.hostId ?? '');
    const hosts = this.audience.ofEndpoint(network, endpoint);
    const made = this.#made.prepare(this.#view, joined, own);
    return async () => {
      // BEFORE its driver is asked: its ports may be compiled by another one, and must go with it whatever its own says.
      this.#sandboxOf.set(id, sandbox.id);
      await this.#guard(item, 'endpoints', id, async () => {
        const { local, remote, candidate } = await made(this.#asking);
        this.#candidates.set(id, candidate);
        this.#told.all(wants, item, hosts, (hostId) => (hostId === own.id ? local : remote));
      });
    };
  }

  #recordJob(id: string, wants: Wants): Job {
    const record = this.#view.records.get(id)?.value;
    const network = this.#view.networks.get(record?.networkId ?? '')?.value;
    const item = itemOf.record(id);
    const isThere = record !== undefined && network !== undefined && isReady(network);
    const hosts = isThere ? this.audience.members(network.id) : noHosts;
    return () =>
      this.#guard(item, 'records', id, async () => {
        const objects = isThere && hosts.size > 0 ? await this.#asking.record({ network, record }) : [];
        this.#told.all(wants, item, hosts, () => objects);
      });
  }

  #serviceJobs(ids: readonly string[], wants: Wants): Job[] {
    return servicesTogether(this.#view, ids).map((some) => {
      const compile = planServices(this.#view, some, this.audience);
      const hostsOf = new Map(
        some.map((id) => {
          const service = this.#view.services.get(id)?.value;
          return [id, service === undefined ? noHosts : this.audience.ofService(service)] as const;
        }),
      );
      return () =>
        this.#guard(some.map(itemOf.service), 'services', some, async () => {
          const compiled = await compile(this.#compilers).catch((error: unknown) => {
            // Addresses of backends that leave are given out again: no host may go on with them.
            for (const id of some) withdrawBackends(this.#view, id, this.#tables, this.#told, wants);
            throw error;
          });
          for (const [id, hosts] of hostsOf) {
            const item = itemOf.service(id);
            this.#told.all(wants, item, hosts, (hostId) => compiled(id, hostId));
          }
        });
    });
  }

  #sandboxJob(id: string, wants: Wants): Job {
    const sandbox = this.#view.sandboxes.get(id)?.value;
    const item = itemOf.sandbox(id);
    const hostId = sandbox?.desired?.hostId ?? '';
    const isThere = sandbox !== undefined && isReady(sandbox) && sandbox.desired?.sharedWithId === '';
    const hosts = isThere ? this.audience.ofSandbox(hostId) : noHosts;
    const endpointIds = [...this.#view.endpointsOfSandbox.ids(id)];
    const ready = readyEndpoints(this.#view, endpointIds);
    const networks = new Map(ready.map(({ networkId }) => [networkId, this.#view.networks.get(networkId)?.value]));
    const facts = this.#view.hosts.get(hostId)?.value.facts;
    const compile = (there: Sandbox) =>
      // Candidates are what the endpoints' jobs, which come before, found.
      compileSandbox(this.#asking, {
        sandbox: there,
        endpoints: ready.filter((one) => this.#candidates.has(one.id)),
        candidates: this.#candidatesOf(endpointIds),
        networkOf: (networkId) => networks.get(networkId),
        facts,
      });
    return async () => {
      await this.#guard(item, 'sandboxes', id, async () => {
        const objects = isThere && hosts.size > 0 ? await compile(sandbox) : [];
        this.#told.all(wants, item, hosts, () => objects);
      });
      await this.#compilePorts(id, wants);
    };
  }

  async #gone(item: ItemKey, wants: Wants): Promise<void> {
    this.#told.only(wants, item, noHosts);
    this.trouble.end(item);
  }

  async #compilePorts(sandboxId: string, wants: Wants): Promise<void> {
    const askers = new Set([...this.#publications.askers(sandboxId), ...this.#view.endpointsOfSandbox.ids(sandboxId)]);
    const items = [...askers].map(itemOf.ports);
    await this.#guard(items, 'sandboxes', sandboxId, () =>
      this.#publications.compile(sandboxId, this.gateways(sandboxId), (hostId, item, objects) =>
        this.#told.want(wants, hostId, item, objects),
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
      for (const item of all) this.trouble.end(item);
    } catch (error) {
      const failure = asFault(error);
      for (const item of all) this.trouble.fail(item, failure, this.#told.of(item).size > 0);
      noteFailures(all.length);
      this.#log.warn({ item: all[0], err: failure.text }, 'cannot compile; trying again');
      setTimeout(() => {
        if (this.#closed) return;
        for (const one of typeof id === 'string' ? [id] : id) this.#dirty[kind].add(one);
        this.#start();
      }, retryMs).unref();
    }
  }
}
