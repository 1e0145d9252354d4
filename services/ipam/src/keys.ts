// The key schema of ipam's store. Values are protobuf (weft/ipam/v1/stored.proto). Nobody else reads or writes it.
//
//   space/<address space>            (empty)        its revision fences the choice of pools in the space
//   pool/<pool id>                   StoredPool     with its gateway and auxiliary addresses
//   lease/<pool id>/<address>        StoredLease
//   owner/<pool id>/<owner>          (empty)        there is a lease of the owner's in the pool: fences a second one
//   released/<pool id>/<address>     StoredRelease  only inside the part that addresses are chosen from
//   number/<range>/<number>          StoredLease
//   user/<range>/<owner>             (empty)        as `owner`, of numbers
//   spent/<range>/<number>           StoredRelease
//   gone/<owner>                     (empty)        the owner was released: a lease that comes later is refused. On a shared store alone, for an hour
//   last                             (empty)        put by every transaction, so its revision is the last one's
//
// An address is in `lease` or in `released` or in neither, never in both: the transactions keep that.

export const PREFIXES = {
  pools: 'pool/',
  leases: 'lease/',
  releases: 'released/',
  numbers: 'number/',
  spent: 'spent/',
  spaces: 'space/',
} as const;

export const lastKey = 'last';
export const goneLead = 'gone/';

export const goneKey = (owner: string): string => `${goneLead}${owner}`;
export const spaceKey = (space: string): string => `${PREFIXES.spaces}${space}`;
export const poolKey = (poolId: string): string => `${PREFIXES.pools}${poolId}`;
export const leasesOf = (poolId: string): string => `${PREFIXES.leases}${poolId}/`;
export const releasesOf = (poolId: string): string => `${PREFIXES.releases}${poolId}/`;
export const ownersOf = (poolId: string): string => `owner/${poolId}/`;
export const usersOf = (range: string): string => `user/${range}/`;
export const numbersOf = (range: string): string => `${PREFIXES.numbers}${range}/`;
export const spentOf = (range: string): string => `${PREFIXES.spent}${range}/`;

/** `lease/<scope>/<item>` as [scope, item]. */
export function splitKey(key: string): readonly [scope: string, item: string] {
  const [, scope, item] = key.split('/');
  if (scope === undefined || item === undefined) throw new Error(`the store has a key of another schema: ${key}`);
  return [scope, item];
}
