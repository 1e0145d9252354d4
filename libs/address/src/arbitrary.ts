// fast-check generators for this library's own tests. Not exported by the public door.
import fc from 'fast-check';
import { type Address, makeAddress } from './address.ts';
import { type Prefix, prefixOf } from './prefix.ts';

/** 128-bit numbers in which runs of zero groups are frequent, so that `::` is exercised. */
export const ipv6Value = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n));

export const anyAddress: fc.Arbitrary<Address> = fc
  .oneof(
    fc.bigInt({ min: 0n, max: 0xffffffffn }).map((value) => makeAddress(4, value)),
    ipv6Value.map((value) => makeAddress(6, value)),
  )
  .filter((address) => address !== undefined);

export const anyPrefix: fc.Arbitrary<Prefix> = fc
  .tuple(anyAddress, fc.integer({ min: 0, max: 128 }))
  .map(([address, length]) => prefixOf(address, address.family === 4 ? length % 33 : length))
  .filter((prefix) => prefix !== undefined);
