// All names that a host answers: its tables, one resolver for all, a listener for each sandbox; gateways have their own file.
// Decides who is answered what; sockets are the listeners'. What cannot be listened at is tried again with every look.
import { randomFillSync } from 'node:crypto';
import { Forwarder, makeForwarders, makeViewpoint, Names, Resolver, type Viewpoint } from '@weft/dns';
import { FaultError, toMessage } from '@weft/fault';
import { type HostObject, parseKey } from '@weft/hoststate';
import { DatagramBatch, Epoll, ipBytes, ipText } from '@weft/kernel';
import type { ObjectFailure, ResolverObject, SandboxState, ZoneObject } from '@weft/proto/agent';
import { NamesCounters } from '@weft/proto/model';
import type { NamesBatch } from '../dns-messages.ts';
import { faultOf } from '../kernel-fault.ts';
import type { Outcome } from '../kernel-messages.ts';
import { entriesOf } from './entries-of.ts';
import { Gateways, type Zone } from './gateways.ts';
import { Listener, type Place } from './listener.ts';
import { DNS_PORT, RESOLVER } from './places.ts';
import { SandboxPlaces } from './sandbox-places.ts';
import { BATCH, type Serving } from './serving.ts';
import { Timers } from './timers.ts';
import { HOST, Upstream } from './upstream.ts';

const RESOLVER_KEY = 'resolver/';

/** The one text of an address; a server's may name its interface: fe80::1%eth0. */
const canonical = (address: string): string => {
  const [ip = '', ...zone] = address.split('%');
  return [ipText(ipBytes(ip)), ...zone].join('%');
};

const random = (): (() => number) => {
  const pool = new Uint32Array(1024);
  let at = pool.length;
  return () => {
    if (at === pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    return pool[at++] as number;
  };
};

export interface NamesReport {
  readonly failed: ObjectFailure[];
  readonly recovered: string[];
}

export class NamesHost {
  readonly epoll = new Epoll();
  readonly timers = new Timers(() => performance.now());
  readonly #names = new Names();
  readonly #places: SandboxPlaces;
  readonly #upstream: Upstream;
  readonly #serving: Serving;
  /** Owners' keys in the tables, by the object's key. */
  readonly #owners = new Map<string, { readonly networkId: string; readonly owners: readonly string[] }>();
  /** By network. */
  readonly #zones = new Set<string>();
  readonly #resolvers = new Map<string, ResolverObject>();
  /** By sandbox. */
  readonly #sandboxes = new Map<string, Listener>();
  readonly #gateways: Gateways;
  /** Where the look at all sandboxes, some at a time, has come to. */
  #looking: IterableIterator<string> | undefined;
  /** What was said of objects that failed, by key. */
  readonly #said = new Map<string, string>();

  constructor(runDir: string) {
    this.#places = new SandboxPlaces(runDir);
    this.#upstream = new Upstream(this.epoll, (sandboxId) =>
      this.#sandboxes.get(sandboxId)?.isOpen === true ? this.#places.pathOf(sandboxId) : undefined,
    );
    const forwarder = new Forwarder(this.#upstream, this.timers, random());
    this.#serving = {
      epoll: this.epoll,
      timers: this.timers,
      forwarder,
      resolver: new Resolver(this.#names, forwarder),
      batch: new DatagramBatch(BATCH.count, BATCH.bytes),
      connections: 0,
    };
    this.#gateways = new Gateways(this.#serving);
  }

  /** Answers names of all networks at a place of the user's choice. Throws FaultError when it cannot be had. */
  openPublic(place: Place): void {
    this.#gateways.openPublic(place);
  }

  counters(): NamesCounters {
    const { resolver, forwarder } = this.#serving;
    const { silent, ...counters } = resolver.counters;
    const grown = Object.entries({ ...counters, malformed: counters.malformed + silent });
    const big = Object.fromEntries(grown.map(([name, count]) => [name, BigInt(count)]));
    return NamesCounters.fromPartial({ ...big, silentServers: forwarder.silentServers });
  }

  /** First what goes, then what comes; an object that cannot be taken fails alone. */
  apply(batch: NamesBatch): Outcome[] {
    const deleted = batch.delete.map((key): Outcome => {
      this.#delete(key);
      this.#said.delete(key);
      return { key };
    });
    const refused = new Map<string, FaultError>();
    for (const object of batch.put) {
      try {
        this.#put(object);
      } catch (error) {
        refused.set(object.key, faultOf(object.key, error));
      }
    }
    const put = batch.put.map(({ key }): Outcome => {
      const fault = refused.get(key) ?? this.#faultOf(key);
      if (fault === undefined) this.#said.delete(key);
      else this.#said.set(key, fault.message);
      return fault === undefined ? { key } : { key, fault: toMessage(fault) };
    });
    return [...deleted, ...put];
  }

  /** Where sandboxes are now. */
  take(states: readonly SandboxState[]): NamesReport {
    for (const state of states) {
      if (this.#places.take(state)) this.#leave(state.sandboxId);
      this.#openSandbox(state.sandboxId);
    }
    return this.#news(states.map(({ sandboxId }) => `${RESOLVER_KEY}${sandboxId}`));
  }

  /** Leaves namespaces that are gone, and tries again what failed. */
  look(): NamesReport {
    return this.#lookAt(this.#resolvers.keys());
  }

  /** The same for what failed and so many sandboxes that were not looked at lately. */
  lookOn(count: number): NamesReport {
    const due: string[] = [];
    while (due.length < count) {
      this.#looking ??= this.#resolvers.keys();
      const next = this.#looking.next();
      if (next.done === true) {
        this.#looking = undefined;
        break;
      }
      due.push(next.value);
    }
    for (const key of this.#said.keys()) if (key.startsWith(RESOLVER_KEY)) due.push(key.slice(RESOLVER_KEY.length));
    return this.#lookAt(due);
  }

  #lookAt(sandboxIds: Iterable<string>): NamesReport {
    // What failed may stand by now, whoever did it.
    const changed = [...this.#said.keys()];
    for (const sandboxId of sandboxIds) {
      const hasMoved = this.#places.hasMoved(sandboxId);
      if (!hasMoved && this.#sandboxes.get(sandboxId)?.isOpen === true) continue;
      if (hasMoved) this.#leave(sandboxId);
      this.#openSandbox(sandboxId);
      changed.push(`${RESOLVER_KEY}${sandboxId}`);
    }
    for (const id of this.#gateways.look()) changed.push(`zone/${id}`);
    return this.#news(changed);
  }

  close(): void {
    for (const sandboxId of this.#sandboxes.keys()) this.#leave(sandboxId);
    this.#gateways.close();
    this.epoll.close();
  }

  #put({ key, spec }: HostObject): void {
    switch (spec?.$case) {
      case 'names': {
        const { networkId } = spec.value;
        const entries = entriesOf(spec.value);
        const before = this.#owners.get(key)?.owners ?? [];
        for (const [owner, entry] of entries) this.#names.put(networkId, owner, entry);
        for (const owner of before) if (!entries.has(owner)) this.#names.delete(networkId, owner);
        this.#owners.set(key, { networkId, owners: [...entries.keys()] });
        return;
      }
      case 'zone':
        this.#putZone(spec.value);
        return;
      case 'resolver':
        this.#putResolver(spec.value);
        return;
      default:
        throw new TypeError('it is nothing of names');
    }
  }

  #delete(text: string): void {
    const { kind, identity } = parseKey(text);
    if (kind === 'names') {
      const { networkId, owners } = this.#owners.get(text) ?? { networkId: '', owners: [] };
      for (const owner of owners) this.#names.delete(networkId, owner);
      this.#owners.delete(text);
      this.#forgetEmpty(networkId);
    } else if (kind === 'zone') {
      this.#zones.delete(identity);
      this.#listen(identity, undefined);
      // What is on the network is its owners' to take back.
      if (this.#names.table(identity) !== undefined) this.#names.putNetwork(identity, { name: '', subnets: [] });
      this.#forgetEmpty(identity);
    } else if (kind === 'resolver') {
      this.#leave(identity);
      this.#sandboxes.delete(identity);
      this.#resolvers.delete(identity);
    } else if (kind === 'sandbox') {
      this.#leave(identity);
      this.#places.forget(identity);
    }
  }

  #forgetEmpty(networkId: string): void {
    if (this.#zones.has(networkId)) return;
    if (this.#names.table(networkId)?.owners.size === 0) this.#names.deleteNetwork(networkId);
  }

  #putZone(zone: ZoneObject): void {
    const listen = [...new Set(zone.listen.map(canonical))];
    this.#zones.add(zone.networkId);
    this.#names.putNetwork(zone.networkId, { name: zone.name, subnets: zone.subnets });
    this.#listen(zone.networkId, { listen, subnets: zone.subnets, servers: zone.servers.map(canonical) });
  }

  /** The addresses at which a network's names are answered; whom sandboxes may ask depends on which servers are weft's own. */
  #listen(networkId: string, zone: Zone | undefined): void {
    if (!this.#gateways.set(networkId, zone)) return;
    for (const [sandboxId, listener] of this.#sandboxes) {
      const resolver = this.#resolvers.get(sandboxId);
      if (resolver !== undefined) listener.viewpoint = this.#viewpointOf(resolver);
    }
  }

  #viewpointOf({ sandboxId, networks, servers, serversInSandbox, internal, ndots }: ResolverObject): Viewpoint {
    const via = serversInSandbox ? sandboxId : HOST;
    const asked = servers.map((address) => ({ address: canonical(address), port: DNS_PORT, via }));
    return makeViewpoint({
      networks: networks.map(({ networkId: id, links }) => ({ id, links })),
      isInternal: internal,
      forwarders: makeForwarders(asked, ({ address }) => this.#gateways.has(address)),
      ...(ndots > 0 ? { ndots } : {}),
    });
  }

  #putResolver(resolver: ResolverObject): void {
    const { sandboxId } = resolver;
    const viewpoint = this.#viewpointOf(resolver);
    this.#resolvers.set(sandboxId, resolver);
    const listener = this.#sandboxes.get(sandboxId) ?? new Listener(this.#serving, RESOLVER, viewpoint);
    listener.viewpoint = viewpoint;
    this.#sandboxes.set(sandboxId, listener);
    this.#openSandbox(sandboxId);
  }

  /** Opens what is not; without a namespace there is nothing to listen in, and nothing wrong here. */
  #openSandbox(sandboxId: string): void {
    const path = this.#places.pathOf(sandboxId);
    if (path !== undefined) this.#sandboxes.get(sandboxId)?.open(path);
  }

  /** Closes all that is open in a sandbox's namespace. */
  #leave(sandboxId: string): void {
    this.#sandboxes.get(sandboxId)?.close();
    this.#upstream.leave(sandboxId);
  }

  #faultOf(key: string): FaultError | undefined {
    const { kind, identity } = parseKey(key);
    const fault =
      kind === 'resolver'
        ? this.#sandboxes.get(identity)?.fault
        : kind === 'zone'
          ? this.#gateways.faultOf(identity)
          : undefined;
    return fault && new FaultError(fault.reason, `${key}: ${fault.message}`, fault.metadata, fault);
  }

  /** What has changed of these since it was last said. */
  #news(keys: readonly string[]): NamesReport {
    const report: NamesReport = { failed: [], recovered: [] };
    for (const key of keys) {
      const fault = this.#faultOf(key);
      const said = this.#said.get(key);
      if (fault === undefined) {
        if (this.#said.delete(key)) report.recovered.push(key);
      } else if (said !== fault.message) {
        this.#said.set(key, fault.message);
        report.failed.push({ key, fault: toMessage(fault) });
      }
    }
    return report;
  }
}
