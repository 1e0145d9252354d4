// What is behind a VXLAN link: each sandbox of another host by its MAC, its addresses and that host. Many go in one send, and are
// read back by one look at each link. They carry no mark; they are the link's, which does: whatever else is on it is removed.
import type { FaultError } from '@weft/fault';
import type { HostObject } from '@weft/hoststate';
import {
  dumpForwardings,
  dumpNeighbours,
  ERRNO,
  findLink,
  ipBytes,
  ipText,
  neighbour as neighbourRequest,
  portMac,
  type Request,
  remoteMac,
} from '@weft/kernel';
import type { NeighbourObject } from '@weft/proto/agent';
import { type Context, Deferred } from '../context.ts';
import { faultOf, refused } from '../kernel-fault.ts';
import type { Kind, Result } from './kind.ts';

const vxlanKey = (name: string): string => `vxlan/${name}`;

/** What a link has of neighbours. */
interface Held {
  readonly remotes: Map<string, string>;
  readonly ports: Set<string>;
  readonly macs: Map<string, string>;
}

const look = (context: Context, link: number): Held => {
  const socket = context.socket();
  const held: Held = { remotes: new Map(), ports: new Set(), macs: new Map() };
  for (const { mac, remote, isStatic } of dumpForwardings(socket, link)) {
    if (!isStatic) continue;
    if (remote === undefined) held.ports.add(mac);
    else held.remotes.set(mac, remote);
  }
  for (const { address, mac, isPermanent } of dumpNeighbours(socket, link))
    if (isPermanent) held.macs.set(address, mac);
  return held;
};

/** What is missing, and the requests that put it. Throws TypeError for what is no address. */
const missing = (held: Held, link: number, spec: NeighbourObject): { what: string; request: Request }[] => {
  const mac = spec.macAddress.toLowerCase();
  const remote = ipText(ipBytes(spec.remote));
  return [
    ...(held.remotes.get(mac) === remote
      ? []
      : [{ what: `${mac} does not lead to ${remote}`, request: remoteMac('put', link, mac, remote) }]),
    ...(held.ports.has(mac)
      ? []
      : [{ what: `${mac} is not behind "${spec.vxlan}"`, request: portMac('put', link, mac) }]),
    ...spec.addresses
      .map((address) => ipText(ipBytes(address)))
      .filter((address) => held.macs.get(address) !== mac)
      .map((address) => ({
        what: `${address} is not known for ${mac}`,
        request: neighbourRequest('put', link, address, mac),
      })),
  ];
};

const removal = (link: number, { macAddress, addresses, remote }: NeighbourObject): Request[] => [
  ...addresses.map((address) => neighbourRequest('delete', link, address, macAddress)),
  portMac('delete', link, macAddress),
  remoteMac('delete', link, macAddress, remote),
];

/** Index of the link that neighbours are on; undefined when it goes or is gone, and they with it. */
const linkOf = (context: Context, name: string): number | undefined => {
  if (context.spec('vxlan', vxlanKey(name)) === undefined) return undefined;
  const link = findLink(context.socket(), name);
  return link === undefined || link.kind !== 'vxlan' ? undefined : link.index;
};

type Pairs = [key: string, spec: NeighbourObject][];
const byLink = (objects: readonly HostObject[]): Map<string, Pairs> => {
  const found = new Map<string, Pairs>();
  for (const { key, spec } of objects) {
    if (spec?.$case !== 'neighbour') continue;
    const pairs = found.get(spec.value.vxlan) ?? [];
    pairs.push([key, spec.value]);
    found.set(spec.value.vxlan, pairs);
  }
  return found;
};

const attempt = <T>(key: string, failed: Map<string, FaultError>, use: () => T): T | undefined => {
  try {
    return use();
  } catch (error) {
    failed.set(key, faultOf(key, error));
    return undefined;
  }
};

/** The link of wanted neighbours. Throws what is wrong with it, or Deferred. */
const needLink = (context: Context, name: string): number => {
  if (context.spec('vxlan', vxlanKey(name)) === undefined) throw refused(`the host has no VXLAN "${name}" of weft's`);
  const link = linkOf(context, name);
  if (link === undefined) throw refused(`its VXLAN "${name}" does not exist`);
  if (context.doomed.has(link)) throw new Deferred();
  return link;
};

const send = (
  context: Context,
  due: [key: string, request: Request][],
  isFine: (errno: number) => boolean,
  { failed }: Result,
) => {
  const acks = context.socket().batch(due.map(([, request]) => request));
  for (const [at, { error }] of acks.entries()) {
    const key = due[at]?.[0] ?? '';
    if (error !== undefined && !isFine(error.errno) && !failed.has(key)) failed.set(key, faultOf(key, error));
  }
};

export const neighbour: Kind = {
  put(context, objects) {
    const result: Result = { failed: new Map(), deferred: new Set() };
    const due: [string, Request][] = [];
    for (const [name, pairs] of byLink(objects)) {
      try {
        const link = needLink(context, name);
        const held = look(context, link);
        for (const [key, spec] of pairs) {
          const found = attempt(key, result.failed, () => missing(held, link, spec));
          for (const { request } of found ?? []) due.push([key, request]);
        }
      } catch (error) {
        for (const [key] of pairs) {
          if (error instanceof Deferred) result.deferred.add(key);
          else result.failed.set(key, faultOf(key, error));
        }
      }
    }
    send(context, due, () => false, result);
    return result;
  },

  check(context, objects) {
    const found = new Map<string, string>();
    for (const [name, pairs] of byLink(objects)) {
      const link = linkOf(context, name);
      const held = link === undefined ? undefined : look(context, link);
      for (const [key, spec] of pairs) {
        if (link === undefined || held === undefined) {
          found.set(key, `its VXLAN "${name}" does not exist`);
          continue;
        }
        try {
          const what = missing(held, link, spec).map((one) => one.what);
          if (what.length > 0) found.set(key, what.join('; '));
        } catch (error) {
          found.set(key, faultOf(key, error).message);
        }
      }
    }
    return found;
  },

  remove(context, objects) {
    const result: Result = { failed: new Map(), deferred: new Set() };
    const due: [string, Request][] = [];
    for (const [name, pairs] of byLink(objects)) {
      const link = linkOf(context, name);
      if (link === undefined) continue;
      for (const [key, spec] of pairs) {
        const requests = attempt(key, result.failed, () => removal(link, spec));
        for (const request of requests ?? []) due.push([key, request]);
      }
    }
    send(context, due, (errno) => errno === ERRNO.ENOENT, result);
    return result;
  },
};

/**
 * Takes what no object asks for from a link: left by an agent that was away. Returns what it was, in words.
 * Objects of the link are `wanted`.
 */
export const pruneLink = (context: Context, name: string, wanted: readonly NeighbourObject[]): string[] => {
  const link = linkOf(context, name);
  if (link === undefined || context.doomed.has(link)) return [];
  const held = look(context, link);
  const macs = new Set(wanted.map(({ macAddress }) => macAddress.toLowerCase()));
  const addresses = new Set(wanted.flatMap((one) => one.addresses.map((address) => ipText(ipBytes(address)))));
  const extra = [
    ...[...held.macs]
      .filter(([address]) => !addresses.has(address))
      .map(([address, mac]) => ({
        what: `neighbour ${address} of ${name}`,
        request: neighbourRequest('delete', link, address, mac),
      })),
    ...[...held.ports]
      .filter((mac) => !macs.has(mac))
      .map((mac) => ({
        what: `forwarding of ${mac} to ${name}`,
        request: portMac('delete', link, mac),
      })),
    ...[...held.remotes]
      .filter(([mac]) => !macs.has(mac))
      .map(([mac, remote]) => ({
        what: `forwarding of ${mac} to ${remote}`,
        request: remoteMac('delete', link, mac, remote),
      })),
  ];
  context.socket().batch(extra.map(({ request }) => request));
  return extra.map(({ what }) => what);
};
