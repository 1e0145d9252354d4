import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyAddress, ipv6Value } from './arbitrary.ts';
import {
  type Address,
  addressFromBytes,
  addressToBytes,
  compareAddresses,
  formatAddress,
  makeAddress,
  parseAddress,
  sameAddress,
} from './index.ts';

describe('parseAddress', () => {
  it.each([
    ['0.0.0.0', 4, 0n],
    ['192.0.2.1', 4, 0xc0000201n],
    ['255.255.255.255', 4, 0xffffffffn],
    ['::', 6, 0n],
    ['::1', 6, 1n],
    ['2001:db8::8:800:200c:417a', 6, 0x20010db80000000000080800200c417an],
    ['2001:DB8:0:0:8:800:200C:417A', 6, 0x20010db80000000000080800200c417an],
    ['1::', 6, 1n << 112n],
    ['1:2:3:4:5:6:7::', 6, 0x00010002000300040005000600070000n],
    ['64:ff9b::192.0.2.33', 6, 0x0064ff9b0000000000000000c0000221n],
  ] as const)('reads %s', (text, family, value) => {
    expect(parseAddress(text)).toEqual({ family, value });
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    '0x1.2.3.4',
    '1..2.3',
    '-1.2.3.4',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1::2::3',
    '12345::',
    'g::',
    '::1.2.3',
    '1.2.3.4::',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%eth0',
    '[::1]',
    '::ffff:192.0.2.1',
    '::ffff:c000:201',
    '1::/64',
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe('formatAddress', () => {
  // RFC 5952 section 4.
  it.each([
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::AAAA', '2001:db8::aaaa'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['192.000002.1', undefined],
  ])('%s is %s', (text, canonical) => {
    const address = parseAddress(text);
    expect(address && formatAddress(address)).toBe(canonical);
  });

  it('agrees with the URL standard on every IPv6 address', () => {
    fc.assert(
      fc.property(ipv6Value, (value) => {
        const address = makeAddress(6, value);
        fc.pre(address !== undefined);
        expect(`[${formatAddress(address)}]`).toBe(new URL(`http://[${groups(value)}]/`).hostname);
      }),
    );
  });

  it('is undone by parseAddress, and bytes are undone by addressFromBytes', () => {
    fc.assert(
      fc.property(anyAddress, (address) => {
        expect(parseAddress(formatAddress(address))).toEqual(address);
        expect(addressFromBytes(addressToBytes(address))).toEqual(address);
      }),
    );
  });
});

describe('makeAddress', () => {
  it.each([
    [4, -1n],
    [4, 1n << 32n],
    [6, 1n << 128n],
    [6, 0xffff_0000_0000n],
  ] as const)('refuses %s %s', (family, value) => {
    expect(makeAddress(family, value)).toBeUndefined();
  });
});

describe('order', () => {
  it('is by family, then by number', () => {
    const sorted = ['::', '10.0.0.2', '10.0.0.1'].map((text) => parseAddress(text) as Address).sort(compareAddresses);
    expect(sorted.map(formatAddress)).toEqual(['10.0.0.1', '10.0.0.2', '::']);
    expect(sameAddress(sorted[0]!, sorted[0]!)).toBe(true);
    expect(sameAddress(parseAddress('0.0.0.0')!, parseAddress('::')!)).toBe(false);
  });
});

describe('addressFromBytes', () => {
  it('refuses other lengths and IPv4-mapped addresses', () => {
    expect(addressFromBytes(new Uint8Array(5))).toBeUndefined();
    expect(addressFromBytes(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4))).toBeUndefined();
  });
});

function groups(value: bigint): string {
  return value.toString(16).padStart(32, '0').match(/.{4}/g)!.join(':');
}
