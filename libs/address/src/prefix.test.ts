import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyAddress, anyPrefix } from './arbitrary.ts';
import {
  comparePrefixes,
  containsAddress,
  containsPrefix,
  formatAddress,
  formatCidr,
  formatPrefix,
  hasHostBits,
  lastValue,
  makePrefix,
  nthAddress,
  overlaps,
  type Prefix,
  parseAddress,
  parseCidr,
  parsePrefix,
  prefixOf,
  prefixSize,
  samePrefix,
} from './index.ts';

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;

describe('parsePrefix', () => {
  it.each(['0.0.0.0/0', '10.0.0.0/8', '192.0.2.7/32', '::/0', 'fd00::/48', '2001:db8::1/128'])('reads %s', (text) => {
    expect(formatPrefix(prefix(text))).toBe(text);
  });

  it.each([
    '10.0.0.1/8',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '::/129',
    '::1/64',
    '/8',
    '1.2.3.4/',
  ])('refuses %s', (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });
});

describe('parseCidr', () => {
  it.each([
    ['172.17.0.1/16', '172.17.0.0/16', true],
    ['172.17.0.0/16', '172.17.0.0/16', false],
    ['fd00:0:0::9/64', 'fd00::/64', true],
    ['0.0.0.0/26', '0.0.0.0/26', false],
  ])('%s lies in %s', (text, subnet, host) => {
    const cidr = parseCidr(text)!;
    expect(formatPrefix(cidr.prefix)).toBe(subnet);
    expect(hasHostBits(cidr)).toBe(host);
    expect(parseCidr(formatCidr(cidr.address, cidr.prefix.length))).toEqual(cidr);
  });

  it.each([
    '',
    '/',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '010.0.0.0/8',
    '::ffff:10.0.0.0/104',
    'fe80::1%a/64',
    '10.0.0.0/+8',
  ])('refuses %j', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  it('agrees with our own core', () => {
    fc.assert(
      fc.property(anyAddress, fc.nat(128), (address, length) => {
        expect(parseCidr(`${formatAddress(address)}/${length}`)?.prefix).toEqual(prefixOf(address, length));
      }),
    );
  });
});

describe('relations', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.0/16', true],
    ['10.0.0.0/8', '11.0.0.0/8', false],
    ['0.0.0.0/0', '203.0.113.0/24', true],
    ['0.0.0.0/0', '::/0', false],
    ['fd00::/48', 'fd00:0:0:1::/64', true],
  ])('%s and %s overlap: %s', (a, b, answer) => {
    expect(overlaps(prefix(a), prefix(b))).toBe(answer);
    expect(overlaps(prefix(b), prefix(a))).toBe(answer);
    expect(containsPrefix(prefix(a), prefix(b))).toBe(answer);
  });

  it('contains what the operating system says it contains', () => {
    fc.assert(
      fc.property(anyPrefix, anyAddress, fc.bigInt(0n, (1n << 128n) - 1n), (subnet, other, seed) => {
        const list = new BlockList();
        const type = (family: 4 | 6) => (family === 4 ? 'ipv4' : 'ipv6');
        list.addSubnet(formatPrefix(subnet).split('/')[0]!, subnet.length, type(subnet.family));
        for (const address of [other, nthAddress(subnet, seed % prefixSize(subnet))]) {
          if (address && address.family === subnet.family) {
            expect(containsAddress(subnet, address)).toBe(list.check(formatAddress(address), type(address.family)));
          }
        }
      }),
    );
  });

  it('overlaps exactly when one contains the other', () => {
    fc.assert(
      fc.property(anyPrefix, anyPrefix, fc.nat(128), (a, b, length) => {
        expect(overlaps(a, b)).toBe(containsPrefix(a, b) || containsPrefix(b, a));
        const wider = makePrefix(a.family, a.value, length % (a.length + 1))!;
        expect(containsPrefix(wider, a)).toBe(true);
        expect(containsPrefix(a, wider)).toBe(samePrefix(a, wider));
      }),
    );
  });
});

describe('addresses of a prefix', () => {
  it('are counted and found by number', () => {
    expect(prefixSize(prefix('10.0.0.0/24'))).toBe(256n);
    expect(lastValue(prefix('10.0.0.0/24'))).toBe(parseAddress('10.0.0.255')!.value);
    expect(nthAddress(prefix('10.0.0.0/24'), 2n)).toEqual(parseAddress('10.0.0.2'));
    expect(nthAddress(prefix('10.0.0.0/24'), 256n)).toBeUndefined();
    expect(nthAddress(prefix('10.0.0.0/24'), -1n)).toBeUndefined();
    expect(nthAddress(prefix('fd00::/64'), 0xffff_ffff_ffff_ffffn)).toEqual(parseAddress('fd00::ffff:ffff:ffff:ffff'));
  });
});

describe('order', () => {
  it('is by family, network, then the wider first', () => {
    const sorted = ['::/0', '10.1.0.0/16', '10.0.0.0/16', '10.0.0.0/8'].map(prefix).sort(comparePrefixes);
    expect(sorted.map(formatPrefix)).toEqual(['10.0.0.0/8', '10.0.0.0/16', '10.1.0.0/16', '::/0']);
  });
});
