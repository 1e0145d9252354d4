// Whom to ask for names that are not ours. Refuses what would lead back to a resolver of ours.

/** An upstream resolver. */
export interface Server {
  /** IPv4 or IPv6, canonical text. */
  readonly address: string;
  readonly port: number;
  /** The network stack that asks it: 'host', or a sandbox's id; the transport knows what that means. */
  readonly via: string;
}

/** Servers in the order of trust. Equal sets have equal keys, and share answers. */
export interface ForwarderSet {
  readonly key: string;
  readonly servers: readonly Server[];
}

/** Where every sandbox has its own resolver. */
const EMBEDDED = '127.0.0.11';

/** A set without 127.0.0.11, doubles, and what `isOurs` says is a listener of weft's. */
export function makeForwarders(servers: readonly Server[], isOurs: (server: Server) => boolean): ForwarderSet {
  const kept = new Map<string, Server>();
  for (const server of servers) {
    if (server.address === EMBEDDED || isOurs(server)) continue;
    const key = `${server.via} ${server.address} ${server.port}`;
    if (!kept.has(key)) kept.set(key, server);
  }
  return { key: [...kept.keys()].join(','), servers: [...kept.values()] };
}
