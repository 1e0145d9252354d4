// What a change of backends leaves behind in the kernel: clients noted as sticking to one that gets no new connections any more, and
// flows without connection that still go to one that has left. TCP ends by itself.
import {
  changeElements,
  dumpFlows,
  type Flow,
  forgetFlows,
  KernelError,
  listElements,
  type NetlinkSocket,
  protocolNumber,
} from '@weft/kernel';
import { FAMILIES } from './choice.ts';
import type { PartChange, Sticky, Way } from './part.ts';
import { spokenOf } from './sandbox-part.ts';

const TCP = 6;

/** The maps in which clients may be noted as sticking to somebody who gets no new connections. Pure. */
export const staleSticky = ({ before, after }: PartChange): Sticky[] => {
  if (before === undefined || before === after) return [];
  return (after?.sticky ?? []).filter(({ map, active }) => {
    const old = before.sticky.find((one) => one.map.name === map.name);
    if (old === undefined) return before.isPartial === true;
    return old.active.some((address) => !active.includes(address));
  });
};

const isSameWay = (a: Way, b: Way): boolean =>
  a.version === b.version &&
  a.address === b.address &&
  a.port?.number === b.port?.number &&
  a.port?.protocol === b.port?.protocol;

/** All of the newer ways, and of the older ones those that are not among them. Pure. */
export const mergeWays = (newer: readonly Way[], older: readonly Way[]): Way[] => [
  ...newer,
  ...older.filter((old) => !newer.some((way) => isSameWay(way, old))),
];

/** The ways on which flows may lead to somebody who has left. Pure. */
export const staleWays = ({ before, after }: PartChange): Way[] => {
  if (before === undefined || before === after) return [];
  if (before.isPartial === true) return [...(after?.ways ?? [])];
  const ways = before.ways.map((old) => {
    const now = after?.ways.find((way) => isSameWay(way, old));
    const alive = now?.alive ?? [];
    return old.alive.some((address) => !alive.includes(address)) ? { ...old, alive } : undefined;
  });
  return ways.filter((way) => way !== undefined).filter(({ port }) => port?.protocol !== 'tcp');
};

/** True for flows that are to be forgotten. Pure. */
export const isLeftBehind = (ways: readonly Way[], isOfHost: (address: string) => boolean) => {
  const numbered = ways.map((way) => ({ ...way, protocol: way.port && protocolNumber(way.port.protocol) }));
  return ({ protocol, original, reply }: Flow): boolean => {
    if (protocol === TCP) return false;
    const version = original.destination.includes(':') ? '6' : '4';
    const way = numbered.find(
      (one) =>
        one.version === version &&
        (one.address === undefined ? isOfHost(original.destination) : one.address === original.destination) &&
        (one.port === undefined || (one.protocol === protocol && one.port.number === original.destinationPort)),
    );
    const isDirected = reply.source !== original.destination;
    return way !== undefined && isDirected && !way.alive.includes(reply.source);
  };
};

const isMissing = (error: unknown): boolean => error instanceof KernelError && error.code === 'ENOENT';

/** Deletes in halves where some of them are gone already. Throws what `change` throws otherwise. */
export const deleteThere = <T>(elements: readonly T[], change: (some: readonly T[]) => void): void => {
  if (elements.length === 0) return;
  try {
    change(elements);
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (elements.length === 1) return;
    const middle = elements.length >> 1;
    deleteThere(elements.slice(0, middle), change);
    deleteThere(elements.slice(middle), change);
  }
};

/** Lets clients choose anew that stick to somebody who is not active. Throws KernelError. */
export const dropSticky = (socket: NetlinkSocket, maps: readonly Sticky[]): void => {
  for (const { map, active } of maps) {
    const stale = (listElements(socket, map) ?? []).filter(({ data }) => !active.includes(data?.[0] ?? ''));
    // One that ends between the look and this would undo it all.
    deleteThere(stale, (some) =>
      changeElements(
        socket,
        some.map(({ key }) => ({ set: map, op: 'delete' as const, element: { key } })),
      ),
    );
  }
};

/** Those of a sandbox's ways that were spoken to at all: looking through all flows of the machine takes the kernel 13 ms. */
export const spokenWays = (socket: NetlinkSocket, ways: readonly Way[]): Way[] => {
  const spoken = new Set(
    FAMILIES.filter(({ version }) => ways.some((way) => way.version === version)).flatMap((family) =>
      (listElements(socket, spokenOf(family)) ?? []).map(({ key }) => key[0]),
    ),
  );
  return ways.filter(({ address }) => address !== undefined && spoken.has(address));
};

/** Throws KernelError. */
export const forgetLeftBehind = (
  socket: NetlinkSocket,
  ways: readonly Way[],
  isOfHost: (address: string) => boolean,
): void => {
  const [first] = forgetFlows(socket, dumpFlows(socket, isLeftBehind(ways, isOfHost)));
  if (first !== undefined) throw first;
};
