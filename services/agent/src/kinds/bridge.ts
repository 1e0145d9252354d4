// Bridges on the host. One that weft made carries its group; one of somebody else's is used only where the object allows it,
// keeps its own MAC, MTU and sysctls, and is never deleted.
import { fault, Reason } from '@weft/fault';
import {
  createBridge,
  deleteAddress,
  dumpAddresses,
  findLink,
  type Link,
  setLink,
  WEFT_GROUP,
  WEFT_PROTOCOL,
} from '@weft/kernel';
import type { BridgeObject } from '@weft/proto/agent';
import { type Context, Deferred } from '../context.ts';
import { interfaceName } from '../names.ts';
import { addressSteps, ofInterface, sysctlSteps } from './interface.ts';
import { oneByOne, type Step } from './kind.ts';
import { isKept, keepingSteps, restoreSysctl } from './sysctl.ts';

const create = (context: Context, spec: BridgeObject): Step => ({
  what: 'it is missing',
  makes: true,
  // Down, and without its MTU: the kernel keeps an MTU against the ports' only when it is set on an existing bridge.
  run: () => {
    const mac = spec.macAddress === '' ? {} : { mac: spec.macAddress };
    context.socket().request(createBridge({ name: spec.name, group: WEFT_GROUP, ...mac }));
  },
});

const ownSteps = (context: Context, spec: BridgeObject, link: Link): Step[] => {
  const socket = context.socket();
  const steps: Step[] = [];
  if (spec.macAddress !== '' && link.mac !== spec.macAddress.toLowerCase()) {
    steps.push({
      what: `its MAC is ${link.mac}, not ${spec.macAddress}`,
      run: () => void socket.request(setLink(link.index, { mac: spec.macAddress })),
    });
  }
  if (spec.mtu !== 0 && link.mtu !== spec.mtu) {
    steps.push({
      what: `its MTU is ${link.mtu}, not ${spec.mtu}`,
      run: () => void socket.request(setLink(link.index, { mtu: spec.mtu })),
    });
  }
  const localnet = ofInterface(spec.name, { 'ipv4.route_localnet': spec.routeLocalnet ? '1' : '0' });
  const quiet = ofInterface(spec.name, { 'ipv6.accept_ra': '0', 'ipv6.accept_dad': '0' });
  return [...steps, ...sysctlSteps(undefined, localnet, quiet)];
};

const localnetKey = (name: string): string => `net/ipv4/conf/${name}/route_localnet`;

/** A bridge of somebody else cannot be marked: its earlier value is in the ledger. */
const theirSteps = (context: Context, { name, routeLocalnet }: BridgeObject): Step[] => {
  const key = localnetKey(name);
  if (routeLocalnet) return keepingSteps(context, key, '1');
  if (!isKept(context, key)) return [];
  return [{ what: `sysctl ${key} is not as it was before`, run: () => restoreSysctl(context, key) }];
};

export const bridge = oneByOne('bridge', {
  plan(context, spec, key) {
    const socket = context.socket();
    const link = findLink(socket, interfaceName(spec.name));
    if (link === undefined) return [create(context, spec)];
    if (context.doomed.has(link.index)) throw new Deferred();
    if (link.kind !== 'bridge') {
      throw fault(
        Reason.NOT_A_BRIDGE,
        `"${spec.name}" is an interface that is not a bridge (${link.kind ?? 'hardware'})`,
      );
    }
    const isOwn = link.group === WEFT_GROUP;
    if (!isOwn && !spec.mayExist) {
      throw fault(Reason.INTERFACE_EXISTS, `a bridge "${spec.name}" exists that weft did not make`);
    }
    context.linkOwners.set(link.index, key);
    const up: Step = { what: 'it is down', run: () => void socket.request(setLink(link.index, { up: true })) };
    return [
      ...(isOwn ? ownSteps(context, spec, link) : theirSteps(context, spec)),
      ...addressSteps(socket, link.index, spec.addresses),
      ...(link.up ? [] : [up]),
    ];
  },
  remove(context, spec) {
    const socket = context.socket();
    const link = findLink(socket, spec.name);
    if (link?.group !== WEFT_GROUP) restoreSysctl(context, localnetKey(spec.name));
    if (link === undefined || link.kind !== 'bridge') return;
    if (link.group === WEFT_GROUP) {
      context.doomed.add(link.index);
      return;
    }
    for (const { address, protocol } of dumpAddresses(socket, link.index)) {
      if (protocol === WEFT_PROTOCOL) socket.request(deleteAddress({ link: link.index, address, protocol }));
    }
  },
});
