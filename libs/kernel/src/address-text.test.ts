import { describe, expect, it } from 'vitest';
import { ipBytes, ipText, macBytes, macText, prefix } from './address-text.ts';

describe('address text', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['fd00::', 'fd00::'],
    ['fd00:0:0:1:0:0:0:2', 'fd00:0:0:1::2'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:2:0:0:3', '1::2:2:0:0:3'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['FE80::A:B', 'fe80::a:b'],
  ])('%s -> %s', (text, canonical) => expect(ipText(ipBytes(text))).toBe(canonical));

  it.each(['', '10.0.0', 'fe80::1%eth0', '1::2::3', 'x'])('refuses "%s"', (text) =>
    expect(() => ipBytes(text)).toThrow(TypeError),
  );

  it('reads prefixes', () => {
    expect(prefix('10.1.0.0/16')).toEqual({ family: 2, bytes: Buffer.from([10, 1, 0, 0]), length: 16 });
    expect(prefix('::1').length).toBe(128);
    for (const text of ['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/x', '::/129'])
      expect(() => prefix(text)).toThrow(TypeError);
  });

  it('reads MACs', () => {
    expect(macText(macBytes('02:42:0A:00:00:02'))).toBe('02:42:0a:00:00:02');
    expect(() => macBytes('02:42')).toThrow(TypeError);
  });
});
