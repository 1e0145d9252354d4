// Who is called that, seen from a sandbox. As Docker: first without a network, on the sandbox's networks in their order,
// links before all else; then with the network's name at the end, wherever the dot is that parts them.
import { Type } from './codes.ts';
import { type Name, nextLabel, prefix, ROOT, suffix } from './name.ts';
import type { Names, Table } from './names.ts';
import { type Node, ownersOf } from './node.ts';
import type { Viewpoint } from './viewpoint.ts';

export interface Found {
  readonly node: Node;
  readonly table: Table;
  /** Where in the name its network's begins; the name's length when it was asked without. */
  readonly zone: number;
}

/** No type of record: the ports of a service, which are asked for by another name. */
export const PORTS = -1;

/**
 * The first that has an answer of this type; else the first of that name at all (it is known, and has no such record);
 * undefined for a name that nobody has.
 */
export function find(names: Names, viewpoint: Viewpoint, name: Name, type: number): Found | undefined {
  if (name === ROOT) return undefined;
  const bare = viewpoint.isQualified ? undefined : findBare(names, viewpoint, name, type);
  if (bare !== undefined || nextLabel(name, 0) === name.length) return bare;
  let known: Found | undefined;
  for (const network of viewpoint.networks) {
    const table = names.table(network.id);
    const zone = table === undefined ? -1 : zoneStart(name, table.name);
    if (table === undefined || zone <= 0) continue;
    const asked = prefix(name, zone);
    const node = nodeOf(table, network.links?.get(asked) ?? asked, true);
    if (node === undefined) continue;
    if (answers(node, type)) return { node, table, zone };
    known ??= { node, table, zone };
  }
  return known;
}

function findBare(names: Names, viewpoint: Viewpoint, name: Name, type: number): Found | undefined {
  const linked = viewpoint.hasLinks ? findLinked(names, viewpoint, name, type) : undefined;
  if (linked !== undefined) return linked;
  const { networks } = viewpoint;
  let known: Found | undefined;
  for (let index = 0; index < networks.length; index++) {
    const network = networks[index] as (typeof networks)[0];
    const table = names.table(network.id);
    // An alias means its target alone, also where that is not there.
    if (table === undefined || network.links?.has(name)) continue;
    const node = nodeOf(table, name, false);
    if (node === undefined) continue;
    if (answers(node, type)) return { node, table, zone: name.length };
    known ??= { node, table, zone: name.length };
  }
  return known;
}

function findLinked(names: Names, viewpoint: Viewpoint, name: Name, type: number): Found | undefined {
  let known: Found | undefined;
  for (const { id, links } of viewpoint.networks) {
    const target = links?.get(name);
    const table = names.table(id);
    const node = target === undefined || table === undefined ? undefined : nodeOf(table, target, false);
    if (table === undefined || node === undefined) continue;
    if (answers(node, type)) return { node, table, zone: name.length };
    known ??= { node, table, zone: name.length };
  }
  return known;
}

function nodeOf(table: Table, name: Name, isInZone: boolean): Node | undefined {
  const node = table.names.get(name);
  return node === undefined && table.wildcards.size > 0 ? wildcardOf(table, name, isInZone) : node;
}

/** RFC 4592: the wildcard at the closest name above; a name that exists in between is closer. */
function wildcardOf(table: Table, name: Name, isInZone: boolean): Node | undefined {
  for (let at = nextLabel(name, 0); at < name.length; at = nextLabel(name, at)) {
    const parent = suffix(name, at);
    const node = table.wildcards.get(parent);
    if (node !== undefined) return node;
    if (table.names.has(parent)) return undefined;
  }
  // `*` stands for all names of the network, said with the network: it must not swallow the names of the world.
  return isInZone ? table.wildcards.get(ROOT) : undefined;
}

function answers(node: Node, type: number): boolean {
  if (type === Type.A) return node.v4 !== '' || hasRecord(node, Type.CNAME);
  if (type === Type.AAAA) return node.v6 !== '' || hasRecord(node, Type.CNAME);
  if (type === PORTS) return ownersOf(node).some(({ ports }) => ports !== undefined);
  return hasRecord(node, type) || hasRecord(node, Type.CNAME);
}

function hasRecord(node: Node, type: number): boolean {
  return ownersOf(node).some(({ records }) => records?.some((record) => record.type === type));
}

/** Where the zone begins in the name (0: it is the name); -1 when the name is not in it. */
export function zoneStart(name: Name, zone: Name): number {
  if (zone === ROOT || !name.endsWith(zone)) return -1;
  const start = name.length - zone.length;
  let at = 0;
  while (at < start) at = nextLabel(name, at);
  return at === start ? start : -1;
}
