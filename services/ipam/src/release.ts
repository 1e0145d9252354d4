// Decides what giving back means in the store: the lease goes, its release is remembered, and when too many are
// remembered the oldest is forgotten. What is not there is no error.
import { StoredRelease } from '@weft/proto/ipam';
import type { Revision } from '@weft/store';
import { type Allocation, REMEMBERED_RELEASES } from './allocation.ts';
import { Draft } from './draft.ts';
import type { IpamIndex } from './ipam-index.ts';
import { goneKey, leasesOf, numbersOf, ownersOf, poolKey, releasesOf, spentOf, usersOf } from './keys.ts';
import { isOwner } from './owner.ts';
import { addressText, type Pool } from './pool.ts';

/** One compare and five operations a lease must fit a transaction. */
const LEASES_A_DRAFT = 24;

interface Held {
  readonly allocation: () => Allocation;
  readonly number: bigint;
  readonly leases: string;
  readonly ownerKey: string;
  readonly releases: string;
  readonly textOf: (number: bigint) => string;
}

interface ReleaseOptions {
  /** Marks the owners as gone, also those that hold nothing: a lease on its way to one of them is refused from then on. */
  readonly marks?: boolean;
  /** How many releases are remembered for each pool. */
  readonly remember?: number;
}

/** Everything the owners hold, addresses and numbers, given back in one draft or several. */
export function releaseOwners(
  index: IpamIndex,
  owners: readonly string[],
  { marks = false, remember = REMEMBERED_RELEASES }: ReleaseOptions = {},
): Draft[] {
  const all = [...new Set(owners)].flatMap((owner): { owner: string; held?: Held }[] => {
    const its = [...addresses(index, owner), ...numbers(index, owner)].map((held) => ({ owner, held }));
    return its.length === 0 && marks && isOwner(owner) ? [{ owner }] : its;
  });
  const drafts: Draft[] = [];
  for (let start = 0; start < all.length; start += LEASES_A_DRAFT) {
    const draft = new Draft();
    const some = all.slice(start, start + LEASES_A_DRAFT);
    for (const { held } of some) if (held) giveBack(index, held, draft, remember);
    if (marks) for (const owner of new Set(some.map((one) => one.owner))) markGone(owner, draft);
    drafts.push(draft);
  }
  return drafts;
}

export function markGone(owner: string, draft: Draft): void {
  draft.ops.push({ put: goneKey(owner), value: new Uint8Array(0) });
}

function addresses(index: IpamIndex, owner: string): Held[] {
  return index.addressesOf(owner).map(([pool, number]) => ({
    allocation: () => pool.addresses,
    ...{ number, leases: leasesOf(pool.id), ownerKey: `${ownersOf(pool.id)}${owner}`, releases: releasesOf(pool.id) },
    textOf: (value) => addressText(pool, value),
  }));
}

function numbers(index: IpamIndex, owner: string): Held[] {
  return index.numbersOf(owner).map(([range, number]) => ({
    allocation: () => range.allocation,
    ...{
      number,
      leases: numbersOf(range.name),
      ownerKey: `${usersOf(range.name)}${owner}`,
      releases: spentOf(range.name),
    },
    textOf: String,
  }));
}

function giveBack(index: IpamIndex, held: Held, draft: Draft, remember: number): void {
  const { allocation, number } = held;
  const key = `${held.leases}${held.textOf(number)}`;
  const revision = allocation().holder(number)?.revision ?? 0n;
  draft.compares.push({ key, modRevision: revision as Revision });
  draft.ops.push({ delete: key }, { delete: held.ownerKey });
  const order = index.takeOrder();
  if (!allocation().contains(number)) return;
  draft.ops.push({
    ...{ put: `${held.releases}${held.textOf(number)}`, value: StoredRelease.encode({ order }).finish() },
  });
  if (allocation().remembered >= remember) forgetOldest(held, draft);
}

function forgetOldest({ allocation, releases, textOf }: Held, draft: Draft): void {
  const oldest = allocation().forgetOldest();
  if (!oldest) return;
  draft.ops.push({ delete: `${releases}${textOf(oldest.number)}` });
  draft.onRollback(() => allocation().unforget(oldest));
}

/** A pool of an owner and all that is kept of it. */
export function releasePool(pool: Pool, draft: Draft): void {
  draft.compares.push({ key: poolKey(pool.id), modRevision: pool.revision as Revision });
  draft.ops.push({ delete: poolKey(pool.id) });
  for (const below of [leasesOf, ownersOf, releasesOf]) draft.ops.push({ deletePrefix: below(pool.id) });
}
