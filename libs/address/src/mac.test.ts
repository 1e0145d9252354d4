import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMac, macOf, macToBytes, parseAddress, parseMac } from './index.ts';

describe('macOf', () => {
  it('is 02:42 and the four bytes, as Docker has it', () => {
    expect(macOf(parseAddress('172.17.0.2')!)).toBe('02:42:ac:11:00:02');
    expect(macOf(parseAddress('fd00::2')!)).toBeUndefined();
  });
});

describe('parseMac', () => {
  it.each([
    ['02:42:AC:11:00:02', '02:42:ac:11:00:02'],
    ['02-42-ac-11-00-02', '02:42:ac:11:00:02'],
  ])('reads %s', (text, mac) => {
    expect(parseMac(text)).toBe(mac);
  });

  it.each([
    '',
    '02:42:ac:11:00',
    '02:42:ac:11:00:02:03',
    '02:42-ac:11:00:02',
    '2:42:ac:11:0:2',
    '01:00:5e:00:00:01',
    '00:00:00:00:00:00',
    'ff:ff:ff:ff:ff:ff',
  ])('refuses %j', (text) => {
    expect(parseMac(text)).toBeUndefined();
  });

  it('is undone by macToBytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        expect(macToBytes(formatMac(bytes)!)).toEqual(bytes);
      }),
    );
    expect(formatMac(new Uint8Array(5))).toBeUndefined();
  });
});
