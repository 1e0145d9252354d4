export { diff, type HostChange } from './diff.ts';
export { type HostObject, hostObject, type Kind, keyOf, type ObjectKey, parseKey, type Spec } from './key.ts';
export { type NftField, type NftSet, type NftSetName, nftSets } from './nft-sets.ts';
export { inOrder, kinds, rankOf } from './rank.ts';
export { sameObject, textOf, textOfAll } from './text.ts';
