// The other ends of the host's encrypted tunnel: a key, where its host is, and the one address that is let through from it, with a
// route to it. All of a batch go in few calls of `wg`. They are the tunnel's, and go with it.
import type { FaultError } from '@weft/fault';
import type { HostObject } from '@weft/hoststate';
import { cidrText, deleteRoute, dumpRoutes, ERRNO, findLink, replaceRoute, WEFT_PROTOCOL } from '@weft/kernel';
import type { TunnelPeerObject } from '@weft/proto/agent';
import { type Context, Deferred } from '../context.ts';
import { faultOf, refused } from '../kernel-fault.ts';
import { runTunnelProgram } from '../tunnel/program.ts';
import { type Shown, shownBy } from '../tunnel/shown.ts';
import type { Kind, Result } from './kind.ts';

const PEERS_AT_ONCE = 50;
type Pair = readonly [key: string, spec: TunnelPeerObject];

/** They become words of a command. */
const checked = (spec: TunnelPeerObject): TunnelPeerObject => {
  if (!/^[A-Za-z0-9+/]{43}=$/.test(spec.publicKey)) throw refused(`"${spec.publicKey}" is no public key`);
  if (!/^(\d+(\.\d+){3}|\[[0-9a-f:]+\]):\d{1,5}$/.test(spec.endpoint))
    throw refused(`"${spec.endpoint}" is no ADDRESS:PORT`);
  return { ...spec, address: cidrText(spec.address) };
};

const groups = (objects: readonly HostObject[], failed: Map<string, FaultError>): Map<string, Pair[]> => {
  const found = new Map<string, Pair[]>();
  for (const { key, spec } of objects) {
    if (spec?.$case !== 'tunnelPeer') continue;
    try {
      found.set(spec.value.tunnel, [...(found.get(spec.value.tunnel) ?? []), [key, checked(spec.value)]]);
    } catch (error) {
      failed.set(key, faultOf(key, error));
    }
  }
  return found;
};

/** Index of the tunnel's link; undefined when it goes or is gone. */
const linkOf = (context: Context, name: string): number | undefined =>
  context.spec('tunnel', `tunnel/${name}`) === undefined ? undefined : findLink(context.socket(), name)?.index;

const differs = (shown: Shown, routes: ReadonlySet<string>, { publicKey, address }: TunnelPeerObject): string[] => {
  const peer = shown.peers.get(publicKey);
  return [
    ...(peer === undefined ? ['it is not a peer'] : []),
    ...(peer !== undefined && peer.allowed.join() !== address
      ? [`it may send from ${peer.allowed.join()}, not ${address}`]
      : []),
    ...(routes.has(address) ? [] : [`there is no route to ${address}`]),
  ];
};

const routesBy = (context: Context, link: number): Set<string> =>
  new Set(dumpRoutes(context.socket(), { link, protocol: WEFT_PROTOCOL }).map(({ destination }) => destination));

const routeOf = (link: number, { address }: TunnelPeerObject) => ({
  destination: address,
  link,
  protocol: WEFT_PROTOCOL,
});

const eachTunnel = (
  objects: readonly HostObject[],
  result: Result,
  use: (name: string, pairs: readonly Pair[]) => void,
): Result => {
  for (const [name, pairs] of groups(objects, result.failed)) {
    for (let at = 0; at < pairs.length; at += PEERS_AT_ONCE) {
      const some = pairs.slice(at, at + PEERS_AT_ONCE);
      try {
        use(name, some);
      } catch (error) {
        for (const [key] of some) {
          if (error instanceof Deferred) result.deferred.add(key);
          else result.failed.set(key, faultOf(key, error));
        }
      }
    }
  }
  return result;
};

const nothing = (): Result => ({ failed: new Map(), deferred: new Set() });

export const tunnelPeer: Kind = {
  put: (context, objects) =>
    eachTunnel(objects, nothing(), (name, pairs) => {
      const link = linkOf(context, name);
      if (link === undefined) throw refused(`the host has no tunnel "${name}"`);
      if (context.doomed.has(link)) throw new Deferred();
      const words = pairs.flatMap(([, { publicKey, endpoint, address }]) => [
        ...['peer', publicKey, 'endpoint', endpoint, 'allowed-ips', address],
      ]);
      runTunnelProgram(context.runDir, 'wg', 'set', name, ...words);
      for (const { error } of context.socket().batch(pairs.map(([, spec]) => replaceRoute(routeOf(link, spec)))))
        if (error !== undefined) throw error;
    }),

  check(context, objects) {
    const found = new Map<string, string>();
    const { failed } = eachTunnel(objects, nothing(), (name, pairs) => {
      const link = linkOf(context, name);
      if (link === undefined) throw refused(`the host has no tunnel "${name}"`);
      const shown = shownBy(context.runDir, name);
      const routes = routesBy(context, link);
      for (const [key, spec] of pairs) {
        const what = differs(shown, routes, spec);
        if (what.length > 0) found.set(key, what.join('; '));
      }
    });
    for (const [key, { message }] of failed) found.set(key, message);
    return found;
  },

  remove: (context, objects) =>
    eachTunnel(objects, nothing(), (name, pairs) => {
      const link = linkOf(context, name);
      if (link === undefined) return;
      runTunnelProgram(
        context.runDir,
        ...['wg', 'set', name],
        ...pairs.flatMap(([, { publicKey }]) => ['peer', publicKey, 'remove']),
      );
      const acks = context.socket().batch(pairs.map(([, spec]) => deleteRoute(routeOf(link, spec))));
      for (const { error } of acks) if (error !== undefined && error.errno !== ERRNO.ESRCH) throw error;
    }),
};

/** Takes peers that no object asks for from a tunnel; returns what they were. */
export const prunePeers = (context: Context, name: string, wanted: ReadonlySet<string>): string[] => {
  if (linkOf(context, name) === undefined) return [];
  const extra = [...shownBy(context.runDir, name).peers].filter(([key]) => !wanted.has(key));
  if (extra.length > 0)
    runTunnelProgram(context.runDir, 'wg', 'set', name, ...extra.flatMap(([key]) => ['peer', key, 'remove']));
  return extra.map(([key]) => `peer ${key} of ${name}`);
};
