import { expect, it } from 'vitest';
import { type Dump, digestOf, dumpOf, linesOf } from './dump.ts';

const stores = ['ipam', 'network-controller'];
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const dump: Dump = new Map([
  ['ipam', [{ key: 'a/\u{10ffff}', value: Uint8Array.of(0, 255) }]],
  [
    'network-controller',
    [
      { key: 'b', value: bytes('') },
      { key: 'c', value: bytes('x'.repeat(1000)) },
    ],
  ],
]);
const head = '{"weft":"stores","format":1}';
const read = (lines: Iterable<string>) => dumpOf(lines, 'f', stores);

it('reads what it wrote', () => {
  expect(read([...linesOf(dump)])).toEqual(dump);
  expect(read(linesOf(new Map(stores.map((store) => [store, []]))))).toEqual(
    new Map(stores.map((store) => [store, []])),
  );
});

it('tells keys, values and stores apart', () => {
  const of = (store: string, key: string, value: string) =>
    digestOf(new Map([[store, [{ key, value: bytes(value) }]]]));
  const all = [of('a', 'b', 'c'), of('ab', '', 'c'), of('a', 'bc', ''), of('a', '', 'bc'), of('b', 'a', 'c')];
  expect(new Set(all).size).toBe(all.length);
});

it.each([
  [['not json'], 'f: line 1 is not of an export'],
  [['{"a":1}'], 'f: it is not an export of weft'],
  [['{"weft":"stores","format":9}'], 'f: its format is 9, this program knows 1'],
  [[head, '{"store":"agent","key":"a","value":""}'], 'f: line 2 is of a store agent, which is none of ipam'],
  [[head, '{"store":"ipam","key":1,"value":""}'], 'f: line 2 is not of an export'],
  [[head, 'null'], 'f: line 2 is not of an export'],
  [[head], 'f: it ends too early'],
  [[], 'f: it ends too early'],
  [[...linesOf(dump), head], 'f: line 6 comes after the end'],
  [[...linesOf(dump)].toSpliced(1, 1), 'f: it was changed since it was written'],
  [[...linesOf(dump)].map((line) => line.replace('AP8=', 'AP4=')), 'f: it was changed since it was written'],
])('refuses %j', (lines, sentence) => {
  expect(() => read(lines)).toThrow(sentence);
});
