// Port 53 on the host: on networks' gateways for who is on the network, and at an address of the user's choice for everyone who
// reaches it. On gateways the host's servers are asked for the rest, save for internal networks; there, and at the public address, what
// is not ours is refused, and asked of nobody.
import { addressFromBytes, containsAddress, type Prefix, parsePrefix } from '@weft/address';
import { type ForwarderSet, makeForwarders, makeViewpoint, type Viewpoint } from '@weft/dns';
import type { FaultError } from '@weft/fault';
import { Listener, type Place } from './listener.ts';
import { DNS_PORT } from './places.ts';
import type { Serving } from './serving.ts';
import { HOST } from './upstream.ts';

const nobody = makeForwarders([], () => false);

const viewpointOn = (networks: Iterable<string>, isQualified: boolean, forwarders: ForwarderSet): Viewpoint =>
  makeViewpoint({
    networks: [...networks].map((id) => ({ id })),
    isInternal: false,
    forwarders,
    isQualified,
    refusesOthers: forwarders.servers.length === 0,
  });

/** Who may ask, and whom the host asks for them. */
interface Rights {
  /** Who asks from elsewhere is not answered. */
  readonly subnets: readonly Prefix[];
  readonly servers: readonly string[];
}

interface Gateway {
  readonly listener: Listener;
  /** The networks whose names are answered there. */
  readonly networks: Map<string, Rights>;
}

export interface Zone {
  /** Addresses of the host, in canonical text. */
  readonly listen: readonly string[];
  /** As CIDR. */
  readonly subnets: readonly string[];
  /** Whom the host asks for the rest, in canonical text. */
  readonly servers: readonly string[];
}

export class Gateways {
  readonly #serving: Serving;
  readonly #zones = new Map<string, Zone>();
  readonly #byAddress = new Map<string, Gateway>();
  #public: Listener | undefined;

  constructor(serving: Serving) {
    this.#serving = serving;
  }

  /** Sets where a network's names are answered, undefined for nowhere. True when the addresses are others than before. */
  set(networkId: string, zone: Zone | undefined): boolean {
    const before = this.#zones.get(networkId)?.listen ?? [];
    const after = zone?.listen ?? [];
    if (zone === undefined) this.#zones.delete(networkId);
    else this.#zones.set(networkId, zone);
    for (const address of before) if (!after.includes(address)) this.#leave(networkId, address);
    const subnets = (zone?.subnets ?? []).map(parsePrefix).filter((prefix) => prefix !== undefined);
    for (const address of after) this.#join(networkId, address, { subnets, servers: zone?.servers ?? [] });
    if (this.#public !== undefined) this.#public.viewpoint = viewpointOn(this.#zones.keys(), true, nobody);
    return before.join() !== after.join();
  }

  /** Whether it is an address of ours: whoever is asked there is ourselves. */
  has(address: string): boolean {
    return this.#byAddress.has(address);
  }

  /** Answers `name.network` of all networks at a place of the user's choice. Throws FaultError when it cannot be had. */
  openPublic(place: Place): void {
    this.#public = new Listener(this.#serving, place, viewpointOn(this.#zones.keys(), true, nobody));
    this.#public.open(undefined);
    if (this.#public.fault !== undefined) throw this.#public.fault;
  }

  /** Tries again what could not be had; returns the networks it is about. */
  look(): string[] {
    const closed = [...this.#byAddress.values()].filter(({ listener }) => !listener.isOpen);
    for (const { listener } of closed) listener.open(undefined);
    return closed.flatMap(({ networks }) => [...networks.keys()]);
  }

  /** What keeps a network from being answered at all its addresses. */
  faultOf(networkId: string): FaultError | undefined {
    const addresses = this.#zones.get(networkId)?.listen ?? [];
    return addresses.map((one) => this.#byAddress.get(one)?.listener.fault).find((fault) => fault !== undefined);
  }

  close(): void {
    for (const { listener } of this.#byAddress.values()) listener.close();
    this.#public?.close();
  }

  #viewpointAt(networks: Gateway['networks']): Viewpoint {
    const servers = [...networks.values()].flatMap((one) => one.servers);
    const asked = servers.map((address) => ({ address, port: DNS_PORT, via: HOST }));
    return viewpointOn(
      networks.keys(),
      false,
      makeForwarders(asked, (server) => this.has(server.address)),
    );
  }

  #join(networkId: string, address: string, rights: Rights): void {
    const place = { address, port: DNS_PORT };
    const gateway = this.#byAddress.get(address) ?? {
      listener: new Listener(this.#serving, place, viewpointOn([], false, nobody)),
      networks: new Map<string, Rights>(),
    };
    const { listener, networks } = gateway;
    networks.set(networkId, rights);
    // BEFORE its viewpoint: the address may be one of the servers, its own.
    const isNew = !this.has(address);
    this.#byAddress.set(address, gateway);
    listener.viewpoint = this.#viewpointAt(networks);
    if (isNew) this.#remakeThoseThatAsk(address);
    listener.serves = (from) => {
      const asker = addressFromBytes(from);
      if (asker === undefined) return false;
      for (const { subnets } of networks.values())
        if (subnets.some((subnet) => containsAddress(subnet, asker))) return true;
      return false;
    };
    listener.open(undefined);
  }

  #leave(networkId: string, address: string): void {
    const gateway = this.#byAddress.get(address);
    if (gateway === undefined) return;
    gateway.networks.delete(networkId);
    gateway.listener.viewpoint = this.#viewpointAt(gateway.networks);
    if (gateway.networks.size > 0) return;
    gateway.listener.close();
    this.#byAddress.delete(address);
    this.#remakeThoseThatAsk(address);
  }

  /** It has become ours, whom nobody asks, or has ceased to be. */
  #remakeThoseThatAsk(address: string): void {
    for (const { listener, networks } of this.#byAddress.values()) {
      const asks = [...networks.values()].some(({ servers }) => servers.includes(address));
      if (asks) listener.viewpoint = this.#viewpointAt(networks);
    }
  }
}
