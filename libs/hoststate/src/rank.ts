// The order in which kinds are applied; removed in reverse. It carries three promises:
//   the firewall's elements are in place BEFORE a link is up, and go AFTER it;
//   forwarding (a sysctl) begins AFTER the firewall stands; a link comes AFTER the sandbox and the bridge it joins.
import type { HostObject, Kind } from './key.ts';

export const kinds = [
  'sandbox',
  'nftElement',
  'port',
  'sysctl',
  'bridge',
  'tunnel',
  'tunnelPeer',
  'vxlan',
  'neighbour',
  'parent',
  'veth',
  'subinterface',
  'route',
  'zone',
  'names',
  'resolver',
  'service',
  'file',
] as const satisfies Kind[];

// Each kind once: a kind that is missing above is an error here.
const ranks: Readonly<Record<Kind, number>> = Object.fromEntries(kinds.map((kind, rank) => [kind, rank])) as Record<
  (typeof kinds)[number],
  number
>;

/** Kinds whose objects are of one record each, by their keys. Of the others several may want the same. */
const sole: ReadonlySet<Kind> = new Set<Kind>([
  'sandbox',
  'veth',
  'subinterface',
  'neighbour',
  'route',
  'zone',
  'names',
  'resolver',
  'service',
  'file',
]);
export const hasOneOwner = (kind: Kind): boolean => sole.has(kind);

/** 0 is applied first and removed last. */
export const rankOf = (kind: Kind): number => ranks[kind];

const rank = (object: HostObject): number => (object.spec === undefined ? kinds.length : rankOf(object.spec.$case));
const byKey = (a: HostObject, b: HostObject): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** Sorts objects into the order of applying; within a kind by key, so that the order is the same every time. */
export const inOrder = (objects: Iterable<HostObject>): HostObject[] =>
  [...objects].sort((a, b) => rank(a) - rank(b) || byKey(a, b));
