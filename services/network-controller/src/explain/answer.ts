// The way back: an answer must come to who asked, and from the address that was asked. Pure.
import { runChain } from './chain.ts';
import { hasAddress, type Interface } from './ground.ts';
import { type Packet, somewhere, uplink } from './packet.ts';
import type { Arrival, Place, Question } from './question.ts';
import type { HostView, Trail } from './trail.ts';
import { placeName } from './way.ts';

/** Follows the answer of who was reached; false when the trail stops. */
export function answer(view: HostView, trail: Trail, question: Question, reached: Arrival): boolean {
  return new Answer(view, trail, question, reached).go();
}

class Answer {
  readonly #view: HostView;
  readonly #trail: Trail;
  readonly #question: Question;
  readonly #reached: Arrival;

  constructor(view: HostView, trail: Trail, question: Question, reached: Arrival) {
    this.#view = view;
    this.#trail = trail;
    this.#question = question;
    this.#reached = reached;
  }

  go(): boolean {
    const { place, source } = this.#reached;
    const { from } = this.#question;
    if (place.at === 'sandbox') return this.#fromSandbox(place.id);
    if (from.at !== 'sandbox') return true;
    if (place.at === 'host') {
      if (this.#view.ground.bridgeTo(source) !== undefined) return this.#home('');
      return this.#trail.stop({ place: this.#host(), says: `the host has no way back to ${source}` });
    }
    if (this.#reached.masked) return this.#through(uplink);
    const asker = placeName(this.#view, from);
    const says = `${asker} keeps its own address ${source}: an answer comes back only if the world knows that ${source} is behind this host`;
    this.#trail.pass({ place: 'outside', says });
    return this.#through(uplink);
  }

  #host(chain = ''): string {
    return `host ${this.#view.words.host}${chain === '' ? '' : `, chain ${chain}`}`;
  }

  #fromSandbox(id: string): boolean {
    const { ground, words } = this.#view;
    const { source, translated } = this.#reached;
    const { from, family } = this.#question;
    const name = words.sandbox(id);
    const place = `sandbox ${name}`;
    const isSelf = from.at === 'sandbox' && from.id === id;
    if (isSelf && !translated) return true;
    const own = ground.interfaces(id).find((one) => hasAddress(one, source));
    if (own !== undefined) {
      const says = `${name} gets a packet from its own address ${source} and drops it`;
      return this.#trail.stop({ place, says, object: own.object });
    }
    const onLink = ground.onLinkOf(id, source);
    const route = onLink === undefined ? ground.route(id, source, family) : undefined;
    const iface = onLink?.iface ?? ground.interfaces(id).find((one) => one.name === route?.interfaceName);
    if (iface === undefined) {
      const to = source === somewhere.outside ? 'the world' : source;
      const cause = { of: 'no route', sandboxId: id, family } as const;
      return this.#trail.stop({ place, says: `${name} has no route back to ${to}: it cannot answer`, cause });
    }
    if (route !== undefined && !this.#trail.relies(route.object)) return false;
    const nextHop = route?.gateway || source;
    const bridge = ground.bridges.get(iface.bridge);
    if (bridge !== undefined && hasAddress(bridge, nextHop)) return this.#through(bridge.name);
    const asker = from.at === 'sandbox' ? ground.holder(nextHop, iface.bridge) : undefined;
    if (route !== undefined || asker === undefined) {
      const says = `${name} answers by ${nextHop}, which is not the host: weft does not know whether that comes back`;
      return this.#trail.stop({ place, says, object: route?.object ?? iface.object });
    }
    return this.#direct(iface, asker, place);
  }

  /** The answer does not pass the host. */
  #direct(iface: Interface, asker: Interface, place: string): boolean {
    const { words } = this.#view;
    const [b, a] = [words.sandbox(iface.sandboxId), words.sandbox(asker.sandboxId)];
    if (this.#reached.translated) {
      const says = `${b} answers ${a} directly and not from the address that was asked: ${a} does not know the answer`;
      return this.#trail.stop({ place, says, object: iface.object });
    }
    if (iface.isolated && asker.isolated) {
      const says = `the answer stops at the bridge: ${b} and ${a} are isolated ports of it`;
      const cause = { of: 'isolation', bridge: iface.bridge } as const;
      return this.#trail.stop({ place, says, object: iface.object, cause });
    }
    return true;
  }

  /** The answer comes to the host by an interface, which knows the connection. */
  #through(iif: string): boolean {
    const { ground } = this.#view;
    const { from, family, protocol } = this.#question;
    const { address, translated, iif: asked } = this.#reached;
    const oif = from.at === 'host' ? '' : asked;
    const destination = from.at === 'sandbox' ? this.#reached.source : somewhere.outside;
    const packet: Packet = {
      family,
      protocol,
      // A port of the asker's own choosing: none that a rule names.
      port: 0,
      source: address,
      destination,
      iif,
      oif,
      oifKind: oif === uplink ? undefined : 'bridge',
      isLocal: from.at === 'host' || this.#reached.masked,
      mark: 0,
      established: true,
      translated,
    };
    const raw = runChain('raw', packet, ground.sets);
    if (raw.ruling !== undefined && !this.#trail.rule(this.#host('raw'), raw.ruling, packet)) return false;
    if (oif === '') return this.#home(iif);
    const { ruling } = runChain('forward', { ...packet, isLocal: false }, ground.sets);
    if (ruling !== undefined && ruling.action.does === 'drop') {
      return this.#trail.rule(this.#host('forward'), ruling, packet, `the answer: ${ruling.rule.says}`);
    }
    return this.#home(iif, ruling);
  }

  #home(iif: string, ruling?: Parameters<Trail['rule']>[1]): boolean {
    const { from, family } = this.#question;
    const asker: Place = from;
    const says = `the answer comes back to ${placeName(this.#view, asker)}`;
    const place = this.#host(ruling === undefined ? '' : 'forward');
    if (ruling === undefined) return this.#trail.pass({ place, says });
    return this.#trail.rule(place, ruling, { family, iif, oif: this.#reached.iif }, says);
  }
}
