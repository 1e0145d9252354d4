import { Reason } from '@weft/fault';
import { Balance, Protocol, ServiceMode } from '@weft/proto/model';
import { describe, expect, test } from 'vitest';
import { flagsOf } from '../testing/flags.ts';
import { serviceRequest } from './create.ts';
import { serviceChange } from './update.ts';
import { probeWord } from './words.ts';

const create = (...argv: string[]) =>
  serviceRequest('s', flagsOf('service', 'create', 's', '--network', 'n', ...argv)).spec;
const change = (...argv: string[]) => serviceChange('s', flagsOf('service', 'update', 's', ...argv));

test('what is not given is left to the server', () => {
  expect(create()).toMatchObject({
    name: 's',
    backends: [],
    mode: ServiceMode.VIP,
    balance: Balance.UNSPECIFIED,
    stickySeconds: 0,
    check: undefined,
  });
});

test('each flag says its part', () => {
  const flags =
    '--backend a --backend b,weight=7 --selector app=shop --selector tier=x --balance weighted --mode dnsrr';
  expect(create(...flags.split(' '), '--sticky', '--alias', 'x,y', '-l', 'k=v', '-p', '8080:80')).toMatchObject({
    backends: [
      { sandbox: 'a', weight: 0 },
      { sandbox: 'b', weight: 7 },
    ],
    selector: { app: 'shop', tier: 'x' },
    balance: Balance.WEIGHTED,
    mode: ServiceMode.DNSRR,
    stickySeconds: 10_800,
    aliases: ['x', 'y'],
    labels: { k: 'v' },
    ports: [{ protocol: Protocol.TCP, port: 80, hostPort: 8080 }],
  });
  const timing = '--health-interval 1.5s --health-timeout 200ms --health-rise 3 --health-fall 4'.split(' ');
  expect(create('--health', 'tcp:80', ...timing)?.check).toMatchObject({
    intervalMs: 1_500,
    timeoutMs: 200,
    rise: 3,
    fall: 4,
  });
});

test.each(['tcp:80', 'http:80', 'http:8080/healthz?x=1', 'grpc:50051', 'grpc:50051/a.b.C'])('health %s', (text) => {
  const check = create('--health', text)?.check;
  expect(check && probeWord(check)).toBe(text);
});

test('a change has what is named, and nothing else', () => {
  expect(change('--remove-backend', 'a', '--sticky=0', '--label-rm', 'x,y', '--network', 'n')).toEqual({
    service: 's',
    network: 'n',
    setBackends: [],
    removeBackends: ['a'],
    drain: [],
    undrain: [],
    setSelector: {},
    removeSelector: [],
    setLabels: {},
    removeLabels: ['x', 'y'],
    balance: undefined,
    stickySeconds: 0,
    setCheck: undefined,
    removeCheck: false,
  });
});

describe('is refused, naming the flag', () => {
  test.each<[string[], string, string]>([
    [['--backend', 'a,weight=0'], '--backend', 'N from 1 to 100'],
    [['--backend', ',weight=1'], '--backend', 'give SANDBOX'],
    [['--backend', 'a,prio=1'], '--backend', 'give SANDBOX'],
    [['--backend', 'a,weight=1,weight=2'], '--backend', 'give SANDBOX'],
    [['--selector', 'app'], '--selector', 'LABEL=VALUE'],
    [['--balance', 'fair'], '--balance', 'round-robin, random, source, weighted'],
    [['--mode', 'x'], '--mode', 'vip, dnsrr'],
    [['--sticky=-1'], '--sticky', 'from 0'],
    [['--sticky=99999999999'], '--sticky', 'from 0 to'],
    [['--health', 'tcp:1', '--health-fall', '99999999999'], '--health-fall', 'from 1 to'],
    [['--health', 'tcp:80/x'], '--health', 'give tcp:PORT'],
    [['--health', 'ping'], '--health', 'give tcp:PORT'],
    [['--health', 'tcp:1', '--health-interval', '5'], '--health-interval', '500ms or 2s'],
    [['--health', 'tcp:1', '--health-timeout', '0s'], '--health-timeout', 'above 0'],
    [['--health', 'tcp:1', '--health-rise', '0'], '--health-rise', 'from 1'],
    [['--health-fall', '3'], '--health', 'say what is checked'],
  ])('%j', (argv, field, says) => {
    expect(() => create(...argv)).toThrow(
      expect.objectContaining({ metadata: { field }, message: expect.stringContaining(says) }),
    );
  });

  test('a service without a network, and a change of nothing', () => {
    expect(() => serviceRequest('s', flagsOf('service', 'create', 's'))).toThrow('--network is missing');
    expect(() => change()).toThrow(expect.objectContaining({ reason: Reason.MISSING_FIELD }));
  });
});
