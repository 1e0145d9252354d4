import { formatPrefix, parsePrefix } from '@weft/address';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseSubnet } from './choose-subnet.ts';
import { type Base, defaultBases, GLOBAL, LOCAL, parseBase, uniqueLocal } from './default-pools.ts';
import { PrefixSet } from './prefix-set.ts';

const texts = (bases: readonly Base[] = []) => bases.map(({ base, length }) => `${formatPrefix(base)} ${length}`);
const prefix = (text: string) => parsePrefix(text)!;

describe('defaultBases', () => {
  it("are Docker's, and a ULA of the store for each address space", () => {
    const bases = defaultBases('store', []);
    const count = bases.get(LOCAL)!.filter(({ base }) => base.family === 4);
    expect(count.reduce((sum, { base, length }) => sum + 2 ** (length - base.length), 0)).toBe(31);
    expect(texts(bases.get(GLOBAL))[0]).toBe('10.0.0.0/8 24');
    const ulas = [bases.get(LOCAL)!.at(-1)!, bases.get(GLOBAL)!.at(-1)!];
    expect(new Set(texts(ulas)).size).toBe(2);
    for (const text of texts(ulas)) expect(text).toMatch(/^fd[0-9a-f:]+::\/48 64$/);
  });

  it('are replaced by what is named, of its family only, in order and without repetition', () => {
    const named = ['base=10.8.0.0/16,size=24', 'base=10.1.0.0/16,size=20', 'base=10.8.1.0/24,size=28'].map(parseBase);
    const bases = defaultBases('store', [...named, named[0]!]);
    expect(texts(bases.get(LOCAL))).toEqual([
      ...['10.1.0.0/16 20', '10.8.0.0/16 24'],
      ...texts([uniqueLocal('store')]),
    ]);
    const v6 = defaultBases('store', [parseBase('base=fd00:1::/48,size=64')]);
    expect(texts(v6.get(LOCAL)).slice(-2)).toEqual(['192.168.0.0/16 20', 'fd00:1::/48 64']);
  });
});

describe('uniqueLocal', () => {
  it('is the same for the same store, with the bits that Docker takes', () => {
    // printf store | sha256sum: 824d80d71985f082...; the low 40 bits of these 8 bytes are d71985f082.
    expect(texts([uniqueLocal('store')])).toEqual(['fdd7:1985:f082::/48 64']);
    expect(texts([uniqueLocal('other')])).not.toEqual(texts([uniqueLocal('store')]));
  });
});

describe('parseBase', () => {
  it.each([
    ['', 'it is not base=CIDR,size=N'],
    ['base=10.0.0.0/8', 'it is not base=CIDR,size=N'],
    ['size=24,base=10.0.0.0/8,', 'it is not base=CIDR,size=N'],
    ['base=10.0.0.0/8,size=x', 'it is not base=CIDR,size=N'],
    ['base=10.0.0.0,size=24', '10.0.0.0 is not a subnet'],
    ['base=10.0.0.0/16,size=8', 'a pool of /8 is larger than its base 10.0.0.0/16'],
    ['base=10.0.0.0/16,size=33', 'there are no pools of /33'],
  ])('refuses "%s"', (text, why) => {
    expect(() => parseBase(text)).toThrow(`--default-address-pool "${text}": ${why}`);
  });

  it('drops host bits, as Docker does', () => {
    expect(texts([parseBase('base=10.0.0.1/16,size=24')])).toEqual(['10.0.0.0/16 24']);
  });
});

describe('chooseSubnet', () => {
  it.each([
    ['10.0.0.0/8', 24, [], '10.0.0.0/24'],
    ['10.0.0.0/8', 24, ['10.0.0.0/25'], '10.0.1.0/24'],
    ['10.0.0.0/8', 24, ['10.0.0.0/9', '10.128.0.0/24'], '10.128.1.0/24'],
    ['10.0.0.0/24', 24, ['10.0.0.128/32'], undefined],
    ['10.0.0.0/24', 26, ['10.0.0.0/26', '10.0.0.65/32'], '10.0.0.128/26'],
    ['10.0.0.0/24', 16, [], undefined],
    ['255.255.0.0/16', 17, ['255.255.0.0/17'], '255.255.128.0/17'],
    ['255.255.0.0/16', 17, ['255.255.0.0/16'], undefined],
    ['fd00::/48', 64, ['fd00::/50'], 'fd00:0:0:4000::/64'],
  ])('of %s /%s beside %s is %s', (base, length, taken, expected) => {
    const set = new PrefixSet<{ subnet: ReturnType<typeof prefix> }>();
    for (const text of taken) set.add({ subnet: prefix(text) });
    const chosen = chooseSubnet(prefix(base), length, 0n, (one) => set.overlapping(one)?.subnet);
    expect(chosen && formatPrefix(chosen)).toBe(expected);
  });

  it('takes every subnet of a base once, in order, whatever is in the way', () => {
    const other = fc.record({ value: fc.nat(255), length: fc.integer({ min: 26, max: 32 }) });
    fc.assert(
      fc.property(fc.array(other, { maxLength: 6 }), (others) => {
        const set = new PrefixSet<{ subnet: ReturnType<typeof prefix> }>();
        const covered = new Set<number>();
        for (const { value, length } of others) {
          const start = (value >> (32 - length)) << (32 - length);
          const subnet = prefix(`10.0.0.${start}/${length}`);
          const members = Array.from({ length: 2 ** (32 - length) }, (_, index) => start + index);
          expect(set.overlapping(subnet) !== undefined).toBe(members.some((member) => covered.has(member)));
          if (set.overlapping(subnet)) continue;
          set.add({ subnet });
          for (const member of members) covered.add(member);
        }
        for (let start = 0; start < 256; start += 8) {
          if (Array.from({ length: 8 }, (_, index) => covered.has(start + index)).includes(true)) continue;
          const chosen = chooseSubnet(prefix('10.0.0.0/24'), 29, 0n, (one) => set.overlapping(one)?.subnet)!;
          expect(formatPrefix(chosen)).toBe(`10.0.0.${start}/29`);
          set.add({ subnet: chosen });
        }
      }),
    );
  });
});
