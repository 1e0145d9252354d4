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
import { interfaceName } from '../names.ts';
import { insideSteps } from './inside.ts';
import { bridgeOf, mtuOf } from './interface.ts';
import { oneByOne, type Step } from './kind.ts';

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
    const isAnnouncedByKernel = spec.advertiseCount === 0 && spec.advertiseIntervalMs === 0;
    return [
      ...port,
      ...hostSteps(socket, spec, host),
      ...insideSteps(context, { ...spec, mtu: mtuOf(spec), isAnnouncedByKernel }, place, inside),
      ...(isDown ? [up] : []),
    ];
  },
  remove(context, spec) {
    const link = findLink(context.socket(), spec.hostName);
    if (link?.kind === 'veth' && link.group === WEFT_GROUP) context.doomed.add(link.index);
  },
});
