// The lowest subnet of a size that nothing blocks. Pure. It jumps from blocker to blocker, never from subnet to subnet.
import { addressBits, lastValue, makePrefix, type Prefix, prefixSize } from '@weft/address';

/** Any prefix that overlaps the candidate, or undefined. */
export type Blocker = (candidate: Prefix) => Prefix | undefined;

/** The lowest subnet of `length` inside `base`, at or after the number `from`, that is not blocked. */
export function chooseSubnet(base: Prefix, length: number, from: bigint, blocker: Blocker): Prefix | undefined {
  if (length < base.length) return undefined;
  const hostBits = BigInt(addressBits(base.family) - length);
  const size = 1n << hostBits;
  const alignUp = (value: bigint) => ((value + size - 1n) >> hostBits) << hostBits;
  let value = alignUp(from > base.value ? from : base.value);
  const end = base.value + prefixSize(base);
  while (value + size <= end) {
    const candidate = makePrefix(base.family, value, length)!;
    const blocked = blocker(candidate);
    if (!blocked) return candidate;
    value = alignUp(lastValue(blocked) + 1n);
  }
  return undefined;
}
