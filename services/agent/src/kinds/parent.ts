// What macvlan and ipvlan interfaces are made on, where weft makes it: a VLAN of an interface of the host, or something with
// nothing behind it. One of the same name that weft did not make is used as it is and never deleted.
//   nothing behind it: a veth pair NAME and x<rest>, whose far end is a port of the bridge b<rest>, which stays down
// A dummy interface would do, but not every kernel has them, and what weft needs for bridges is there. A veth has a carrier
// only while its far end is up; a port of a bridge that is down drops all it gets, so nothing of the sandboxes' reaches the host.
import { fault, Reason } from '@weft/fault';
import {
  createBridge,
  createLink,
  createVeth,
  deleteLink,
  ERRNO,
  findLink,
  KernelError,
  type Link,
  setLink,
  vlanData,
  WEFT_GROUP,
} from '@weft/kernel';
import type { ParentObject } from '@weft/proto/agent';
import { type Context, Deferred } from '../context.ts';
import { refused } from '../kernel-fault.ts';
import { interfaceName } from '../names.ts';
import { ofInterface, sysctlSteps } from './interface.ts';
import { oneByOne, type Step } from './kind.ts';

// As large as a veth may be: those on it have the MTU they ask for.
const MOST_MTU = 65535;

/** The interface of the host that others are to be made on. Throws PARENT_UNAVAILABLE, Deferred when it is going away. */
export const neededLink = (context: Context, name: string): Link => {
  const link = findLink(context.socket(), interfaceName(name));
  if (link === undefined) {
    throw fault(Reason.PARENT_UNAVAILABLE, `the host has no interface "${name}"`, { parent: name });
  }
  if (context.doomed.has(link.index)) throw new Deferred();
  if (!link.up) throw fault(Reason.PARENT_UNAVAILABLE, `the host's interface "${name}" is down`, { parent: name });
  return link;
};

/** Runs a creation; a kernel that does not know the kind of link says so in other words. */
export const creating = (kind: string, run: () => void): void => {
  try {
    run();
  } catch (error) {
    if (error instanceof KernelError && error.errno === ERRNO.EOPNOTSUPP) {
      throw fault(Reason.KERNEL_LACKS, `the kernel has no ${kind} interfaces: ${error.message}`, { kind });
    }
    throw error;
  }
};

const farEndOf = (name: string): string => `x${name.slice(1)}`;
const bridgeOf = (name: string): string => `b${name.slice(1)}`;

/** The names of the links that make a parent up, as far as weft makes them. */
export const linksOfParent = ({ name, link }: ParentObject): string[] =>
  link === '' ? [name, farEndOf(name), bridgeOf(name)] : [name];

const up = (context: Context, link: Link): Step[] =>
  link.up
    ? []
    : [{ what: `"${link.name}" is down`, run: () => void context.socket().request(setLink(link.index, { up: true })) }];

const vlanSteps = (context: Context, spec: ParentObject, link: Link | undefined): Step[] => {
  const socket = context.socket();
  const lower = neededLink(context, spec.link);
  if (!(spec.vlan >= 1 && spec.vlan <= 4094)) throw refused(`${spec.vlan} is not a VLAN`);
  if (link === undefined) {
    const vlan = { name: spec.name, kind: 'vlan', group: WEFT_GROUP, lower: lower.index, data: vlanData(spec.vlan) };
    const run = () => creating('vlan', () => void socket.request(createLink(vlan)));
    return [{ what: 'it is missing', makes: true, run }];
  }
  if (link.kind === 'vlan' && link.detail.vlan === spec.vlan && link.peer === lower.index) return up(context, link);
  const what = `it is not VLAN ${spec.vlan} of "${spec.link}"`;
  return [{ what, makes: true, run: () => void socket.request(deleteLink(link.index)) }];
};

/** The rest of a parent with nothing behind it. Throws INTERFACE_EXISTS for one that is another's. */
const ownLink = (context: Context, name: string, kind: string): Link | undefined => {
  const link = findLink(context.socket(), interfaceName(name));
  if (link === undefined) return undefined;
  if (context.doomed.has(link.index)) throw new Deferred();
  if (link.group === WEFT_GROUP && link.kind === kind) return link;
  throw fault(Reason.INTERFACE_EXISTS, `the host has an interface "${name}" that weft did not make`);
};

const loneSteps = (context: Context, { name }: ParentObject, key: string, link: Link | undefined): Step[] => {
  const socket = context.socket();
  const [farName, bridgeName] = [farEndOf(name), bridgeOf(name)];
  const bridge = ownLink(context, bridgeName, 'bridge');
  const far = ownLink(context, farName, 'veth');
  if (bridge === undefined) {
    const run = () => void socket.request(createBridge({ name: bridgeName, group: WEFT_GROUP }));
    return [{ what: `"${bridgeName}" is missing`, makes: true, run }];
  }
  context.linkOwners.set(bridge.index, key);
  if (link === undefined && far === undefined) {
    const common = { group: WEFT_GROUP, mtu: MOST_MTU };
    // Made as a port of the bridge that is down: there is no moment in which the host hears what comes.
    const pair = createVeth({ ...common, name: farName, master: bridge.index, peer: { ...common, name } });
    return [{ what: 'it is missing', makes: true, run: () => void socket.request(pair) }];
  }
  if (link === undefined || far === undefined || link.peer !== far.index || link.kind !== 'veth') {
    const run = () => void socket.request(deleteLink((link ?? far)?.index ?? name));
    return [{ what: 'its two ends are not one pair', makes: true, run }];
  }
  context.linkOwners.set(far.index, key);
  const set = (what: string, { index }: Link, change: Parameters<typeof setLink>[1]): Step => ({
    what,
    run: () => void socket.request(setLink(index, change)),
  });
  // A link-local address of the host's would be of no use to anybody.
  const quiet = (one: string) => ofInterface(one, { 'ipv6.disable_ipv6': '1' });
  return [
    ...(bridge.up ? [set(`"${bridgeName}" is up`, bridge, { up: false })] : []),
    ...(far.master === bridge.index
      ? []
      : [set(`"${farName}" is no port of "${bridgeName}"`, far, { up: false, master: bridge.index })]),
    ...sysctlSteps(undefined, {}, { ...quiet(name), ...quiet(farName) }),
    ...[link, far].flatMap((one) =>
      one.mtu === MOST_MTU ? [] : [set(`the MTU of "${one.name}" is ${one.mtu}`, one, { mtu: MOST_MTU })],
    ),
    ...(far.master === bridge.index ? up(context, far) : [set('its far end is down', far, { up: true })]),
    ...up(context, link),
  ];
};

export const parent = oneByOne('parent', {
  plan(context, spec, key) {
    const link = findLink(context.socket(), interfaceName(spec.name));
    if (link !== undefined) {
      if (link.group !== WEFT_GROUP && !context.doomed.has(link.index)) return [];
      if (context.doomed.has(link.index)) throw new Deferred();
      context.linkOwners.set(link.index, key);
    }
    return spec.link === '' ? loneSteps(context, spec, key, link) : vlanSteps(context, spec, link);
  },
  remove(context, spec) {
    for (const name of linksOfParent(spec)) {
      const link = findLink(context.socket(), name);
      if (link?.group === WEFT_GROUP) context.doomed.add(link.index);
    }
  },
});
