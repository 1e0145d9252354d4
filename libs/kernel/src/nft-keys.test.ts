import { describe, expect, it } from 'vitest';
import { decodeFields, encodeFields, intervalPrefix, type NftField, prefixInterval } from './nft-keys.ts';

describe('nft keys', () => {
  it.each<[NftField[], string[], string]>([
    [['inet_service'], ['80'], '0050'],
    [['inet_proto', 'inet_service'], ['tcp', '8080'], '060000001f900000'],
    [['ipv4_addr', 'inet_service'], ['10.0.0.2', '80'], '0a00000200500000'],
    [['ether_addr', 'mark'], ['02:42:0a:00:00:02', '0x00000001'], '02420a0000020000' + '01000000'],
    [['ifname'], ['eth0'], `65746830${'00'.repeat(12)}`],
    [['ifname', 'ifname'], ['a', 'b'], `61${'00'.repeat(15)}62${'00'.repeat(15)}`],
  ])('%s %s', (types, values, hex) => {
    const bytes = encodeFields(types, values);
    expect(bytes.toString('hex')).toBe(hex);
    expect(decodeFields(types, bytes)).toEqual(values);
  });

  it.each<[NftField[], string[]]>([
    [['inet_service'], ['65536']],
    [['inet_proto'], ['nothing']],
    [['ifname'], ['sixteen-letters!']],
    [['ipv4_addr'], ['::1']],
    [['ipv4_addr', 'mark'], ['1.2.3.4']],
  ])('refuses %s %s', (types, values) => expect(() => encodeFields(types, values)).toThrow(TypeError));

  it.each([
    ['10.0.0.0/8', '0a000000', '0b000000'],
    ['10.0.0.3/32', '0a000003', '0a000004'],
    ['255.0.0.0/8', 'ff000000', undefined],
    ['0.0.0.0/0', '00000000', undefined],
    ['fd00::/64', `fd${'00'.repeat(15)}`, `fd000000000000010000000000000000`],
  ])('%s as an interval', (text, first, behind) => {
    const { start, end } = prefixInterval(text);
    expect([start.toString('hex'), end?.toString('hex')]).toEqual([first, behind]);
    expect(intervalPrefix(start, end)).toBe(text);
  });
});
