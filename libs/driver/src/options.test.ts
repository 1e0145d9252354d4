import { Reason } from '@weft/fault';
import { OptionType } from '@weft/proto/driver';
import { expect, test } from 'vitest';
import { distance, type OptionSpec, readOptions } from './options.ts';

const specs: readonly OptionSpec[] = [
  { key: 'com.x.flag', type: OptionType.BOOL, defaultValue: 'true', meaning: '' },
  { key: 'com.x.count', type: OptionType.UINT, defaultValue: '', meaning: '' },
  { key: 'com.x.mode', type: OptionType.ENUM, defaultValue: '', meaning: '', values: ['nat', 'routed'] },
  {
    key: 'com.x.short',
    type: OptionType.STRING,
    defaultValue: '',
    meaning: '',
    check: (value) => (value.length < 4 ? undefined : 'short'),
  },
];
const read = (given: Record<string, string>) => readOptions(specs, given, ['com.x.'], others);
const others: readonly OptionSpec[] = [
  { key: 'com.x.ep', type: OptionType.STRING, defaultValue: '', meaning: '', endpoint: true },
];

test.each([
  [{}, { 'com.x.flag': 'true' }],
  [{ 'com.x.flag': '0' }, { 'com.x.flag': 'false' }],
  [{ 'com.x.flag': '' }, { 'com.x.flag': 'true' }],
  [{ 'com.x.count': '007' }, { 'com.x.flag': 'true', 'com.x.count': '7' }],
  [
    { 'com.x.mode': 'nat', 'org.other': 'kept' },
    { 'com.x.flag': 'true', 'com.x.mode': 'nat', 'org.other': 'kept' },
  ],
])('%j reads as %j', (given, values) => {
  expect(read(given as Record<string, string>)).toEqual({ values, faults: [] });
});

test.each([
  [{ 'com.x.flag': 'maybe' }, Reason.INVALID_OPTION, 'option com.x.flag: "maybe" is not true or false'],
  [{ 'com.x.flag': 'constructor' }, Reason.INVALID_OPTION, 'option com.x.flag: "constructor" is not true or false'],
  [{ 'com.x.count': '-1' }, Reason.INVALID_OPTION, 'option com.x.count: "-1" is not a whole number from 0'],
  [{ 'com.x.mode': 'x' }, Reason.INVALID_OPTION, 'option com.x.mode: "x" is not one of nat, routed'],
  [{ 'com.x.short': 'too long' }, Reason.INVALID_OPTION, 'option com.x.short: "too long" is not short'],
  [{ 'com.y.flag': 'true' }, Reason.UNKNOWN_OPTION, 'unknown option com.y.flag; did you mean com.x.flag?'],
  [{ 'com.x.ep': 'true' }, Reason.UNKNOWN_OPTION, 'option com.x.ep belongs to endpoints'],
  [{ 'com.x.flog': 'true' }, Reason.UNKNOWN_OPTION, 'unknown option com.x.flog; did you mean com.x.flag?'],
])('%j is refused', (given, reason, message) => {
  expect(read(given as Record<string, string>).faults.map((one) => [one.reason, one.message])).toEqual([
    [reason, message],
  ]);
});

test.each([
  ['', 'abc', 3],
  ['abc', 'abc', 0],
  ['kitten', 'sitting', 3],
  ['flag', 'flog', 1],
])('distance of %j and %j is %i', (a, b, expected) => {
  expect(distance(a, b)).toBe(expected);
});
