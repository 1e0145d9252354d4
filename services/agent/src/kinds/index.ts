// All kinds, and working through objects of several kinds in the order that carries the promises (libs/hoststate's rank).
import { type HostObject, type Kind as Name, kinds as order } from '@weft/hoststate';
import type { Context } from '../context.ts';
import { bridge } from './bridge.ts';
import { file } from './file.ts';
import type { Kind, Result } from './kind.ts';
import { neighbour } from './neighbour.ts';
import { nftElement } from './nft-element.ts';
import { parent } from './parent.ts';
import { resolver } from './resolver.ts';
import { route } from './route.ts';
import { sandbox } from './sandbox.ts';
import { service } from './service.ts';
import { subinterface } from './subinterface.ts';
import { sysctl } from './sysctl.ts';
import { tunnel } from './tunnel.ts';
import { tunnelPeer } from './tunnel-peer.ts';
import { veth } from './veth.ts';
import { vxlan } from './vxlan.ts';

// Names are no matter of the kernel: the names thread answers them.
const said: Kind = {
  put: () => ({ failed: new Map(), deferred: new Set() }),
  check: () => new Map(),
  remove: () => ({ failed: new Map(), deferred: new Set() }),
};

// Elements and ports are one: a batch's go in one transaction.
const kinds: Readonly<Record<Name, Kind>> = {
  sandbox,
  nftElement,
  port: nftElement,
  sysctl,
  bridge,
  tunnel,
  tunnelPeer,
  vxlan,
  neighbour,
  parent,
  veth,
  subinterface,
  route,
  zone: said,
  names: said,
  resolver,
  service,
  file,
};

/** Kinds that others stand on. */
export const FOUNDATIONS: ReadonlySet<Name> = new Set<Name>([
  'sandbox',
  'bridge',
  'tunnel',
  'vxlan',
  'veth',
  'parent',
  'subinterface',
]);

const inGroups = (objects: Iterable<HostObject>, names: readonly Name[]): [Kind, HostObject[]][] => {
  const groups = Map.groupBy(objects, ({ spec }) => spec && names.includes(spec.$case) && kinds[spec.$case]);
  return [...new Set(names.map((name) => kinds[name]))].flatMap((kind): [Kind, HostObject[]][] => {
    const group = groups.get(kind);
    return group === undefined ? [] : [[kind, group]];
  });
};

const work = (groups: [Kind, HostObject[]][], use: (kind: Kind, group: HostObject[]) => Result): Result => {
  const all: Result = { failed: new Map(), deferred: new Set() };
  for (const [kind, group] of groups) {
    const { failed, deferred } = use(kind, group);
    for (const [key, fault] of failed) all.failed.set(key, fault);
    for (const key of deferred) all.deferred.add(key);
  }
  return all;
};

export const putAll = (context: Context, objects: Iterable<HostObject>): Result =>
  work(inGroups(objects, order), (kind, group) => kind.put(context, group));

/** What differs, by key. */
export const checkAll = (context: Context, objects: Iterable<HostObject>): Map<string, string> =>
  new Map(inGroups(objects, order).flatMap(([kind, group]) => [...kind.check(context, group)]));

// Links, what lies in sandboxes, and ports (another object of the batch may want their numbers) go first; the firewall, sysctls and
// namespaces only when the links are gone.
const LINKS = [
  'port',
  'bridge',
  'tunnel',
  'tunnelPeer',
  'vxlan',
  'neighbour',
  'parent',
  'veth',
  'subinterface',
  'route',
  'file',
] as const satisfies Name[];

export const removeLinks = (context: Context, objects: Iterable<HostObject>): Result =>
  work(inGroups(objects, [...LINKS].reverse()), (kind, group) => kind.remove(context, group));

export const removeRest = (context: Context, objects: Iterable<HostObject>): Result =>
  work(inGroups(objects, order.filter((name) => !LINKS.some((link) => link === name)).reverse()), (kind, group) =>
    kind.remove(context, group),
  );
