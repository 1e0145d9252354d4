// IP addresses, prefixes and MACs as branded values, pure. Text is read here once and never passed on as a string.
export {
  type Address,
  addressBits,
  compareAddresses,
  type Family,
  formatAddress,
  makeAddress,
  parseAddress,
  sameAddress,
} from './address.ts';
export { addressFromBytes, addressToBytes } from './bytes.ts';
export { type Cidr, formatCidr, hasHostBits, parseCidr } from './cidr.ts';
export { formatMac, type Mac, macOf, macToBytes, parseMac } from './mac.ts';
export {
  comparePrefixes,
  containsAddress,
  containsPrefix,
  formatPrefix,
  lastValue,
  makePrefix,
  nthAddress,
  overlaps,
  type Prefix,
  parsePrefix,
  prefixOf,
  prefixSize,
  samePrefix,
} from './prefix.ts';
