// What a host has, as a packet meets it: interfaces of sandboxes, bridges, routes, addresses. Read from HostState. Pure.
import {
  type Address,
  containsAddress,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefixOf,
  sameAddress,
} from '@weft/address';
import { type HostObject, protocolWord } from '@weft/hoststate';
import { somewhere } from './packet.ts';
import { type Parent, parentOf, segmentOf } from './parent.ts';
import { type Sets, setsOf } from './sets.ts';

/** An address with the subnet it makes reachable. */
interface OnLink {
  readonly text: string;
  readonly address: Address;
  readonly prefix: Prefix;
}

export interface Interface {
  /** The key of its object. */
  readonly object: string;
  readonly name: string;
  readonly sandboxId: string;
  readonly endpointId: string;
  /** What it is on: a bridge, or the segment of its parent. */
  readonly bridge: string;
  /** Of an interface that is made on one of the host's. */
  readonly parent?: Parent;
  readonly isolated: boolean;
  readonly addresses: readonly OnLink[];
}

export interface Bridge {
  readonly object: string;
  readonly name: string;
  readonly addresses: readonly OnLink[];
  readonly routeLocalnet: boolean;
}

export interface Route {
  readonly object: string;
  readonly destination: Prefix;
  readonly gateway: string;
  readonly interfaceName: string;
}

export type Family = 4 | 6;
export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4);

function onLink(cidr: string): OnLink[] {
  const [text = '', length = ''] = cidr.split('/');
  const address = parseAddress(text);
  const prefix = address && prefixOf(address, Number(length));
  return address === undefined || prefix === undefined ? [] : [{ text, address, prefix }];
}

const isLoopback = (address: string) => address === '::1' || address.startsWith('127.');

/** The one whose subnet holds the address; the longest subnet wins. */
function closest<T extends { readonly addresses: readonly OnLink[] }>(
  places: Iterable<T>,
  to: string,
): { place: T; by: OnLink } | undefined {
  const address = parseAddress(to);
  if (address === undefined) return undefined;
  return [...places]
    .flatMap((place) => place.addresses.map((by) => ({ place, by })))
    .filter(({ by }) => containsAddress(by.prefix, address))
    .toSorted((a, b) => b.by.prefix.length - a.by.prefix.length)[0];
}

const has = ({ addresses }: { readonly addresses: readonly OnLink[] }, text: string): boolean => {
  const address = parseAddress(text);
  return address !== undefined && addresses.some((one) => sameAddress(one.address, address));
};

export class Ground {
  readonly sets: Sets;
  readonly bridges = new Map<string, Bridge>();
  readonly #interfaces: Interface[] = [];
  readonly #routes = new Map<string, Route[]>();
  readonly #own: readonly Address[];
  readonly #held: { readonly hostIp: string; readonly service: string }[] = [];

  /** @param addresses the host's own beside those that weft gave it */
  constructor(objects: readonly HostObject[], addresses: readonly string[] = []) {
    this.#own = addresses.flatMap((one) => parseAddress(one) ?? []);
    this.sets = setsOf(objects);
    for (const { key: object, spec } of objects) {
      if (spec?.$case === 'bridge') {
        const { name, routeLocalnet, addresses } = spec.value;
        this.bridges.set(name, { object, name, routeLocalnet, addresses: addresses.flatMap(onLink) });
      } else if (spec?.$case === 'veth') {
        this.#interfaces.push({ object, ...spec.value, addresses: spec.value.addresses.flatMap(onLink) });
      } else if (spec?.$case === 'subinterface') {
        const parent = parentOf(spec.value);
        const addresses = spec.value.addresses.flatMap(onLink);
        this.#interfaces.push({ object, ...spec.value, parent, bridge: segmentOf(parent), isolated: false, addresses });
      } else if (spec?.$case === 'route') {
        const { sandboxId, destination, gateway, interfaceName } = spec.value;
        const prefix = parsePrefix(destination);
        if (prefix === undefined) continue;
        const route = { object, destination: prefix, gateway, interfaceName };
        this.#routes.set(sandboxId, [...(this.#routes.get(sandboxId) ?? []), route]);
      } else if (spec?.$case === 'port') {
        const { hostIp, protocol, hostPort } = spec.value;
        this.#held.push({ hostIp, service: `${protocolWord(protocol)}/${hostPort}` });
      }
    }
  }

  interfaces(sandboxId: string): Interface[] {
    return this.#interfaces.filter((one) => one.sandboxId === sandboxId);
  }

  /** Who holds an address on a bridge; on any if none is named. */
  holder(address: string, bridge?: string): Interface | undefined {
    return this.#interfaces.find((one) => has(one, address) && (bridge === undefined || one.bridge === bridge));
  }

  /** The sandbox's own interface in whose subnet the address lies, with its address there. */
  onLinkOf(sandboxId: string, address: string): { iface: Interface; source: string } | undefined {
    const found = closest(this.interfaces(sandboxId), address);
    return found && { iface: found.place, source: found.by.text };
  }

  /** The sandbox's route to an address that is on no subnet of its own; anywhere beyond the host is met by the default route. */
  route(sandboxId: string, address: string, family: Family): Route | undefined {
    const parsed = parseAddress(address);
    return (this.#routes.get(sandboxId) ?? [])
      .filter(({ destination }) =>
        parsed === undefined
          ? destination.length === 0 && destination.family === family
          : containsAddress(destination, parsed),
      )
      .toSorted((a, b) => b.destination.length - a.destination.length)[0];
  }

  /** The bridge by which the host reaches an address, with the host's own there. */
  bridgeTo(address: string): { bridge: Bridge; source: string } | undefined {
    const found = closest(this.bridges.values(), address);
    return found && { bridge: found.place, source: found.by.text };
  }

  /** The address is the host's own, as far as HostState tells. */
  isLocal(address: string): boolean {
    if (address === somewhere.host || isLoopback(address)) return true;
    const parsed = parseAddress(address);
    if (parsed !== undefined && this.#own.some((one) => sameAddress(one, parsed))) return true;
    return (
      [...this.bridges.values()].some((bridge) => has(bridge, address)) ||
      this.#held.some(({ hostIp }) => hostIp === address)
    );
  }

  /** The host addresses on which a port is held: 0.0.0.0 and :: for all. @param service "tcp/80" */
  heldOn(service: string, family: Family): string[] {
    return this.#held
      .filter((one) => one.service === service && familyOf(one.hostIp) === family)
      .map((one) => one.hostIp);
  }
}

export { has as hasAddress, isLoopback };
