// Name servers that behave as their address says, in the namespace that this is started in. Each question that arrives is
// told to the parent. Arguments: ADDRESS=BEHAVIOUR ...
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { decode, encode, TRUNCATED_RESPONSE } from 'dns-packet';

const SLOW_MS = 400;
const LATE_MS = 20;

const reply = (query, { rcode = 0, truncated = false, id = query.id, data } = {}) => {
  const [question] = query.questions;
  const value = data ?? { A: ['198.51.100.1'], AAAA: ['2001:db8::1'] }[question.type] ?? [];
  return encode({
    type: 'response',
    id,
    flags: 0x180 | (truncated ? TRUNCATED_RESPONSE : 0) | rcode,
    questions: [question],
    answers: truncated || rcode !== 0 ? [] : value.map((one) => ({ ...question, ttl: 60, data: one })),
    authorities:
      rcode !== 3
        ? []
        : [
            {
              type: 'SOA',
              name: 'example',
              ttl: 60,
              data: { mname: 'a', rname: 'b', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 60 },
            },
          ],
  });
};
const many = Array.from({ length: 60 }, (_, at) => `198.51.100.${at + 1}`);
const lie = ['203.0.113.66'];

// What is sent for a question over UDP: [milliseconds, bytes, from another port] each.
const behaviours = {
  good: (query) => [[0, reply(query)]],
  dead: () => [],
  slow: (query) => [[SLOW_MS, reply(query)]],
  servfail: (query) => [[0, reply(query, { rcode: 2 })]],
  refused: (query) => [[0, reply(query, { rcode: 5 })]],
  nxdomain: (query) => [[0, reply(query, { rcode: 3 })]],
  truncating: (query) => [[0, reply(query, { truncated: true })]],
  'wrong-id': (query) => [
    [0, reply(query, { id: (query.id + 1) & 0xffff, data: lie })],
    [LATE_MS, reply(query)],
  ],
  'wrong-port': (query) => [
    [0, reply(query, { data: lie }), true],
    [LATE_MS, reply(query)],
  ],
  garbage: (query) => [
    [0, Buffer.concat([Buffer.from([query.id >> 8, query.id & 255, 0x81, 0x80]), Buffer.alloc(40, 0xc0)])],
    [LATE_MS, reply(query)],
  ],
};

let opening = 0;
const opened = () => {
  if (--opening === 0) process.send('ready');
};
for (const argument of process.argv.slice(2)) {
  const [address, behaviour] = argument.split('=');
  const tell = (query, transport) => {
    const [{ name, type }] = query.questions;
    process.send({ server: behaviour, transport, name: name.toLowerCase(), type });
  };
  opening += 2;
  const udp = createSocket('udp4');
  const other = createSocket('udp4').bind(0, address);
  udp.on('message', (bytes, from) => {
    const query = decode(bytes);
    tell(query, 'udp');
    for (const [ms, answer, isElsewhere] of behaviours[behaviour](query))
      setTimeout(() => (isElsewhere ? other : udp).send(answer, from.port, from.address), ms);
  });
  udp.bind(53, address, opened);
  createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const query = decode(bytes.subarray(2));
      tell(query, 'tcp');
      const answer = reply(query, behaviour === 'truncating' ? { data: many } : {});
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      if (behaviour !== 'dead') socket.write(Buffer.concat([length, answer]));
    });
  }).listen(53, address, opened);
}
process.on('message', () => process.send('all'));
process.on('disconnect', () => process.exit());
