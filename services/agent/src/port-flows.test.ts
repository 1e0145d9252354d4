import type { Flow } from '@weft/kernel';
import { describe, expect, it } from 'vitest';
import { readRules } from './others-firewall.ts';
import { isStale } from './port-flows.ts';

const flow = (to: string, port: number, answers = to, answersPort = port, protocol = 17): Flow => ({
  protocol,
  original: { source: '10.9.0.2', sourcePort: 4000, destination: to, destinationPort: port },
  reply: { source: answers, sourcePort: answersPort, destination: '10.9.0.2', destinationPort: 4000 },
  family: 2,
  name: Buffer.alloc(0),
});
const isOfHost = (address: string) => address === '10.9.0.1';

describe('stale flows', () => {
  const any = { protocol: 'udp', hostIp: '0.0.0.0', hostPort: '53', before: ['10.1.0.2', '53'] };
  const one = { protocol: 'udp', hostIp: '10.9.0.1', hostPort: '5353', before: undefined };
  it.each<[string, boolean, Flow]>([
    ['to the port of the host, not directed', true, flow('10.9.0.1', 53)],
    ['to the port of the host, directed where it led', true, flow('10.9.0.1', 53, '10.1.0.2')],
    ['to the same port of somebody else', false, flow('9.9.9.9', 53)],
    ['straight to the sandbox', false, flow('10.1.0.2', 53)],
    ['directed there by another port', true, flow('10.9.0.1', 99, '10.1.0.2', 53)],
    ['of another transport', false, flow('10.9.0.1', 53, '10.1.0.2', 53, 6)],
    ['of the other family', false, flow('2001:db8::1', 53)],
    ['to the port of its one address', true, flow('10.9.0.1', 5353)],
    ['to that port of another address', false, flow('10.9.0.3', 5353)],
  ])('%s: %s', (_, expected, is) => expect(isStale([any, one], isOfHost)(is)).toBe(expected));

  it('TCP ports make none', () => {
    expect(isStale([{ ...any, protocol: 'tcp' }], isOfHost)(flow('10.9.0.1', 53, '10.1.0.2', 53, 6))).toBe(false);
  });
});

describe('rules of DOCKER-USER', () => {
  const ours = '-A DOCKER-USER -m mark --mark 0x4e000000/0x4e000000 -m comment --comment weft -j ACCEPT';
  const other = '-A DOCKER-USER -j RETURN';
  it.each<[string[], number[], boolean]>([
    [[ours, other], [1], true],
    [[ours.replace('weft', '"weft"'), other], [1], true],
    [[other, ours], [2], false],
    [[ours, other, ours], [1, 3], false],
    [[other], [], false],
    [[ours.replace('0x4e', '0x57')], [], false],
  ])('%j', (rules, positions, isRight) =>
    expect(readRules(['-N DOCKER-USER', ...rules, ''].join('\n'))).toEqual({ positions, isRight }),
  );
});
