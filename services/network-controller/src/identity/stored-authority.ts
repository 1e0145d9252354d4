// The cluster's CA as the store keeps it: made once, by whichever controller compares first, so that every replica on the
// store issues with the same. Whoever can read the store can issue certificates: it is the root of trust.
import { type Authority, makeAuthority, openAuthority } from '@weft/identity';
import { StoredAuthority } from '@weft/proto/controller';
import { identityKey } from '../state/keys.ts';
import { type Ledger, untilCommitted } from '../state/ledger.ts';

export interface AuthorityClock {
  /** ms since 1970. */
  readonly now: () => number;
  /** How long certificates live, in ms. */
  readonly leafMs?: number;
}

/** Undefined if the store has none: no weft on it was started with --listen. */
export async function readAuthority({ store }: Ledger, clock: AuthorityClock): Promise<Authority | undefined> {
  const stored = await store.get(identityKey.authority);
  if (stored === undefined) return undefined;
  const { clusterId, certificate, key } = StoredAuthority.decode(stored.value);
  return await openAuthority({ cluster: clusterId, certificate, key }, clock);
}

/** The one there is, or a new one. */
export async function ensureAuthority(ledger: Ledger, clock: AuthorityClock): Promise<Authority> {
  return await untilCommitted(async () => {
    const known = await readAuthority(ledger, clock);
    if (known !== undefined) return known;
    const { cluster, certificate, key } = await makeAuthority(clock);
    const value = StoredAuthority.encode({ clusterId: cluster, certificate, key }).finish();
    await ledger.commit([{ key: identityKey.authority, modRevision: 0n }], [{ put: identityKey.authority, value }]);
    return await openAuthority({ cluster, certificate, key }, clock);
  });
}
