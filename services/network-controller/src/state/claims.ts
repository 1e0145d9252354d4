// What networks of a driver claim: each claim a key, held by one network alone or shared by those that say so. The value is the
// id of the network, or "shared" and the ids. Comparing the key's revision decides a race. Pure.
import type { Network } from '@weft/proto/model';
import type { Compare, Op } from '@weft/store';
import { prefix } from './keys.ts';
import type { View } from './view.ts';

const SHARED = 'shared ';

export interface Claim {
  readonly key: string;
  /** As users know it: "bridge mybridge", "parent eth0". */
  readonly text: string;
  readonly isShared: boolean;
}

type Claiming = Pick<Network, 'desired'>;

const claimsOf = ({ desired }: Claiming): Claim[] =>
  (desired?.claims ?? []).map((claim) => {
    const isShared = claim.startsWith(SHARED);
    const text = isShared ? claim.slice(SHARED.length) : claim;
    return { key: `${prefix.claim}${desired?.driver}/${text}`, text, isShared };
  });

interface Holders {
  readonly isShared: boolean;
  readonly ids: readonly string[];
}

const holdersOf = (view: View, { key }: Claim): Holders => {
  const value = view.claimValue(key);
  if (value === undefined) return { isShared: true, ids: [] };
  return value.startsWith(SHARED)
    ? { isShared: true, ids: value.slice(SHARED.length).split(' ') }
    : { isShared: false, ids: [value] };
};

/** The first claim that another network holds in a way that excludes this one, with that network's id. */
export function heldClaim(view: View, network: Claiming): { claim: Claim; holder: string } | undefined {
  for (const claim of claimsOf(network)) {
    const { isShared, ids } = holdersOf(view, claim);
    if (ids[0] !== undefined && !(isShared && claim.isShared)) return { claim, holder: ids[0] };
  }
  return undefined;
}

interface Change {
  readonly compares: Compare[];
  readonly ops: Op[];
}

const change = (view: View, claims: readonly Claim[], ids: (claim: Claim) => readonly string[]): Change => ({
  compares: claims.map(({ key }) => ({ key, modRevision: view.marks.get(key) ?? (0n as const) })),
  ops: claims.map((claim): Op => {
    const left = ids(claim);
    if (left.length === 0) return { delete: claim.key };
    return { put: claim.key, value: Buffer.from(`${claim.isShared ? SHARED : ''}${left.join(' ')}`) };
  }),
});

/** Takes a network's claims; none of them is held so that it excludes this one. */
export const takeClaims = (view: View, network: Network): Change =>
  change(view, claimsOf(network), (claim) => [...holdersOf(view, claim).ids, network.id]);

/** Gives them back; what others share stays theirs. Nothing where it is not held any more. */
export const giveBackClaims = (view: View, network: Network): Change =>
  change(
    view,
    claimsOf(network).filter((claim) => holdersOf(view, claim).ids.includes(network.id)),
    (claim) => holdersOf(view, claim).ids.filter((id) => id !== network.id),
  );
