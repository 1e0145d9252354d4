// The way of the first packet of a connection, from where it is made to where it arrives. Pure.
import { runChain } from './chain.ts';
import { type Bridge, hasAddress, type Interface, isLoopback } from './ground.ts';
import { type Packet, somewhere, uplink } from './packet.ts';
import { apartFromHost, type Parent, passes } from './parent.ts';
import type { Arrival, Place, Question } from './question.ts';
import type { HostView, Trail } from './trail.ts';

export const placeName = ({ words }: HostView, place: Place): string =>
  place.at === 'sandbox' ? words.sandbox(place.id) : place.at;

/** Follows a packet; undefined when the trail stops. */
export function follow(view: HostView, trail: Trail, question: Question): Arrival | undefined {
  return new Way(view, trail, question).go();
}

class Way {
  readonly #view: HostView;
  readonly #trail: Trail;
  readonly #question: Question;
  #packet: Packet;
  #masked = false;

  constructor(view: HostView, trail: Trail, question: Question) {
    this.#view = view;
    this.#trail = trail;
    this.#question = question;
    const { family, protocol, port, destination } = question;
    this.#packet = {
      family,
      protocol,
      port,
      destination,
      source: somewhere.outside,
      iif: '',
      oif: '',
      isLocal: false,
      mark: 0,
      established: false,
      translated: false,
    };
  }

  go(): Arrival | undefined {
    const { from } = this.#question;
    if (from.at === 'sandbox') return this.#leaveSandbox(from.id);
    if (from.at === 'host') return this.#leaveHost();
    if (isLoopback(this.#packet.destination)) {
      const says = `${this.#packet.destination} is another machine's own: it never leaves that`;
      return this.#stop({ place: 'outside', says });
    }
    const holder = this.#view.ground.holder(this.#packet.destination);
    if (holder?.parent !== undefined) {
      const says = `${this.#packet.destination} is on the network behind ${holder.parent.name}, which is reached without this host: weft does not know whether another machine is there`;
      return this.#stop({ place: 'outside', says, object: holder.object });
    }
    return this.#enterHost(uplink);
  }

  #stop(said: Parameters<Trail['stop']>[0]): undefined {
    this.#trail.stop(said);
    return undefined;
  }

  #host(chain = ''): string {
    return `host ${this.#view.words.host}${chain === '' ? '' : `, chain ${chain}`}`;
  }

  #arrive(place: Place, passedHost = true): Arrival {
    const { destination: address, port, source, iif, translated } = this.#packet;
    return { place, address, port, source, iif, translated, masked: this.#masked, passedHost };
  }

  #leaveSandbox(id: string): Arrival | undefined {
    const { ground, words } = this.#view;
    const { destination, family } = this.#packet;
    const name = words.sandbox(id);
    const place = `sandbox ${name}`;
    if (!this.#trail.relies(`sandbox/${id}`)) return undefined;
    const interfaces = ground.interfaces(id);
    if (isLoopback(destination) || interfaces.some((one) => hasAddress(one, destination))) {
      this.#packet = { ...this.#packet, source: destination };
      this.#trail.pass({ place, says: `${destination} is an address of ${name} itself` });
      return this.#arrive({ at: 'sandbox', id }, false);
    }
    if (interfaces.length === 0) return this.#stop({ place, says: `${name} is on no network` });
    const onLink = ground.onLinkOf(id, destination);
    const route = onLink === undefined ? ground.route(id, destination, family) : undefined;
    const iface = onLink?.iface ?? interfaces.find((one) => one.name === route?.interfaceName);
    if (iface === undefined) {
      const says = `${name} has no route to ${this.#asked()}: none of its networks leads there`;
      return this.#stop({ place, says, cause: { of: 'no route', sandboxId: id, family } });
    }
    const nextHop = route?.gateway || destination;
    const source =
      onLink?.source ??
      ground.onLinkOf(id, nextHop)?.source ??
      iface.addresses.find(({ address }) => address.family === family)?.text;
    if (source === undefined) {
      return this.#stop({ place, says: `${name} has no IPv${family} address`, object: iface.object });
    }
    this.#packet = { ...this.#packet, source };
    const network = words.network(iface.bridge);
    const by = iface.parent === undefined ? `network ${network}` : `the network behind ${iface.parent.name}`;
    const says =
      route === undefined
        ? `${destination} is on ${by}: ${name} sends straight to it, by ${iface.name}`
        : `${name} sends it to the gateway ${nextHop} of ${by}, by ${iface.name}`;
    const cause =
      route === undefined
        ? ({ of: 'interface', object: iface.object } as const)
        : ({ of: 'gateway', sandboxId: id, interfaceName: iface.name } as const);
    if (!this.#trail.relies(iface.object)) return undefined;
    if (!this.#trail.pass({ place, says, object: route?.object ?? iface.object, cause })) return undefined;
    if (iface.parent !== undefined) return this.#onParent(iface, iface.parent, nextHop, Boolean(route?.gateway));
    return this.#onBridge(iface, nextHop, route !== undefined);
  }

  #onBridge(from: Interface, nextHop: string, isGateway: boolean): Arrival | undefined {
    const { ground, words } = this.#view;
    const place = `network ${words.network(from.bridge)}`;
    const bridge = ground.bridges.get(from.bridge);
    if (bridge !== undefined && !this.#trail.relies(bridge.object)) return undefined;
    if (bridge !== undefined && hasAddress(bridge, nextHop)) return this.#enterHost(bridge.name);
    if (isGateway) {
      const says = `the gateway ${nextHop} is not the host: weft does not know where it sends packets`;
      const cause = { of: 'no address', bridge: from.bridge, family: this.#packet.family } as const;
      return this.#stop({ place, says, object: bridge?.object, cause });
    }
    const to = ground.holder(nextHop, from.bridge);
    if (to === undefined) {
      return this.#stop({ place, says: `nobody has the address ${nextHop} there`, object: bridge?.object });
    }
    return this.#switch(from, to, place);
  }

  /** Among those made on one interface of the host, and what is behind it. */
  #onParent(from: Interface, parent: Parent, nextHop: string, isGateway: boolean): Arrival | undefined {
    const { ground, words } = this.#view;
    const place = `interface ${parent.name}`;
    const [object, cause] = [from.object, { of: 'interface', object: from.object } as const];
    const to = ground.holder(nextHop, from.bridge);
    if (to?.parent === undefined || isGateway) {
      if (ground.isLocal(nextHop)) {
        return this.#stop({ place, says: apartFromHost(parent, words.sandbox(from.sandboxId)), object, cause });
      }
      const who = isGateway ? `the gateway ${nextHop}` : nextHop;
      const says = `${who} is a machine behind ${parent.name}, if any: weft does not know what becomes of it there`;
      return this.#stop({ place, says, object, cause });
    }
    if (!this.#trail.relies(`sandbox/${to.sandboxId}`) || !this.#trail.relies(to.object)) return undefined;
    const found = passes(parent, to.parent, words.sandbox(from.sandboxId), words.sandbox(to.sandboxId));
    if (!found.passes) return this.#stop({ place, says: found.says, object, cause });
    if (!this.#trail.pass({ place, says: found.says, object, cause })) return undefined;
    this.#trail.because = found.says;
    return this.#arrive({ at: 'sandbox', id: to.sandboxId }, false);
  }

  /** From port to port of a bridge. */
  #switch(from: Interface, to: Interface, place: string): Arrival | undefined {
    const { ground, words } = this.#view;
    if (!this.#trail.relies(`sandbox/${to.sandboxId}`) || !this.#trail.relies(to.object)) return undefined;
    const [a, b] = [words.sandbox(from.sandboxId), words.sandbox(to.sandboxId)];
    const packet = { ...this.#packet, iif: from.bridge, oif: from.bridge, oifKind: 'bridge' };
    const { ruling } = runChain('forward', packet, ground.sets);
    const rule = { rule: ruling?.rule.nft, object: ruling?.objects.at(-1) };
    const cause = { of: 'isolation', bridge: from.bridge } as const;
    if (from.isolated && to.isolated) {
      const says = `${words.network(from.bridge)} keeps its sandboxes from each other: ${a} and ${b} are isolated ports of its bridge`;
      return this.#stop({ place, says, object: from.object, rule: rule.rule, cause });
    }
    const says = `the bridge switches it from ${a} to ${b}: the sandboxes of the network talk to each other`;
    if (!this.#trail.pass({ place, says, ...rule, cause })) return undefined;
    this.#trail.because = `${a} and ${b} are on network ${words.network(from.bridge)}, whose sandboxes talk to each other`;
    return this.#arrive({ at: 'sandbox', id: to.sandboxId }, false);
  }

  /** What comes to the host by an interface. */
  #enterHost(iif: string): Arrival | undefined {
    const { ground } = this.#view;
    const { destination } = this.#packet;
    // What another machine sends here is for a network of the host's, or for the host by an address that HostState lacks.
    const isHosts =
      iif === uplink && ground.bridgeTo(destination) === undefined && ground.holder(destination) === undefined;
    this.#packet = { ...this.#packet, iif, isLocal: isHosts || ground.isLocal(destination) };
    const raw = runChain('raw', this.#packet, ground.sets);
    if (raw.ruling !== undefined && !this.#trail.rule(this.#host('raw'), raw.ruling, this.#packet)) return undefined;
    if (!this.#translate('prerouting')) return undefined;
    return this.#packet.isLocal ? this.#atHost() : this.#forward();
  }

  /** What the host itself sends. */
  #leaveHost(): Arrival | undefined {
    const { ground } = this.#view;
    const { destination } = this.#packet;
    const isLocal = ground.isLocal(destination);
    const source = isLocal ? destination : (ground.bridgeTo(destination)?.source ?? somewhere.host);
    this.#packet = { ...this.#packet, source, isLocal };
    if (!this.#translate('output')) return undefined;
    if (this.#packet.isLocal) return this.#atHost();
    const bridge = this.#nextBridge();
    if (this.#trail.stopped) return undefined;
    if (isLoopback(source) && bridge !== undefined && !(this.#packet.family === 4 && bridge.routeLocalnet)) {
      const says = `what comes from ${source} may not leave by ${bridge.name}, so the port is not reached by the loopback: ask for another address of the host`;
      return this.#stop({
        place: this.#host(),
        says,
        object: bridge.object,
      });
    }
    this.#packet = { ...this.#packet, oif: bridge?.name ?? uplink, oifKind: bridge && 'bridge' };
    return this.#leave(bridge);
  }

  /** A published port changes the destination. */
  #translate(chain: 'prerouting' | 'output'): boolean {
    const { ground, words } = this.#view;
    const { ruling } = runChain(chain, this.#packet, ground.sets);
    if (ruling?.action.does !== 'dnat') return true;
    const { address, port = this.#packet.port } = ruling.action;
    const object = ruling.objects.at(-1) ?? '';
    const to = ground.holder(address);
    const says = `port ${this.#packet.port} is published: it leads to ${to === undefined ? 'nobody' : words.sandbox(to.sandboxId)} at ${address}, port ${port}`;
    const place = this.#host(ruling.chain);
    const isThere = this.#trail.pass({ place, says, object, rule: ruling.rule.nft, cause: { of: 'port', object } });
    const isLocal = ground.isLocal(address);
    this.#packet = { ...this.#packet, destination: address, port, isLocal, translated: true };
    if (isThere) this.#trail.because = says;
    return isThere;
  }

  #atHost(): Arrival | undefined {
    const { ground } = this.#view;
    const { destination, family, port, protocol } = this.#packet;
    const elsewhere = [...new Set(ground.heldOn(`${protocol}/${port}`, family))];
    if (destination === '::1' && elsewhere.includes('::')) {
      const says = `port ${port} is published, and the kernel cannot redirect ::1: ask for 127.0.0.1 or another address of the host`;
      return this.#stop({ place: this.#host('publish'), says, object: `port/${protocol}/::/${port}` });
    }
    const to = destination === somewhere.host ? 'the host' : `${destination}, which is the host's own`;
    const says =
      elsewhere.length === 0
        ? `it arrives at ${to}`
        : `it arrives at ${to}: port ${port} is published on ${elsewhere.join(', ')}, not there`;
    this.#trail.pass({ place: this.#host(), says });
    this.#trail.because = says;
    return this.#arrive({ at: 'host' });
  }

  /** The bridge to the destination; undefined when it is beyond the host, or when the trail stops. */
  #nextBridge(): Bridge | undefined {
    const { ground, words } = this.#view;
    const { destination, family } = this.#packet;
    const bridge = ground.bridgeTo(destination)?.bridge;
    const holder = ground.holder(destination);
    if (bridge === undefined && holder?.parent !== undefined) {
      const says = apartFromHost(holder.parent, words.sandbox(holder.sandboxId));
      const cause = { of: 'interface', object: holder.object } as const;
      this.#trail.stop({ place: this.#host(), says, object: holder.object, cause });
    } else if (bridge === undefined && holder !== undefined) {
      const says = `the host has no IPv${family} address in network ${words.network(holder.bridge)}: it does not know the way to ${destination}`;
      this.#trail.stop({
        place: this.#host(),
        says,
        object: `bridge/${holder.bridge}`,
        cause: { of: 'no address', bridge: holder.bridge, family },
      });
    }
    return bridge;
  }

  #forward(): Arrival | undefined {
    const { ground } = this.#view;
    const { family } = this.#packet;
    const bridge = this.#nextBridge();
    if (this.#trail.stopped) return undefined;
    const sysctl = family === 4 ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding';
    if (!this.#trail.relies(`sysctl/${sysctl}`)) return undefined;
    this.#packet = { ...this.#packet, oif: bridge?.name ?? uplink, oifKind: bridge && 'bridge' };
    this.#packet = { ...this.#packet, mark: runChain('marking', this.#packet, ground.sets).mark };
    const { ruling, mark } = runChain('forward', this.#packet, ground.sets);
    this.#packet = { ...this.#packet, mark };
    if (ruling !== undefined) {
      const says = ruling.rule.id === 'isolation' ? this.#keptApart() : ruling.rule.says;
      if (!this.#trail.rule(this.#host('forward'), ruling, this.#packet, says)) return undefined;
      if (!this.#packet.translated) this.#trail.because = says;
    } else {
      const says = bridge === undefined ? 'no rule holds back what leaves for the world' : 'no rule holds it back';
      this.#trail.pass({ place: this.#host('forward'), says });
      this.#trail.because = says;
    }
    return this.#leave(bridge);
  }

  /** The rule that drops all else, in the words of this packet. */
  #keptApart(): string {
    const { words } = this.#view;
    const { iif, oif, protocol, port } = this.#packet;
    const to = words.network(oif);
    const what = protocol === 'icmp' ? 'an echo request' : `${protocol} port ${port}`;
    if (iif === uplink) return `nothing lets ${what} into network ${to}: from outside only published ports are reached`;
    return `networks ${words.network(iif)} and ${to} are kept apart, and nothing lets ${what} through`;
  }

  /** Out by the bridge, or to the world. */
  #leave(bridge: Bridge | undefined): Arrival | undefined {
    const { ground, words } = this.#view;
    const { ruling } = runChain('postrouting', this.#packet, ground.sets);
    if (ruling !== undefined) {
      if (!this.#trail.rule(this.#host('postrouting'), ruling, this.#packet)) return undefined;
      const own = ground.bridgeTo(this.#packet.destination)?.source ?? somewhere.host;
      const source = ruling.action.does === 'snat' ? ruling.action.address : own;
      this.#packet = { ...this.#packet, source };
      this.#masked = true;
    }
    const { destination } = this.#packet;
    if (bridge === undefined) {
      this.#trail.pass({ place: this.#host(), says: `it leaves for ${this.#asked()}` });
      return this.#arrive({ at: 'outside' });
    }
    if (!this.#trail.relies(bridge.object)) return undefined;
    const to = ground.holder(destination, bridge.name);
    const place = `network ${words.network(bridge.name)}`;
    if (to === undefined)
      return this.#stop({ place, says: `nobody has the address ${destination} there`, object: bridge.object });
    if (!this.#trail.relies(`sandbox/${to.sandboxId}`)) return undefined;
    const name = words.sandbox(to.sandboxId);
    const says = `the bridge hands it to ${name}`;
    if (!this.#trail.pass({ place, says, object: to.object, cause: { of: 'interface', object: to.object } }))
      return undefined;
    if (this.#trail.because === '') this.#trail.because = `the host is on network ${words.network(bridge.name)} itself`;
    return this.#arrive({ at: 'sandbox', id: to.sandboxId });
  }

  #asked(): string {
    const { destination } = this.#packet;
    if (destination === somewhere.host) return 'the host';
    return destination === somewhere.outside ? 'the world' : destination;
  }
}
