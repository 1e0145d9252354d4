import { decode } from 'dns-packet';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Ask } from './cache.ts';
import { Forwarder, type ForwarderLimits } from './forwarder.ts';
import { makeForwarders, type Server } from './forwarders.ts';
import { type Name, nameFromText } from './name.ts';
import { type Reply, replyMessage } from './reply.ts';
import { a, FakeClock, replyTo, ScriptedTransport, type Sent, soaOf } from './scripted.fixture.ts';

const server = (via: string, last: number): Server => ({ via, address: `192.0.2.${last}`, port: 53 });
const servers = [server('a', 1), server('b', 2), server('c', 3)];
const set = makeForwarders(servers, () => false);
const www = nameFromText('www.example.com') as Name;
const question: Ask = { name: www, type: 1, isDnssecOk: false, isCheckingDisabled: false };
const good = (sent: Sent, ip = '198.51.100.1') =>
  sent.reply(replyTo(sent.message, { answers: [a('www.example.com', ip)] }));
const failing = (rcode: number) => (sent: Sent) => sent.reply(replyTo(sent.message, { rcode }));

let clock: FakeClock;
let transport: ScriptedTransport;
let forwarder: Forwarder;
let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return state >>> 0;
};
const make = (limits: Partial<ForwarderLimits> = {}) => {
  clock = new FakeClock();
  transport = new ScriptedTransport(clock);
  forwarder = new Forwarder(transport, clock, random, limits);
};
beforeEach(() => make());

/** What was answered, when: `NOERROR 198.51.100.1 @0`; filled in when it is. */
function ask(one: Ask = question, forwarders = set): { text: string } {
  const outcome = { text: 'waiting' };
  forwarder.ask(forwarders, one, (reply) => {
    expect(outcome.text).toBe('waiting');
    outcome.text = `${textOf(reply, one)} @${clock.now()}`;
  });
  return outcome;
}

function textOf(reply: Reply, one: Ask): string {
  const packet = decode(replyMessage(reply, one.name, one.type));
  const data = (packet.answers ?? []).map((record) => String((record as { data: unknown }).data));
  return [(packet as unknown as { rcode: string }).rcode, reply.isTruncated ? 'tc' : '', ...data]
    .filter(Boolean)
    .join(' ');
}

const behave = (how: Readonly<Record<string, (sent: Sent) => void>>) => {
  transport.script = (sent) => how[`${sent.server.via}${sent.isTcp ? ':tcp' : ''}`]?.(sent);
};
const clean = () => {
  expect(clock.pending).toBe(0);
  expect(transport.sent.every(({ isClosed }) => isClosed)).toBe(true);
  expect(forwarder.counters).toMatchObject({ inFlight: 0, queued: 0 });
};

describe('which server is asked when', () => {
  test('the first answers: nobody else is asked', () => {
    behave({ a: good });
    expect(ask().text).toBe('NOERROR 198.51.100.1 @0');
    clock.advance(10_000);
    expect(transport.log).toBe('a@0');
    clean();
  });

  test('a dead one costs its head start', () => {
    behave({ b: good });
    const outcome = ask();
    clock.advance(250);
    expect(outcome.text).toBe('NOERROR 198.51.100.1 @250');
    expect(transport.log).toBe('a@0 b@250');
    clean();
  });

  test('one that was silent is asked last for five seconds, then first again', () => {
    const named = (label: string): Ask => ({ ...question, name: nameFromText(`${label}.example.com`) as Name });
    const reply = (sent: Sent) => sent.reply(replyTo(sent.message));
    behave({ b: reply });
    ask(named('one'));
    clock.advance(250);
    expect(forwarder.silentServers).toBe(1);
    expect(ask(named('two')).text).toBe('NOERROR @250');
    expect(transport.log).toBe('a@0 b@250 b@250');
    clock.advance(5000);
    expect(forwarder.silentServers).toBe(0);
    behave({ a: reply, b: reply });
    expect(ask(named('three')).text).toBe('NOERROR @5250');
    expect(transport.log).toBe('a@0 b@250 b@250 a@5250');
    clean();
  });

  test('one that was silent and answers after all is asked in its turn', () => {
    const named = (label: string): Ask => ({ ...question, name: nameFromText(`${label}.example.com`) as Name });
    const reply = (sent: Sent) => sent.reply(replyTo(sent.message));
    behave({ b: reply });
    ask(named('one'));
    clock.advance(250);
    behave({ a: reply });
    ask(named('two'));
    clock.advance(250);
    expect(transport.log).toBe('a@0 b@250 b@250 c@500');
    // c is silent too: the next goes on, and a answers.
    clock.advance(250);
    expect(transport.log).toBe('a@0 b@250 b@250 c@500 a@750');
    ask(named('three'));
    expect(transport.log).toBe('a@0 b@250 b@250 c@500 a@750 a@750');
    clean();
  });

  test('a slow one may still win', () => {
    const outcome = ask();
    clock.advance(300);
    good(transport.sent[0] as Sent);
    expect(outcome.text).toBe('NOERROR 198.51.100.1 @300');
    clean();
  });

  test.each([
    ['SERVFAIL', 2],
    ['REFUSED', 5],
    ['NOTAUTH', 9],
  ])('%s: the next at once', (_, rcode) => {
    behave({ a: failing(rcode), b: failing(rcode), c: good });
    expect(ask().text).toBe('NOERROR 198.51.100.1 @0');
    expect(transport.log).toBe('a@0 b@0 c@0');
    clean();
  });

  test('a server that cannot be reached: the next at once', () => {
    behave({ a: (sent) => sent.fail(), b: good });
    expect(ask().text).toBe('NOERROR 198.51.100.1 @0');
    clean();
  });

  test('NXDOMAIN is final', () => {
    behave({ a: (sent) => sent.reply(replyTo(sent.message, { rcode: 3, authorities: [soaOf('example.com', 60)] })) });
    expect(ask().text).toBe('NXDOMAIN @0');
    expect(transport.log).toBe('a@0');
    clean();
  });

  test('all fail: SERVFAIL at once', () => {
    behave({ a: failing(2), b: failing(5), c: (sent) => sent.fail() });
    expect(ask().text).toBe('SERVFAIL @0');
    expect(forwarder.counters).toMatchObject({ unanswered: 1, failed: 3, timeouts: 0 });
    clean();
  });

  test('all dead: each is asked twice, and SERVFAIL comes by the deadline', () => {
    const outcome = ask();
    clock.advance(3999);
    expect(outcome.text).toBe('waiting');
    clock.advance(1);
    expect(outcome.text).toBe('SERVFAIL @4000');
    expect(transport.log).toBe('a@0 b@250 c@500 a@1500 b@2500 c@3500');
    expect(forwarder.counters).toMatchObject({ timeouts: 1, unanswered: 1 });
    clean();
  });

  test('some fail, some are silent: the silent ones are waited for', () => {
    behave({ a: failing(2), c: failing(2) });
    const outcome = ask();
    clock.advance(250);
    expect(outcome.text).toBe('waiting');
    good(transport.sent[1] as Sent);
    expect(outcome.text).toBe('NOERROR 198.51.100.1 @250');
    clean();
  });

  test('a lost datagram: the only server is asked again', () => {
    const outcome = ask(
      question,
      makeForwarders([server('a', 1)], () => false),
    );
    clock.advance(1000);
    good(transport.sent[1] as Sent);
    expect(outcome.text).toBe('NOERROR 198.51.100.1 @1000');
    clean();
  });

  test('without servers: SERVFAIL', () => {
    expect(
      ask(
        question,
        makeForwarders([], () => false),
      ).text,
    ).toBe('SERVFAIL @0');
    clean();
  });

  test('FORMERR: the same server without EDNS0', () => {
    behave({
      a: (sent) => ((decode(sent.message).additionals?.length ?? 0) > 0 ? failing(1)(sent) : good(sent)),
    });
    expect(ask().text).toBe('NOERROR 198.51.100.1 @0');
    expect(transport.log).toBe('a@0 a@0');
    clean();
  });
});

describe('truncated answers', () => {
  const short = (sent: Sent) => sent.reply(replyTo(sent.message, { isTruncated: true }));
  test('are asked for over TCP, of that server', () => {
    behave({ a: short, 'a:tcp': good });
    expect(ask().text).toBe('NOERROR 198.51.100.1 @0');
    expect(transport.log).toBe('a@0 a:tcp@0');
    clean();
  });

  test('are passed on when TCP fails everywhere, and not kept', () => {
    const fail = (sent: Sent) => sent.fail();
    behave({ a: short, b: short, c: short, 'a:tcp': fail, 'b:tcp': fail, 'c:tcp': fail });
    expect(ask().text).toBe('NOERROR tc @0');
    expect(forwarder.known(set, question)).toBeUndefined();
    clean();
  });
});

describe('liars are waited past', () => {
  test.each<readonly [string, (sent: Sent) => void, string]>([
    ['another id', (sent) => sent.reply(replyTo(sent.message, { id: (decode(sent.message).id ?? 0) ^ 1 })), 'wrongId'],
    ['another question', (sent) => sent.reply(replyTo(sent.message, { name: 'www.example.org' })), 'wrongQuestion'],
    ['another port', (sent) => sent.reply(replyTo(sent.message), { ...sent.server, port: 54 }), 'wrongServer'],
    ['another address', (sent) => sent.reply(replyTo(sent.message), server('b', 2)), 'wrongServer'],
    ['a query', (sent) => sent.reply(sent.message), 'malformed'],
    ['a few bytes', (sent) => sent.reply(Buffer.from([1, 2, 3])), 'malformed'],
  ])('%s', (_, lie, counter) => {
    behave({ a: lie });
    const outcome = ask();
    expect(outcome.text).toBe('waiting');
    expect(forwarder.counters).toMatchObject({ [counter]: 1 });
    good(transport.sent[0] as Sent);
    expect(outcome.text).toBe('NOERROR 198.51.100.1 @0');
    clean();
  });

  test('another case: TCP, where nobody can guess', () => {
    behave({ a: (sent) => sent.reply(replyTo(sent.message, { name: 'www.example.com' })), 'a:tcp': good });
    expect(ask().text).toBe('NOERROR 198.51.100.1 @0');
    expect(forwarder.counters.wrongCase).toBe(1);
    clean();
  });

  test('an answer whose names lead astray is none', () => {
    const loop = (sent: Sent) => {
      const bytes = replyTo(sent.message, { answers: [a('www.example.com', '198.51.100.9')] });
      // The owner becomes a pointer to itself; dns-packet writes it whole or as a pointer, as it likes.
      const end = 12 + www.length + 5;
      bytes.writeUInt16BE(0xc000 | end, end);
      sent.reply(bytes);
    };
    behave({ a: loop, b: good });
    expect(ask().text).toBe('NOERROR 198.51.100.1 @0');
    expect(forwarder.counters.malformed).toBe(1);
  });
});

test('what goes upstream: an id and a case of its own, RD, EDNS0', () => {
  ask();
  ask({ ...question, type: 28, isDnssecOk: true });
  const [first, second] = transport.sent.map(({ message }) => decode(message));
  expect(first?.questions?.[0]?.name.toLowerCase()).toBe('www.example.com');
  expect(first?.questions?.[0]?.name).not.toBe(second?.questions?.[0]?.name);
  expect(first?.id).not.toBe(second?.id);
  expect(first).toMatchObject({ flag_rd: true, additionals: [{ udpPayloadSize: 1232, flag_do: false }] });
  expect(second).toMatchObject({ additionals: [{ flag_do: true }] });
});

test('the same question at the same time is asked once', () => {
  const outcomes = [ask(), ask(), ask()];
  const other = ask({ ...question, type: 28 });
  expect(transport.sent).toHaveLength(2);
  good(transport.sent[0] as Sent);
  expect(outcomes.map(({ text }) => text)).toEqual(Array(3).fill('NOERROR 198.51.100.1 @0'));
  expect(other.text).toBe('waiting');
  expect(forwarder.counters).toMatchObject({ asked: 4, coalesced: 2, answered: 1, inFlight: 1 });
});

test('one set of servers does not take what others need', () => {
  make({ inFlight: 3, inFlightOfSet: 2, queued: 2, queueMs: 500 });
  const other = makeForwarders([server('z', 9)], () => false);
  const named = (label: string): Ask => ({ ...question, name: nameFromText(`${label}.example.com`) as Name });
  const [first] = ['one', 'two', 'three'].map((label) => ask(named(label)));
  expect(forwarder.counters).toMatchObject({ inFlight: 2, queued: 1 });
  behave({ z: (sent) => sent.reply(replyTo(sent.message)) });
  expect(ask(named('four'), other).text).toBe('NOERROR @0');
  transport.sent[0]?.reply(replyTo(transport.sent[0].message));
  expect(first?.text).toBe('NOERROR @0');
  expect(forwarder.counters).toMatchObject({ inFlight: 2, queued: 0 });
});

test('so many at a time; some wait; the rest is refused at once', () => {
  make({ inFlight: 2, queued: 2, queueMs: 500 });
  const names = ['p', 'q', 'r', 's', 't'].map((one) => nameFromText(one) as Name);
  const outcomes = names.map((name) => ask({ ...question, name }));
  expect(outcomes.map(({ text }) => text)).toEqual([...Array(4).fill('waiting'), 'REFUSED @0']);
  expect(forwarder.counters).toMatchObject({ inFlight: 2, queued: 2, busy: 1 });
  clock.advance(100);
  const [first] = transport.sent;
  first?.reply(replyTo(first.message, { rcode: 3 }));
  expect(outcomes[0]?.text).toBe('NXDOMAIN @100');
  expect(transport.sent).toHaveLength(3);
  clock.advance(400);
  expect(outcomes[3]?.text).toBe('REFUSED @500');
  clock.advance(10_000);
  expect(outcomes[2]?.text).toBe('SERVFAIL @4100');
  clean();
});

test('clients that wait are bounded too', () => {
  make({ waiting: 2 });
  expect([ask(), ask(), ask()].map(({ text }) => text)).toEqual(['waiting', 'waiting', 'REFUSED @0']);
});

test('resolvers of ours are no forwarders', () => {
  const ours = server('host', 9);
  const loops = makeForwarders(
    [{ via: 'x', address: '127.0.0.11', port: 53 }, ours, server('a', 1), server('a', 1)],
    (one) => one.address === ours.address,
  );
  expect(loops).toEqual({ key: 'a 192.0.2.1 53', servers: [server('a', 1)] });
});

test('an answer is kept and given again, by set, type and DO', () => {
  behave({ a: good });
  ask();
  clock.advance(10_500);
  expect(forwarder.known(set, question)?.age).toBe(10);
  expect(forwarder.known(set, { ...question, isDnssecOk: true })).toBeUndefined();
  expect(
    forwarder.known(
      makeForwarders([server('z', 1)], () => false),
      question,
    ),
  ).toBeUndefined();
  clock.advance(60_000);
  expect(forwarder.known(set, question)).toBeUndefined();
});

test('a failure is kept for two seconds, so that a dead server is not asked by everyone', () => {
  behave({ a: failing(2), b: failing(2), c: failing(2) });
  ask();
  expect(forwarder.known(set, question)?.reply.rcode).toBe(2);
  clock.advance(2000);
  expect(forwarder.known(set, question)).toBeUndefined();
});
