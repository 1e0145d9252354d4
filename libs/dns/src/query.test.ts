import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { queryBytes } from './ask.fixture.ts';
import { nameFromText, nameToText } from './name.ts';
import { emptyQuery, parseQuery, SILENCE } from './query.ts';
import { limitOf, writeRcode } from './write.ts';

const parse = (packet: Buffer) => {
  const query = emptyQuery();
  return { rcode: parseQuery(packet, packet.length, query), query };
};
/** A query with one byte changed: counted from the end when `at` is negative. */
const changed = (at: number, value: number, size?: number): Buffer => {
  const packet = Buffer.from(queryBytes('web.mynet', 'A', size === undefined ? {} : { size }));
  packet[at < 0 ? packet.length + at : at] = value;
  return packet;
};
const plain = queryBytes('web.mynet', 'A');
const edns = changed(11, 1, 1232);
const header = (counts: readonly number[], ...rest: readonly number[]) =>
  Buffer.from([0, 9, 1, 0, ...counts.flatMap((count) => [0, count]), ...rest]);

test('a query is read: id, name in lower case, type, what the client takes', () => {
  const { rcode, query } = parse(queryBytes('Web.MyNet', 'AAAA', { id: 0xbeef, size: 4096, isDnssecOk: true }));
  expect(rcode).toBe(0);
  expect(query).toMatchObject({ id: 0xbeef, type: 28, hasEdns: true, size: 4096, isDnssecOk: true, questionEnd: 27 });
  expect(nameToText(query.name)).toBe('web.mynet');
  expect([limitOf(query), limitOf(query, 9000)]).toEqual([1232, 4096]);
  const small = parse(queryBytes('web', 'A')).query;
  expect(small).toMatchObject({ hasEdns: false, isDnssecOk: false });
  expect(limitOf(small)).toBe(512);
  expect(limitOf(parse(queryBytes('web', 'A', { size: 100 })).query)).toBe(512);
});

describe('what is no query is refused', () => {
  const label63 = [63, ...Buffer.alloc(63, 'a')];
  const end = [0, 0, 1, 0, 1];
  test.each([
    ['nothing', Buffer.alloc(0), SILENCE],
    ['one byte', Buffer.from([1]), SILENCE],
    ['an id alone', Buffer.from([1, 2]), 1],
    ['a cut header', Buffer.from([1, 2, 1, 0, 0, 1]), 1],
    ['a cut response', Buffer.from([1, 2, 0x80]), SILENCE],
    ['a response', changed(2, 0x81), SILENCE],
    ['a NOTIFY', changed(2, 0x20), 4],
    ['no question', header([0, 0, 0, 0]), 1],
    ['two questions', header([2, 0, 0, 0], 1, 97, ...end, 1, 97, ...end), 1],
    ['an answer in it', changed(7, 1), 1],
    ['a CHAOS question', changed(-1, 3), 5],
    ['class ANY', changed(-1, 255), 5],
    ['a compressed name', header([1, 0, 0, 0], 0xc0, 12, 0, 1, 0, 1), 1],
    ['a pointer after a label', header([1, 0, 0, 0], 1, 97, 0xc0, 12, 0, 1, 0, 1), 1],
    ['an extended label', header([1, 0, 0, 0], 0x41, 97, ...end), 1],
    ['a label of 63', header([1, 0, 0, 0], ...label63, ...end), 0],
    ['a label of 64', header([1, 0, 0, 0], 64, ...Buffer.alloc(64, 'a'), ...end), 1],
    [
      'a name of 255',
      header([1, 0, 0, 0], ...label63, ...label63, ...label63, 61, ...Buffer.alloc(61, 'a'), ...end),
      0,
    ],
    [
      'a name of 256',
      header([1, 0, 0, 0], ...label63, ...label63, ...label63, 62, ...Buffer.alloc(62, 'a'), ...end),
      1,
    ],
    ['a name without end', header([1, 0, 0, 0], 1, 97, 1), 1],
    ['a question without class', header([1, 0, 0, 0], 1, 97, 0, 0, 1), 1],
    ['bytes after it', Buffer.concat([plain, Buffer.from([0])]), 1],
    ['a promised OPT that is not there', changed(11, 1), 1],
    ['a cut OPT', edns.subarray(0, -1), 1],
    ['two OPT', Buffer.concat([changed(11, 2, 1232), edns.subarray(-11)]), 1],
    ['EDNS version 1', changed(-5, 1, 1232), 16],
    ['the root', header([1, 0, 0, 0], ...end), 0],
  ])('%s', (_, packet, rcode) => expect(parse(packet).rcode).toBe(rcode));
});

test('a TSIG beside the OPT is stepped over', () => {
  const tsig = Buffer.from([1, 107, 0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 2, 1, 2]);
  expect(parse(Buffer.concat([changed(11, 2, 1232), tsig]))).toMatchObject({ rcode: 0, query: { size: 1232 } });
});

test('a refusal repeats what could be read, and says BADVERS whole', () => {
  const out = Buffer.alloc(512);
  const say = (packet: Buffer) => {
    const { rcode, query } = parse(packet);
    return decode(out.subarray(0, writeRcode(query, packet, rcode, out)));
  };
  expect(say(Buffer.from([1, 2]))).toMatchObject({ id: 0x102, rcode: 'FORMERR', questions: [] });
  const chaos = changed(-1, 3);
  expect(say(chaos)).toMatchObject({ rcode: 'REFUSED', questions: [{ name: 'web.mynet', class: 'CH' }] });
  const version = changed(-5, 1, 1232);
  expect(say(version)).toMatchObject({ rcode: 'NOERROR', additionals: [{ extendedRcode: 1 }] });
});

/** A small generator that needs no allocation: xorshift. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

test('no bytes make it throw, and whatever is answered can be read: 200,000 packets', () => {
  const random = numbers(20260101);
  const valid = [
    queryBytes('web.mynet', 'A'),
    queryBytes('web', 'AAAA', { size: 1232 }),
    queryBytes('a.b.c.d.example.com', 'SRV', { size: 4096, isDnssecOk: true }),
    encode({ type: 'query', questions: [{ name: 'x.y', type: 'PTR' }], additionals: [] }),
  ];
  const query = emptyQuery();
  const out = Buffer.alloc(1500);
  const seen = new Map<number, number>();
  let judged = 0;
  const judge = (packet: Buffer, length: number) => {
    const rcode = parseQuery(packet, length, query);
    seen.set(rcode, (seen.get(rcode) ?? 0) + 1);
    if (rcode === SILENCE) return;
    const written = writeRcode(query, packet, rcode, out);
    if (written > 12 + 255 + 4 + 11 || query.name.length >= 255) throw new Error(`${written} ${query.name}`);
    // The other reader is slow: it sees some of them.
    if (rcode === 0 && judged++ % 20 === 0) decode(out.subarray(0, written));
  };
  const noise = Buffer.alloc(600);
  for (let round = 0; round < 100_000; round++) {
    const length = random() % (round % 10 === 0 ? 600 : 40);
    for (let at = 0; at < length; at++) noise[at] = random();
    // Most pass the first doors, so that what is behind them is tried too.
    if (round % 2 === 0 && length > 12) Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, random() & 1]).copy(noise);
    judge(noise, length);
  }
  for (let round = 0; round < 100_000; round++) {
    const packet = Buffer.from(valid[round % valid.length]!);
    for (let change = random() % 4; change > 0; change--) packet[random() % packet.length] = random();
    judge(packet, random() % 8 === 0 ? random() % packet.length : packet.length);
  }
  expect([...seen.keys()].toSorted((a, b) => a - b)).toEqual([SILENCE, 0, 1, 4, 5, 16]);
});

const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,63}$/);

test('reads what dns-packet writes', () => {
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 3 }), fc.constantFrom('A', 'TXT', 'PTR'), (labels, type) => {
      const name = labels.join('.');
      const packet = queryBytes(name, type);
      const { rcode, query } = parse(packet);
      expect(rcode).toBe(0);
      expect(query.name).toBe(nameFromText(name));
      expect(nameToText(query.name)).toBe(name.toLowerCase());
    }),
  );
});

test('names that are longer than DNS has them are none', () => {
  expect(nameFromText(`${'a'.repeat(63)}.b`)).toBeDefined();
  expect(nameFromText('a'.repeat(64))).toBeUndefined();
  expect(nameFromText(`${'a'.repeat(62)}.`.repeat(4))).toBeDefined();
  expect(nameFromText(`${`${'a'.repeat(62)}.`.repeat(4)}bb`)).toBeUndefined();
  expect(nameFromText(`${'a.'.repeat(127)}`)).toBeDefined();
  expect(nameFromText(`${'a.'.repeat(128)}`)).toBeUndefined();
  expect(nameFromText('é'.repeat(32))).toBeUndefined();
});
