// Who a certificate says its holder is: a URI among its alternative names. Pure.
//   weft://<cluster>/controller          serves and may do everything; services behind a controller have it too
//   weft://<cluster>/host/<host id>      the agent of this host
//   weft://<cluster>/operator/<name>     a person or program that uses the public API; on a joined machine the name is its host id

export type Role =
  | { readonly kind: 'controller' }
  | { readonly kind: 'host'; readonly hostId: string }
  | { readonly kind: 'operator'; readonly name: string };

export interface Identity {
  /** The cluster's id: 32 hexadecimal digits. */
  readonly cluster: string;
  readonly role: Role;
}

/** What certificates of controllers are called, so that clients can check the name whatever the address is. */
export const serverName = 'weft-controller';

export function uriOf({ cluster, role }: Identity): string {
  if (role.kind === 'controller') return `weft://${cluster}/controller`;
  return `weft://${cluster}/${role.kind}/${role.kind === 'host' ? role.hostId : role.name}`;
}

/** Undefined for every URI that uriOf does not write. */
export function identityOf(uri: string): Identity | undefined {
  const [, cluster, kind, rest] =
    /^weft:\/\/([0-9a-f]{32})\/(controller|host|operator)(?:\/([\w.-]{1,128}))?$/.exec(uri) ?? [];
  if (cluster === undefined) return undefined;
  if (kind === 'controller') return rest === undefined ? { cluster, role: { kind } } : undefined;
  if (kind === 'host') return isHostId(rest) ? { cluster, role: { kind, hostId: rest } } : undefined;
  return rest === undefined ? undefined : { cluster, role: { kind: 'operator', name: rest } };
}

/** For logs and faults: "host 3f2a5c7d9e0b". */
export function roleText(role: Role): string {
  if (role.kind === 'controller') return 'controller';
  return role.kind === 'host' ? `host ${role.hostId.slice(0, 12)}` : `operator ${role.name.slice(0, 12)}`;
}

function isHostId(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f]{64}$/.test(text);
}
