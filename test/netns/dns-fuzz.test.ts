// 100,000 packets that nobody should send, to a sandbox's resolver through its own socket: it lives, and every question in
// between is answered, and rightly. The seed is printed: FUZZ_SEED repeats a run.
import { closeSocket, connectTo, receiveSome, sendSome, waitFor } from '@weft/kernel';
import { expect, test } from 'vitest';
import { decodeReply, questionOf } from '../lib/dns.ts';
import { createHost, idOf, namesObject, networkObjects, resolverObject, zoneObject } from './agent-host.ts';

const PACKETS = 100_000;
const A_ROUND = 100;
const seed = Number(process.env['FUZZ_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));

let state = seed;
/** From 0 to `below`, without it. */
const random = (below: number): number => {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return Math.trunc(((state >>> 0) / 2 ** 32) * below);
};

const types = [1, 28, 12, 33, 15, 16, 5, 6, 255, 252, 41, 0, 65_535];
const texts = ['web', 'mynet', 'nobody', '*', '_http', '_tcp', 'in-addr', 'arpa', '2', '0', '1', '10', 'com', ''];
const opt = Buffer.from([0, 0, 41, 2, 0, 0, 0, 128, 0, 0, 0]);

const sensible = (): Buffer => {
  const labels = Array.from({ length: random(6) }, () => texts[random(texts.length)] ?? '');
  const question = questionOf(
    random(65_536),
    labels.filter((one) => one !== ''),
    types[random(types.length)],
  );
  if (random(3) > 0) return question;
  const withOpt = Buffer.concat([question, opt]);
  withOpt[11] = 1;
  return withOpt;
};
const noise = (): Buffer => Buffer.from(Array.from({ length: random(600) }, () => random(256)));
const mutated = (): Buffer => {
  let bytes = sensible();
  for (let times = 1 + random(8); times > 0; times--) {
    const at = random(bytes.length);
    const how = random(5);
    if (how === 0) bytes[at] = random(256);
    else if (how === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
    else if (how === 2) bytes = bytes.subarray(0, at);
    else if (how === 3) bytes = Buffer.concat([bytes, bytes.subarray(at)]);
    else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([0xc0, random(256)]), bytes.subarray(at)]);
    if (bytes.length === 0) return bytes;
  }
  return bytes.subarray(0, 4000);
};

test(`${PACKETS.toLocaleString('en')} random and mutated packets: no question goes unanswered`, async () => {
  const host = await createHost();
  const [net, a] = [idOf('net'), idOf('s0')];
  await host.apply([
    ...networkObjects('br-w', 1),
    zoneObject(net, 'mynet', { listen: ['10.1.0.1'] }),
    namesObject(net, 'web', ['10.1.0.2'], { records: [{ name: '*.x', type: 'CNAME', data: 'web', ttlSeconds: 0 }] }),
    resolverObject(a, net),
  ]);
  const open = (address: string) => connectTo(host.sandbox(a), { transport: 'udp', address, port: 53 });
  // Its own resolver and the gateway, in turn.
  const places = ['127.0.0.11', '10.1.0.1'].map((address) => ({ bad: open(address), good: open(address) }));
  const into = Buffer.alloc(65_535);
  let answered = 0;
  let replies = 0;
  try {
    for (let round = 0; round < PACKETS / A_ROUND; round++) {
      const { bad, good } = places[round % places.length] as (typeof places)[0];
      for (let count = 0; count < A_ROUND; count++) {
        const kind = random(10);
        sendSome(bad, kind < 2 ? noise() : kind < 4 ? sensible() : mutated());
      }
      sendSome(good, questionOf(round, ['web', 'mynet']));
      waitFor([good], 5000);
      const got = receiveSome(good, into);
      const reply = typeof got === 'number' ? decodeReply(into.subarray(0, got)) : undefined;
      if (reply?.id === round && (reply.answers?.[0] as { data?: string } | undefined)?.data === '10.1.0.2') answered++;
      while (typeof receiveSome(bad, into) === 'number') replies++;
    }
  } finally {
    for (const { bad, good } of places) for (const fd of [bad, good]) closeSocket(fd);
  }
  console.log(
    `seed ${seed}: ${PACKETS} packets, ${replies} replies, ${answered} of ${PACKETS / A_ROUND} questions answered`,
  );
  expect(answered).toBe(PACKETS / A_ROUND);
  // Most of what is mutated is still a question, or deserves FORMERR.
  expect(replies).toBeGreaterThan(PACKETS / 4);
}, 120_000);
