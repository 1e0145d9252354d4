import { decode } from 'dns-packet';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { packetText, queryBytes, upstream, viewpointOn } from './ask.fixture.ts';
import { Forwarder, type ForwarderLimits } from './forwarder.ts';
import { Names } from './names.ts';
import { LATER, Resolver } from './resolver.ts';
import { a, FakeClock, replyTo, ScriptedTransport, type Sent, soaOf } from './scripted.fixture.ts';

let clock: FakeClock;
let transport: ScriptedTransport;
let resolver: Resolver;
let names: Names;
const one = viewpointOn(['1']);

function make(limits: Partial<ForwarderLimits> = {}): void {
  clock = new FakeClock();
  transport = new ScriptedTransport(clock);
  names = new Names();
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 0;
  };
  resolver = new Resolver(names, new Forwarder(transport, clock, random, limits));
  names.putNetwork('1', { name: 'mynet', subnets: ['10.0.0.0/24'] });
  names.put('1', 'web', { names: ['web'], addresses: { v4: ['10.0.0.2'], v6: [] }, reverse: 'web' });
  names.put('1', 'out', {
    names: ['out'],
    addresses: { v4: [], v6: [] },
    reverse: '',
    records: [{ type: 'CNAME', target: 'www.example.com' }],
  });
}
beforeEach(() => make());

/** What the client gets, in bytes: `now` or, once somebody answered, `later`. */
function send(packet: Buffer, isTcp = false): { now: Buffer | undefined; later: Buffer | undefined } {
  const buffer = Buffer.alloc(isTcp ? 65535 : 1500);
  packet.copy(buffer);
  const got: { now: Buffer | undefined; later: Buffer | undefined } = { now: undefined, later: undefined };
  const length = resolver.handle(one, buffer, packet.length, isTcp, buffer, (answer) => {
    got.later = Buffer.from(answer);
  });
  if (length >= 0) got.now = Buffer.from(buffer.subarray(0, length));
  // Nothing of the buffer is kept: the next packet comes into it.
  buffer.fill(0xee);
  return got;
}

const text = (bytes: Buffer | undefined) => (bytes === undefined ? 'none' : packetText(decode(bytes)));
const reply = (options: Parameters<typeof replyTo>[1]) => (sent: Sent) => sent.reply(replyTo(sent.message, options));
const www = { answers: [a('www.example.com', '198.51.100.1', 60)], hasOpt: true };

test('a name of ours is answered at once', () => {
  const { now } = send(queryBytes('WEB.mynet', 'A', { id: 99 }));
  expect(decode(now as Buffer)).toMatchObject({ id: 99, flag_ra: true, flag_rd: true });
  expect(text(now)).toBe('NOERROR aa: WEB.mynet A 10.0.0.2');
});

test('what is no query gets nothing, or a plain refusal', () => {
  expect(send(Buffer.from([1]))).toEqual({ now: Buffer.alloc(0), later: undefined });
  expect(text(send(Buffer.from([1, 2, 1, 0])).now)).toBe('FORMERR');
  expect(text(send(queryBytes('mynet', 'AXFR')).now)).toBe('REFUSED');
  expect(resolver.counters).toMatchObject({ queries: 3, silent: 1, malformed: 1 });
});

test('a forwarded answer comes back as the client asked: id, case, EDNS0, then from the cache with its age', () => {
  const first = send(queryBytes('WWW.Example.com', 'A', { id: 5 }));
  expect(first.now).toBeUndefined();
  reply(www)(transport.sent[0] as Sent);
  expect(decode(first.later as Buffer)).toMatchObject({
    id: 5,
    questions: [{ name: 'WWW.Example.com' }],
    answers: [{ ttl: 60, data: '198.51.100.1' }],
    additionals: [],
  });
  clock.advance(20_000);
  const second = send(queryBytes('www.EXAMPLE.com', 'A', { id: 6, size: 1232 }));
  expect(decode(second.now as Buffer)).toMatchObject({
    id: 6,
    flag_aa: false,
    questions: [{ name: 'www.EXAMPLE.com' }],
    answers: [{ ttl: 40 }],
    additionals: [{ type: 'OPT' }],
  });
  expect(transport.sent).toHaveLength(1);
});

test('a large answer is cut for a small client, who gets it over TCP from the cache', () => {
  const many = Array.from({ length: 60 }, (_, index) => a('www.example.com', `198.51.100.${index}`));
  transport.script = reply({ answers: many });
  const plain = send(queryBytes('www.example.com', 'A')).later as Buffer;
  expect([text(plain), plain.length]).toEqual(['NOERROR tc', 12 + 21]);
  const whole = decode(send(queryBytes('www.example.com', 'A'), true).now as Buffer);
  expect(whole).toMatchObject({ flag_tc: false });
  expect(whole.answers).toHaveLength(60);
  expect(transport.sent).toHaveLength(1);
});

test('AD reaches those who asked for it', () => {
  transport.script = reply({ ...www, isAuthentic: true });
  expect(decode(send(queryBytes('www.example.com', 'A')).later as Buffer).flag_ad).toBe(false);
  const withDo = send(queryBytes('www.example.com', 'A', { size: 1232, isDnssecOk: true })).later as Buffer;
  expect(decode(withDo).flag_ad).toBe(true);
});

test('an alias of ours is followed outside', () => {
  transport.script = reply({
    answers: [
      { type: 'CNAME', name: 'www.example.com', data: 'cdn.example.net', ttl: 30 },
      a('cdn.example.net', '198.51.100.7', 20),
    ],
  });
  const expected =
    'NOERROR: out CNAME www.example.com, www.example.com CNAME cdn.example.net, cdn.example.net A 198.51.100.7';
  expect(text(send(queryBytes('out', 'A')).later)).toBe(expected);
  clock.advance(15_000);
  const again = send(queryBytes('out', 'A')).now as Buffer;
  expect(text(again)).toBe(expected);
  expect(decode(again).answers).toMatchObject([{ ttl: 5 }, { ttl: 15 }, { ttl: 5 }]);
});

test('an alias of ours that leads nowhere, or to a dead server', () => {
  transport.script = reply({ rcode: 3, authorities: [soaOf('example.com', 60)] });
  expect(text(send(queryBytes('out', 'A')).later)).toBe(
    'NXDOMAIN: out CNAME www.example.com; authority example.com SOA',
  );
  make();
  const { later } = send(queryBytes('out', 'A'));
  expect(later).toBeUndefined();
});

test('failures: SERVFAIL by the deadline, REFUSED when there is no room', () => {
  make({ inFlight: 1, queued: 0 });
  const first = send(queryBytes('www.example.com', 'A'));
  expect(text(send(queryBytes('other.example.com', 'A', { size: 1232 })).later)).toBe('REFUSED');
  clock.advance(4000);
  expect(text(first.later)).toBe('SERVFAIL');
});

test('nothing of ours is ever sent to a forwarder: random names in our zone and of our addresses', () => {
  const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/);
  const ours = fc.oneof(
    fc.array(label, { minLength: 0, maxLength: 4 }).map((labels) => [...labels, 'MyNet'].join('.')),
    fc.integer({ min: 0, max: 255 }).map((last) => `${last}.0.0.10.in-addr.arpa`),
  );
  fc.assert(
    fc.property(
      ours,
      fc.constantFrom('A', 'AAAA', 'MX', 'TXT', 'PTR', 'SRV', 'NS', 'SOA', 'ANY', 'UNKNOWN_65'),
      (name, type) => {
        const { now } = send(queryBytes(name, type));
        expect(decode(now as Buffer)).toMatchObject({ flag_aa: true, questions: [{ name }] });
      },
    ),
    { numRuns: 1000 },
  );
  expect(transport.sent).toEqual([]);
});

test('every query gets an answer, whatever bytes there are: 100,000 packets', () => {
  make({ waiting: 8 });
  let state = 4711;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 9;
  };
  const valid = ['web', 'web.mynet', 'ghost.mynet', 'out', '2.0.0.10.in-addr.arpa', 'www.example.com', '_a._b.web'].map(
    (name, index) => queryBytes(name, ['A', 'AAAA', 'SRV', 'PTR'][index % 4]!, index % 2 === 0 ? {} : { size: 1232 }),
  );
  const buffer = Buffer.alloc(1500);
  let later = 0;
  let told = 0;
  for (let round = 0; round < 100_000; round++) {
    const length = valid[round % valid.length]!.copy(buffer);
    for (let change = random() % 4; change > 0; change--) buffer[random() % length] = random();
    const isQuery = buffer[2]! < 0x80;
    const written = resolver.handle(one, buffer, length, false, buffer, () => told++);
    if (written === LATER) later++;
    else if (isQuery !== written >= 12) throw new Error(`round ${round}: ${written} bytes`);
    else if (written > 0 && buffer[2]! < 0x80) throw new Error(`round ${round}: no response`);
  }
  clock.advance(20_000);
  expect([later > 0, told]).toEqual([true, later]);
  expect(upstream.servers).toHaveLength(1);
});

test('another opcode is refused by its own: a client takes no other answer', () => {
  const packet = queryBytes('web.mynet', 'A');
  packet[2] = 0x10;
  const { now } = send(packet);
  expect([(now?.[2] ?? 0) & 0x78, (now?.[3] ?? 0) & 0xf]).toEqual([0x10, 4]);
});
