// The resolver of a sandbox: which networks it looks names up in, and whom it asks for the rest. Pure.
import { type HostObject, hostObject } from '@weft/hoststate';
import type { Endpoint, HostFacts, Network, Sandbox } from '@weft/proto/model';
import { hasNames } from './zone.ts';

/** A network that the sandbox is on. */
export interface Place {
  readonly network: Network;
  readonly endpoint: Endpoint;
}

/** "endpoint:alias" or "endpoint", as docker run --link: what the sandbox calls others, to their names. */
function linksOf({ spec }: Endpoint): Record<string, string> {
  return Object.fromEntries(
    (spec?.links ?? []).map((link) => {
      const at = link.indexOf(':');
      const name = at < 0 ? link : link.slice(0, at);
      return [at < 0 ? name : link.slice(at + 1), name];
    }),
  );
}

/** The last one counts, as in libc; 0 if there is none. */
function ndotsOf(options: readonly string[]): number {
  const texts = options.flatMap((option) => /^ndots:(\d{1,2})$/.exec(option)?.[1] ?? []);
  return Number(texts.at(-1) ?? 0);
}

/** The sandbox's object; undefined if none of its networks has names. */
export function resolver(
  sandbox: Sandbox,
  places: readonly Place[],
  facts: HostFacts | undefined,
): HostObject | undefined {
  const named = places.filter(({ network }) => hasNames(network));
  if (named.length === 0 || sandbox.desired?.hostNamespace || sandbox.desired?.sharedWithId) return undefined;
  const { servers: own = [], options = [] } = sandbox.spec?.dns ?? {};
  // The host is asked from the host, so servers on its loopback can be; 127.0.0.11 is ourselves.
  const servers = (own.length > 0 ? own : (facts?.resolvers ?? [])).filter((one) => one !== '127.0.0.11');
  return hostObject({
    $case: 'resolver',
    value: {
      sandboxId: sandbox.id,
      networks: named.map(({ network, endpoint }) => ({ networkId: network.id, links: linksOf(endpoint) })),
      servers,
      serversInSandbox: own.length > 0,
      internal: places.every(({ network }) => network.desired?.internal),
      ndots: ndotsOf(options.length > 0 ? options : (facts?.resolverOptions ?? [])),
    },
  });
}
