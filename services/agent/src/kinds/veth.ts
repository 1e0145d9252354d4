// Veth pairs: the host end is a port of a bridge, the other end an interface of a sandbox. The pair is made down; the port's
// flags (isolation) are set BEFORE either end is up; the host end comes up last.
import { fault, Reason } from '@weft/fault';
import {
  createVeth,
  deleteLink,
  findLink,
  type Link,
  type NetlinkSocket,
  setLink,
  setPort,
  WEFT_GROUP,
  withNamespaceFd,
} from '@weft/kernel';
import type { VethObject } from '@weft/proto/agent';
import { type Context, Deferred, type SandboxPlace } from '../context.ts';
import { refused } from '../kernel-fault.ts';
import { interfaceName } from '../names.ts';
import { addressSteps, bridgeOf, mtuOf, ofInterface, sysctlSteps } from './interface.ts';
import { oneByOne, type Step } from './kind.ts';

const isIpv6 = (address: string): boolean => address.includes(':');

/** The host end under another name: somebody renamed it. Undefined when the interface in the sandbox is another one's. */
const renamedHostEnd = (context: Context, key: string, spec: VethObject, inside: Link): Link | undefined => {
  const host = inside.peer === undefined ? undefined : findLink(context.socket(), inside.peer);
  if (host === undefined || host.group !== WEFT_GROUP) return undefined;
  const owner = context.linkOwners.get(host.index);
  return owner === key || (owner === undefined && inside.mac === spec.macAddress) ? host : undefined;
};

/** Steps for when there is no host end of the name. */
const hostEndSteps = (context: Context, key: string, spec: VethObject, place: SandboxPlace, master: number): Step[] => {
  const taken = findLink(context.socket(place.path), spec.name);
  if (taken === undefined)
    return [{ what: 'it is missing', makes: true, run: () => create(context, spec, place, master) }];
  // The interface of an endpoint that is just leaving goes with its host end.
  if (taken.peer !== undefined && context.doomed.has(taken.peer)) throw new Deferred();
  const renamed = renamedHostEnd(context, key, spec, taken);
  if (renamed === undefined) {
    throw fault(Reason.INTERFACE_EXISTS, `the sandbox has an interface "${spec.name}" already`);
  }
  const run = () => {
    const socket = context.socket();
    socket.request(setLink(renamed.index, { up: false }));
    socket.request(setLink(renamed.index, { name: spec.hostName }));
  };
  return [{ what: `its host end is named "${renamed.name}", not "${spec.hostName}"`, makes: true, run }];
};

const create = (context: Context, spec: VethObject, place: SandboxPlace, master: number): void => {
  const mtu = mtuOf(spec);
  const mac = spec.macAddress === '' ? {} : { mac: spec.macAddress };
  withNamespaceFd(place.path, (namespaceFd) =>
    context.socket().request(
      createVeth({
        name: spec.hostName,
        group: WEFT_GROUP,
        master,
        mtu,
        peer: { name: spec.name, group: WEFT_GROUP, namespaceFd, mtu, ...mac },
      }),
    ),
  );
  context.made.add(`veth/${spec.endpointId}`);
};

const portSteps = (socket: NetlinkSocket, spec: VethObject, link: Link, master: Link): Step[] => {
  const { isolated, hairpin } = spec;
  const flags = (): Step => ({
    what: `its port is ${link.port?.isolated ? '' : 'not '}isolated and ${link.port?.hairpin ? '' : 'not '}hairpin`,
    run: () => void socket.request(setPort(link.index, { isolated, hairpin })),
  });
  if (link.master !== master.index) {
    const join = (): Step => ({
      what: `it is not a port of "${master.name}"`,
      // Down BEFORE it joins, in a message of its own: a new port has no flags yet.
      run: () => {
        socket.request(setLink(link.index, { up: false }));
        socket.request(setLink(link.index, { master: master.index }));
      },
    });
    return [join(), flags()];
  }
  return link.port?.isolated === isolated && link.port.hairpin === hairpin ? [] : [flags()];
};

const hostSteps = (socket: NetlinkSocket, spec: VethObject, link: Link): Step[] => {
  const mtu = mtuOf(spec);
  if (link.mtu === mtu) return [];
  const run = () => void socket.request(setLink(link.index, { mtu }));
  return [{ what: `the MTU of its host end is ${link.mtu}, not ${mtu}`, run }];
};

/** Sysctls of the interface: the user's, and those that weft needs where the sandbox is not its own. */
const sysctls = (spec: VethObject): { wanted: Record<string, string>; lax: Record<string, string> } => {
  const wanted = Object.fromEntries(
    Object.entries(spec.sysctls).map(([key, value]) => {
      const parts = key.split('.');
      if (parts[0] !== 'net' || parts.filter((part) => part === 'IFNAME').length !== 1) {
        throw refused(`sysctl "${key}" is not one of the interface`);
      }
      return [parts.map((part) => (part === 'IFNAME' ? spec.name : part)).join('/'), value];
    }),
  );
  const needed = {
    // Where weft is told how often to announce (announcements.ts) the kernel's own would come on top. It does not where it is not
    // asked: a packet socket takes the kernel 20 ms to close, longer than all else of a new interface.
    'ipv4.arp_notify': spec.advertiseCount === 0 && spec.advertiseIntervalMs === 0 ? '1' : '0',
    'ipv6.accept_ra': '0',
    'ipv6.accept_dad': '0',
    ...(spec.addresses.some(isIpv6) ? { 'ipv6.disable_ipv6': '0' } : {}),
  };
  const own = Object.entries(ofInterface(spec.name, needed)).filter(([key]) => wanted[key] === undefined);
  return { wanted, lax: Object.fromEntries(own) };
};

const insideSteps = (context: Context, spec: VethObject, place: SandboxPlace, link: Link): Step[] => {
  const socket = context.socket(place.path);
  const set = (what: string, change: Parameters<typeof setLink>[1]): Step => ({
    what,
    run: () => void socket.request(setLink(link.index, change)),
  });
  if (link.name !== spec.name) {
    // An interface is renamed while it is down; the rest is looked at when it has its name.
    const what = `its interface is named "${link.name}", not "${spec.name}"`;
    const run = () => {
      socket.request(setLink(link.index, { up: false }));
      socket.request(setLink(link.index, { name: spec.name }));
    };
    return [{ what, makes: true, run }];
  }
  const steps: Step[] = [];
  if (spec.macAddress !== '' && link.mac !== spec.macAddress.toLowerCase()) {
    steps.push(set(`its MAC is ${link.mac}, not ${spec.macAddress}`, { mac: spec.macAddress }));
  }
  const mtu = mtuOf(spec);
  if (link.mtu !== mtu) steps.push(set(`its MTU is ${link.mtu}, not ${mtu}`, { mtu }));
  const { wanted, lax } = sysctls(spec);
  steps.push(...sysctlSteps(place.path, wanted, lax), ...addressSteps(socket, link.index, spec.addresses));
  if (!link.up) steps.push(set('its interface is down', { up: true }));
  return steps;
};

export const veth = oneByOne('veth', {
  plan(context, spec, key) {
    const place = context.needSandbox(spec.sandboxId);
    const socket = context.socket();
    interfaceName(spec.name);
    const master = bridgeOf(context, spec.bridge);
    const host = findLink(socket, interfaceName(spec.hostName));
    if (host === undefined) return hostEndSteps(context, key, spec, place, master.index);
    if (context.doomed.has(host.index)) throw new Deferred();
    if (host.kind !== 'veth' || host.group !== WEFT_GROUP) {
      throw fault(Reason.INTERFACE_EXISTS, `the host has an interface "${spec.hostName}" that weft did not make`);
    }
    context.linkOwners.set(host.index, key);
    const isInside = host.peer !== undefined && host.peerNsid === place.nsid;
    const inside = isInside ? findLink(context.socket(place.path), host.peer ?? 0) : undefined;
    if (inside === undefined) {
      const what = 'its other end is not in the sandbox';
      return [{ what, makes: true, run: () => void socket.request(deleteLink(host.index)) }];
    }
    const up: Step = {
      what: 'its host end is down',
      run: () => void socket.request(setLink(host.index, { up: true })),
    };
    const port = portSteps(socket, spec, host, master);
    const isDown = !host.up || port.length > 1;
    return [
      ...port,
      ...hostSteps(socket, spec, host),
      ...insideSteps(context, spec, place, inside),
      ...(isDown ? [up] : []),
    ];
  },
  remove(context, spec) {
    const link = findLink(context.socket(), spec.hostName);
    if (link?.kind === 'veth' && link.group === WEFT_GROUP) context.doomed.add(link.index);
  },
});
