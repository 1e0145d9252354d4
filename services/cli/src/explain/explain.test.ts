import { Reason } from '@weft/fault';
import { ExplainResponse } from '@weft/proto/controller';
import { Family, Protocol } from '@weft/proto/model';
import { describe, expect, test } from 'vitest';
import { flagsOf } from '../testing/flags.ts';
import { explainRequest, explanationJson } from './explain.ts';
import { probe } from './probe.ts';

const requestOf = (line: string) => {
  const words = line.split(' ');
  const flags = words.findIndex((word) => word.startsWith('--'));
  return explainRequest(flags < 0 ? words : words.slice(0, flags), flagsOf('explain', ...words));
};

test.each([
  ['a b', { from: 'a', to: 'b', protocol: Protocol.UNSPECIFIED, port: 0, family: Family.UNSPECIFIED, host: '' }],
  ['a b ping', { protocol: Protocol.UNSPECIFIED, port: 0 }],
  ['a b TCP 80', { protocol: Protocol.TCP, port: 80 }],
  ['a outside udp 65535 --ipv6', { to: 'outside', protocol: Protocol.UDP, port: 65535, family: Family.IPV6 }],
  ['a 10.0.0.1 sctp 1 --ipv4 --host h1', { protocol: Protocol.SCTP, family: Family.IPV4, host: 'h1' }],
])('%s', (line, expected) => expect(requestOf(line)).toMatchObject(expected));

test.each([
  ['a b http 80', Reason.INVALID_VALUE],
  ['a b tcp', Reason.MISSING_FIELD],
  ['a b icmp 8', Reason.CONFLICTING_FIELDS],
  ['a b tcp 0', Reason.INVALID_PORT],
  ['a b tcp 65536', Reason.INVALID_PORT],
  ['a b tcp http', Reason.INVALID_PORT],
  ['a b tcp -1', Reason.INVALID_PORT],
  ['a b --ipv4 --ipv6', Reason.CONFLICTING_FIELDS],
])('%s is refused', (line, reason) => {
  const words = line.split(' ');
  const isFlag = (word: string) => word.startsWith('--');
  const flags = flagsOf('explain', 'a', 'b', ...words.filter(isFlag));
  expect(() =>
    explainRequest(
      words.filter((word) => !isFlag(word)),
      flags,
    ),
  ).toThrow(expect.objectContaining({ reason }));
});

test('JSON always says whether it reaches', () => {
  const answer = ExplainResponse.fromPartial({ because: 'x' });
  expect(JSON.parse(explanationJson(answer))).toMatchObject({ reaches: false, because: 'x' });
  expect(JSON.parse(explanationJson(answer, { says: 'why' }))).toMatchObject({ probed: { says: 'why' } });
});

describe('a probe', () => {
  const way = ExplainResponse.fromPartial({ probe: { address: '127.0.0.1', port: 1, toAddress: '127.0.0.1' } }).probe;

  test('that is impossible says why', async () => {
    const no = ExplainResponse.fromPartial({ probe: { impossible: 'no reason' } }).probe;
    expect(await probe(no, Protocol.TCP, [])).toEqual({ says: 'no reason' });
    expect(await probe(way, Protocol.SCTP, [])).toEqual({ says: 'sctp is not tried' });
  });

  test('of another machine is refused', async () => {
    await expect(probe(way, Protocol.TCP, [])).rejects.toMatchObject({ reason: Reason.HOST_UNAVAILABLE });
  });
});
