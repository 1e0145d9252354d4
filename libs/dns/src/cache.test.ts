import { expect, test } from 'vitest';
import { CACHE_LIMITS, Cache, lifetimeOf } from './cache.ts';
import { type Name, nameFromText } from './name.ts';
import { bareReply, type Reply, readReply } from './reply.ts';
import { a, replyTo, soaOf } from './scripted.fixture.ts';
import { upstreamQuery } from './upstream-query.ts';

const name = nameFromText('x.example') as Name;
const query = upstreamQuery({ name, type: 1, isDnssecOk: false, isCheckingDisabled: false }, () => 7, true);
const read = (options: Parameters<typeof replyTo>[1]): Reply => {
  const reply = readReply(replyTo(query.message, options), query.questionEnd, 1);
  if (reply === undefined) throw new Error('broken');
  return reply;
};

test.each<readonly [string, Parameters<typeof replyTo>[1], number]>([
  ['the shortest time to live', { answers: [a('x.example', '192.0.2.1', 60), a('x.example', '192.0.2.2', 20)] }, 20],
  ['an hour at most', { answers: [a('x.example', '192.0.2.1', 86_400)] }, 3600],
  ['nothing with 0', { answers: [a('x.example', '192.0.2.1', 0)] }, 0],
  ['the highest bit is none', { answers: [a('x.example', '192.0.2.1', 0x80000001)] }, 0],
  ['NXDOMAIN: the minimum of SOA', { rcode: 3, authorities: [soaOf('example', 30)] }, 30],
  ['NXDOMAIN: no longer than the SOA itself', { rcode: 3, authorities: [soaOf('example', 30, 10)] }, 10],
  ['NXDOMAIN: five minutes at most', { rcode: 3, authorities: [soaOf('example', 7200)] }, 300],
  ['NXDOMAIN without SOA', { rcode: 3 }, 0],
  ['no such type', { authorities: [soaOf('example', 30)] }, 30],
  ['only an alias is no such type', { answers: [{ type: 'CNAME', name: 'x.example', data: 'y.example', ttl: 9 }] }, 0],
  ['a truncated one', { isTruncated: true, answers: [a('x.example', '192.0.2.1')] }, 0],
  ['SERVFAIL', { rcode: 2 }, 2],
  ['REFUSED', { rcode: 5 }, 0],
  ['OPT has no time to live', { hasOpt: true, answers: [a('x.example', '192.0.2.1', 60)] }, 60],
])('how long: %s', (_, options, seconds) => expect(lifetimeOf(read(options), CACHE_LIMITS)).toBe(seconds));

test('a failure is kept five seconds at most, whatever is configured', () => {
  expect(lifetimeOf(bareReply(2), { ...CACHE_LIMITS, longestFailure: 600 })).toBe(5);
});

test('the least lately used goes first, by entries and by bytes', () => {
  const reply = read({ answers: [a('x.example', '192.0.2.1')] });
  const cache = new Cache(() => 0, { ...CACHE_LIMITS, entries: 3 });
  for (const key of ['p', 'q', 'r']) cache.put(key, reply);
  cache.get('p');
  cache.put('s', reply);
  expect(['p', 'q', 'r', 's'].filter((key) => cache.get(key) !== undefined)).toEqual(['p', 'r', 's']);
  const narrow = new Cache(() => 0, { ...CACHE_LIMITS, bytes: 2 * reply.tail.length });
  for (const key of ['p', 'q', 'q', 'r']) narrow.put(key, reply);
  expect([narrow.size, narrow.get('p'), narrow.counters.evicted]).toEqual([2, undefined, 1]);
});

test('broken answers are none; no bytes make it throw', () => {
  const whole = replyTo(query.message, { answers: [a('x.example', '192.0.2.1')], authorities: [soaOf('example', 30)] });
  for (let length = query.questionEnd; length < whole.length; length++) {
    expect(readReply(whole.subarray(0, length), query.questionEnd, 1)).toBeUndefined();
  }
  let state = 99;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 8;
  };
  for (let round = 0; round < 50_000; round++) {
    const packet = Buffer.from(whole);
    for (let change = random() % 5; change >= 0; change--) packet[random() % packet.length] = random();
    readReply(packet, query.questionEnd, 1);
  }
});
