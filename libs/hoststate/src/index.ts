export { type HostObject, hostObject, type Kind, keyOf, type ObjectKey, type Spec } from './key.ts';
export { type NftField, type NftSet, type NftSetName, nftSets } from './nft-sets.ts';
