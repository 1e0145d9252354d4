export { diff, type HostChange } from './diff.ts';
export { hostText } from './host-text.ts';
export { type HostObject, hostObject, type Kind, keyOf, type ObjectKey, parseKey, type Spec } from './key.ts';
export { type NftField, type NftSet, type NftSetName, nftSets, type PortMapName, portMaps } from './nft-sets.ts';
export { type PortElement, portElement } from './port-element.ts';
export { protocolWord } from './protocol.ts';
export { inOrder, kinds, rankOf } from './rank.ts';
export { ACCEPT_MARK, type Chain, chains, FORWARD_MARK, type Rule } from './ruleset.ts';
export { sameObject, textOf, textOfAll } from './text.ts';
