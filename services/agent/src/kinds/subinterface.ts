// macvlan and ipvlan interfaces: made on an interface of the host, straight into the sandbox. Nothing of them is on the host, so
// they carry weft's group inside, and are deleted there, one by one: what is made next on the same parent (passthru, the same
// address) must not meet one that still waits for its namespace to end.
import { fault, Reason } from '@weft/fault';
import {
  createLink,
  deleteLink,
  dumpLinks,
  ERRNO,
  findLink,
  ipvlanData,
  ipvlanFlags,
  ipvlanModes,
  KernelError,
  type Link,
  macvlanData,
  macvlanModes,
  setLink,
  WEFT_GROUP,
  withNamespaceFd,
} from '@weft/kernel';
import { SubinterfaceKind, type SubinterfaceObject } from '@weft/proto/agent';
import { type Context, Deferred, type SandboxPlace } from '../context.ts';
import { refused } from '../kernel-fault.ts';
import { interfaceName } from '../names.ts';
import { insideSteps, insideSysctls } from './inside.ts';
import { oneByOne, type Step } from './kind.ts';
import { creating, neededLink } from './parent.ts';

const kindOf = ({ kind }: SubinterfaceObject): 'macvlan' | 'ipvlan' =>
  kind === SubinterfaceKind.IPVLAN ? 'ipvlan' : 'macvlan';

const isWord = <T extends object>(words: T, word: string): word is keyof T & string => Object.hasOwn(words, word);

const dataOf = (spec: SubinterfaceObject): Buffer => {
  const { mode, flag } = spec;
  if (kindOf(spec) === 'macvlan') {
    if (isWord(macvlanModes, mode)) return macvlanData(mode);
  } else if (isWord(ipvlanModes, mode) && isWord(ipvlanFlags, flag)) return ipvlanData(mode, flag);
  throw refused(`${kindOf(spec)} has no mode "${mode}" with flag "${flag}"`);
};

/** The kernel's answers to what shares a parent are the same for all: said in the words of the parent. */
const named = (error: unknown, spec: SubinterfaceObject): unknown => {
  if (!(error instanceof KernelError)) return error;
  const kind = kindOf(spec);
  if (error.errno === ERRNO.EBUSY) {
    const because = `the parent "${spec.parent}" is in use otherwise: as a port of a bridge or bond, or by ${kind === 'macvlan' ? 'ipvlan' : 'macvlan'} interfaces`;
    return fault(Reason.INTERFACE_IN_USE, because, { parent: spec.parent });
  }
  if (error.errno === ERRNO.EINVAL && kind === 'macvlan') {
    const because =
      spec.mode === 'passthru'
        ? `mode passthru needs the parent "${spec.parent}" for itself, and it has an interface already`
        : `the parent "${spec.parent}" is in use in mode passthru`;
    return fault(Reason.INTERFACE_IN_USE, because, { parent: spec.parent });
  }
  return error;
};

const create = (context: Context, spec: SubinterfaceObject, place: SandboxPlace, parent: Link, mtu: number): void => {
  const kind = kindOf(spec);
  const mac = spec.macAddress === '' ? {} : { mac: spec.macAddress };
  const link = { name: spec.name, kind, group: WEFT_GROUP, lower: parent.index, mtu, data: dataOf(spec), ...mac };
  try {
    withNamespaceFd(place.path, (namespaceFd) =>
      creating(kind, () => void context.socket().request(createLink({ ...link, namespaceFd }))),
    );
  } catch (error) {
    throw named(error, spec);
  }
};

/** Whether the link is weft's, of the kind and on the parent. */
const isOn = (link: Link, kind: string, parent: Link): boolean =>
  link.group === WEFT_GROUP && link.kind === kind && link.peer === parent.index && link.peerNsid !== undefined;

/** Ours under another name: somebody renamed it. */
const renamed = (context: Context, spec: SubinterfaceObject, place: SandboxPlace, parent: Link): Link | undefined => {
  const found = dumpLinks(context.socket(place.path)).filter(
    (link) =>
      isOn(link, kindOf(spec), parent) && (spec.macAddress === '' || link.mac === spec.macAddress.toLowerCase()),
  );
  if (found.length === 0) return undefined;
  const names = new Set<string>();
  for (const { spec: other } of context.wanted.values())
    if (other?.$case === 'subinterface' && other.value.sandboxId === spec.sandboxId) names.add(other.value.name);
  return found.find(({ name }) => !names.has(name));
};

const missingSteps = (context: Context, spec: SubinterfaceObject, place: SandboxPlace, parent: Link, mtu: number) => {
  const other = renamed(context, spec, place, parent);
  if (other === undefined)
    return [{ what: 'it is missing', makes: true, run: () => create(context, spec, place, parent, mtu) }];
  const socket = context.socket(place.path);
  const run = () => {
    socket.request(setLink(other.index, { up: false }));
    socket.request(setLink(other.index, { name: spec.name }));
  };
  return [{ what: `it is named "${other.name}", not "${spec.name}"`, makes: true, run }];
};

const isRight = ({ detail }: Link, spec: SubinterfaceObject): boolean =>
  detail.mode === spec.mode && (detail.flag ?? '') === spec.flag;

export const subinterface = oneByOne('subinterface', {
  plan(context, spec): Step[] {
    const place = context.needSandbox(spec.sandboxId);
    const kind = kindOf(spec);
    interfaceName(spec.name);
    dataOf(spec);
    const parent = neededLink(context, spec.parent);
    const mtu = spec.mtu === 0 ? parent.mtu : spec.mtu;
    if (mtu > parent.mtu) {
      const because = `MTU ${mtu} is more than the ${parent.mtu} of its parent "${spec.parent}"`;
      throw fault(Reason.INVALID_MTU, because, { parent: spec.parent });
    }
    const inside = { ...spec, mtu, isAnnouncedByKernel: true };
    // What is refused is refused before anything is made.
    insideSysctls(inside);
    const socket = context.socket(place.path);
    const link = findLink(socket, spec.name);
    if (link === undefined) return missingSteps(context, spec, place, parent, mtu);
    if (link.group !== WEFT_GROUP || link.kind !== kind) {
      // The interface of an endpoint that is just leaving goes with its host end.
      if (link.kind === 'veth' && link.peer !== undefined && context.doomed.has(link.peer)) throw new Deferred();
      throw fault(Reason.INTERFACE_EXISTS, `the sandbox has an interface "${spec.name}" already`);
    }
    if (!isOn(link, kind, parent) || !isRight(link, spec)) {
      const what = `it is not ${kind} in mode ${spec.mode} on "${spec.parent}"`;
      return [{ what, makes: true, run: () => void socket.request(deleteLink(link.index)) }];
    }
    return insideSteps(context, inside, place, link);
  },
  remove(context, spec) {
    const place = context.place(spec.sandboxId);
    if (place === undefined) return;
    const socket = context.socket(place.path);
    const link = findLink(socket, spec.name);
    if (link?.group === WEFT_GROUP && link.kind === kindOf(spec)) socket.request(deleteLink(link.index));
  },
});
