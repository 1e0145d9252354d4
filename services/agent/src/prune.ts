// What carries weft's marks but is asked for by no object: left by a crash, or by an agent that was away. It is removed; what
// carries no mark is never touched. To be called only when all that the host must have is known.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  DOOMED_GROUP,
  deleteAddress,
  deleteLink,
  deleteNamespace,
  deleteRoute,
  dumpAddresses,
  dumpLinks,
  dumpRoutes,
  type Link,
  type NetlinkSocket,
  WEFT_GROUP,
  WEFT_PROTOCOL,
} from '@weft/kernel';
import type { NeighbourObject } from '@weft/proto/agent';
import type { Context } from './context.ts';
import type { Entries } from './entries.ts';
import { pruneLink } from './kinds/neighbour.ts';
import { linksOfParent } from './kinds/parent.ts';
import { restoreUnasked } from './kinds/sysctl.ts';
import { filesDirectory, namespacesDirectory } from './names.ts';

const protocol = WEFT_PROTOCOL;

const list = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};

const links = (context: Context, all: readonly Link[], names: ReadonlySet<string>): string[] =>
  all
    .filter(({ group, name }) => group === DOOMED_GROUP || (group === WEFT_GROUP && !names.has(name)))
    .filter(({ index }) => !context.doomed.has(index))
    .map(({ index, name }) => {
      context.doomed.add(index);
      return `link ${name}`;
    });

const MADE_INSIDE: readonly (string | undefined)[] = ['macvlan', 'ipvlan'];

/** Weft's interfaces in a namespace that have no end on the host to be found by. */
export const madeInside = (socket: NetlinkSocket): Link[] =>
  dumpLinks(socket).filter(({ group, kind }) => group === WEFT_GROUP && MADE_INSIDE.includes(kind));

/** Those that are nobody's. */
const subinterfaces = (context: Context, entries: Entries, sandboxIds: Iterable<string>): string[] =>
  [...sandboxIds].flatMap((sandboxId) => {
    const place = context.place(sandboxId);
    if (place === undefined) return [];
    const names = new Set<string>();
    for (const key of entries.ofSandbox(sandboxId)) {
      const spec = entries.byKey.get(key)?.object.spec;
      if (spec?.$case === 'subinterface') names.add(spec.value.name);
    }
    const socket = context.socket(place.path);
    const unasked = madeInside(socket).filter(({ name }) => !names.has(name));
    socket.batch(unasked.map(({ index }) => deleteLink(index)));
    return unasked.map(({ name }) => `link ${name} of sandbox ${sandboxId.slice(0, 12)}`);
  });

const addresses = (context: Context, all: readonly Link[], names: ReadonlySet<string>): string[] => {
  const socket = context.socket();
  const nameOf = new Map(all.map(({ index, name }) => [index, name]));
  const unasked = dumpAddresses(socket).filter(
    (one) => one.protocol === protocol && !names.has(nameOf.get(one.link) ?? '') && !context.doomed.has(one.link),
  );
  socket.batch(unasked.map(({ link, address }) => deleteAddress({ link, address, protocol })));
  return unasked.map(({ link, address }) => `address ${address} of ${nameOf.get(link) ?? link}`);
};

const routes = (context: Context, entries: Entries, sandboxIds: Iterable<string>): string[] =>
  [...sandboxIds].flatMap((sandboxId) => {
    const place = context.place(sandboxId);
    if (place === undefined) return [];
    const socket = context.socket(place.path);
    const unasked = dumpRoutes(socket, { protocol }).filter(
      ({ destination }) => !entries.byKey.has(`route/${sandboxId}/${destination}`),
    );
    socket.batch(
      unasked.map(({ destination, metric, link, via }) =>
        deleteRoute({
          destination,
          metric,
          protocol,
          ...(link === undefined ? {} : { link }),
          ...(via === undefined ? {} : { via }),
        }),
      ),
    );
    return unasked.map(({ destination }) => `route/${sandboxId}/${destination}`);
  });

const directories = (context: Context, sandboxIds: ReadonlySet<string>): string[] => {
  const short = new Set([...sandboxIds].map((id) => id.slice(0, 12)));
  const unasked = (directory: string) => list(directory).filter((name) => !short.has(name));
  return [
    ...unasked(namespacesDirectory(context.runDir)).map((name) => {
      deleteNamespace(join(namespacesDirectory(context.runDir), name));
      return `namespace ${name}`;
    }),
    ...unasked(filesDirectory(context.runDir)).map((name) => {
      rmSync(join(filesDirectory(context.runDir), name), { recursive: true, force: true });
      return `files of sandbox ${name}`;
    }),
  ];
};

const forwardings = (context: Context, entries: Entries, neighbours: readonly NeighbourObject[]): string[] => {
  const byLink = Map.groupBy(neighbours, ({ vxlan }) => vxlan);
  return [...entries.byKey.values()].flatMap(({ object: { spec } }) =>
    spec?.$case === 'vxlan' ? pruneLink(context, spec.value.name, byLink.get(spec.value.name) ?? []) : [],
  );
};

/** Removes it (links are doomed: they go at the end of the turn) and returns what it was, in words. */
export const prune = (context: Context, entries: Entries): string[] => {
  const names = new Set<string>();
  const sandboxIds = new Set<string>();
  const neighbours: NeighbourObject[] = [];
  for (const { object } of entries.byKey.values()) {
    if (object.spec?.$case === 'bridge') names.add(object.spec.value.name);
    else if (object.spec?.$case === 'vxlan') names.add(object.spec.value.name);
    else if (object.spec?.$case === 'neighbour') neighbours.push(object.spec.value);
    else if (object.spec?.$case === 'veth') names.add(object.spec.value.hostName);
    else if (object.spec?.$case === 'parent') for (const name of linksOfParent(object.spec.value)) names.add(name);
    else if (object.spec?.$case === 'sandbox') sandboxIds.add(object.spec.value.sandboxId);
  }
  const all = dumpLinks(context.socket());
  return [
    ...links(context, all, names),
    ...subinterfaces(context, entries, sandboxIds),
    ...addresses(context, all, names),
    ...forwardings(context, entries, neighbours),
    ...routes(context, entries, sandboxIds),
    ...directories(context, sandboxIds),
    ...restoreUnasked(context).map((key) => `sysctl/${key}`),
  ];
};
