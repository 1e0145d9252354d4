import { expect, test } from 'vitest';
import { alignColumns } from './columns.ts';
import { naturalOrder } from './natural-order.ts';
import { goTime, rfc3339, rfc3339Nano } from './time.ts';

test('columns are 10 wide at least, 3 apart, and a block ends where a line has fewer cells', () => {
  expect(alignColumns('A\tB\tC\na-longer-one\t\tc\n')).toBe('A              B         C\na-longer-one             c\n');
  expect(alignColumns('ä\tb\n')).toBe('ä         b\n');
  expect(alignColumns('a\tb\nno cells\nlonger-than-ten\tb\n')).toBe('a         b\nno cells\nlonger-than-ten   b\n');
  expect(alignColumns('')).toBe('');
});

test('names are in the order of their numbers', () => {
  const names = ['web10', 'web9', 'Alpha', 'a', 'web', 'web09', 'web9a'];
  expect(names.sort(naturalOrder)).toEqual(['Alpha', 'a', 'web', 'web9', 'web9a', 'web09', 'web10']);
});

test.each([
  [
    '2026-01-02T03:04:05.120Z',
    '2026-01-02T03:04:05.12Z',
    '2026-01-02T03:04:05.120000000Z',
    '2026-01-02 03:04:05.12 +0000 UTC',
  ],
  ['2026-01-02T03:00:00Z', '2026-01-02T03:00:00Z', '2026-01-02T03:00:00.000000000Z', '2026-01-02 03:00:00 +0000 UTC'],
])('the time %s', (text, short, nano, go) => {
  const date = new Date(text);
  expect([rfc3339(date), rfc3339Nano(date), goTime(date)]).toEqual([short, nano, go]);
});

test('no time is Go\u2019s zero time', () => {
  expect([rfc3339(undefined), rfc3339Nano(undefined), goTime(undefined)]).toEqual([
    '0001-01-01T00:00:00Z',
    '0001-01-01T00:00:00.000000000Z',
    '0001-01-01 00:00:00 +0000 UTC',
  ]);
});
