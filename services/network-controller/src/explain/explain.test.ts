import { describe, expect, test } from 'vitest';
import { ask, questions } from './world.fixture.ts';

describe('who reaches whom, and which rule or sentence says so', () => {
  test.each(questions)('%s: %s, %s', (line, reaches, because) => {
    const found = ask(line);
    expect([found.reaches, found.because]).toEqual([reaches, expect.stringContaining(because)]);
    expect(found.steps.map(({ stops }) => stops)).toEqual(
      found.steps.map((_, at) => !reaches && at === found.steps.length - 1),
    );
  });
});

test('the way, step by step', () => {
  const { steps } = ask('twoA host tcp 8080');
  expect(steps.map(({ place, object, rule }) => [place, object, rule])).toEqual([
    ['sandbox twoA', 'veth/e-twoA', ''],
    [
      'host h1, chain publish',
      'port/tcp/0.0.0.0/8080',
      'meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports4_any',
    ],
    ['host h1, chain forward', 'nft/bridges/br-one', 'oifname @bridges ct status dnat accept'],
    ['network one', 'veth/e-oneA', ''],
    ['host h1, chain forward', 'nft/bridges/br-two', 'oifname @bridges ct status dnat accept'],
  ]);
});

test('where it arrives: the sandbox behind a published port', () => {
  expect(ask('outside host tcp 8080').arrival).toMatchObject({
    place: { at: 'sandbox', id: 'oneA' },
    address: '10.1.0.2',
    port: 80,
  });
});

test.each([
  ['oneA oneB', 'veth/e-oneB'],
  ['oneA oneB', 'sandbox/oneA'],
  ['oneA oneB', 'bridge/br-one'],
  ['oneA outside', 'route/oneA/0.0.0.0/0'],
  ['oneA outside', 'sysctl/net.ipv4.ip_forward'],
  ['outside host tcp 8080', 'port/tcp/0.0.0.0/8080'],
  ['oneA twoA', 'nft/bridges/br-two'],
  ['host oneA', 'veth/e-oneA'],
])('%s stops at %s when the host could not apply it', (line, object) => {
  const found = ask(line, new Map([[object, 'the kernel refused']]));
  expect(found).toMatchObject({
    reaches: false,
    because: `object ${object} is not in the kernel: the kernel refused`,
  });
  expect(found.steps.at(-1)).toMatchObject({ object, stops: true });
});
