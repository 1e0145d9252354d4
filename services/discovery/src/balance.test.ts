import { textOf } from '@weft/hoststate';
import { NamedService } from '@weft/proto/discovery';
import { BackendState, Balance, Protocol } from '@weft/proto/model';
import { describe, expect, test } from 'vitest';
import { serviceObjects } from './balance.ts';

const networkId = 'ab'.repeat(32);
const pools = [{ subnet: '10.0.0.0/24' }, { subnet: 'fd00::/64' }];
const network = { id: networkId, spec: { name: 'web' }, desired: { driver: 'bridge', pools } };
const backend = (at: number, more: object = {}) => ({
  endpoint: {
    id: `${at}`.padEnd(64, '0'),
    desired: { sandboxId: `sandbox ${at}`, addresses: [{ cidr: `10.0.0.${at}/24` }, { cidr: `fd00::${at}/64` }] },
  },
  weight: 1,
  state: BackendState.UP,
  ...more,
});
const both = [{ cidr: '10.0.0.9/24' }, { cidr: 'fd00::9/64' }];

function compile(spec: object, desired: object, backends: object[], on: object = network) {
  const request = { network: on, service: { id: 's'.repeat(64), spec: { name: 'shop', ...spec }, desired }, backends };
  const { network: place, service, backends: members } = NamedService.fromPartial(request as Partial<NamedService>);
  if (place === undefined || service === undefined) throw new Error('incomplete');
  const objects = serviceObjects({ network: place, service, backends: members });
  const names = objects.flatMap(({ spec: one }) => (one?.$case === 'names' ? [one.value] : []));
  const [served] = objects.flatMap(({ spec: one }) => (one?.$case === 'service' ? [one.value] : []));
  return { objects, names, served };
}

describe('names', () => {
  test('the service\u2019s and its aliases lead to its address, and that back; tasks to who is up', () => {
    const backends = [
      backend(3),
      backend(2),
      backend(4, { state: BackendState.DOWN }),
      backend(5, { state: BackendState.DRAINING }),
    ];
    const { names } = compile({ aliases: ['store'] }, { addresses: both }, backends);
    expect(
      names.map(({ owner, names: all, addresses, reverse }) => [owner.slice(0, 8), all, addresses, reverse]),
    ).toEqual([
      ['service/', ['shop', 'store'], ['10.0.0.9', 'fd00::9'], 'shop'],
      ['tasks/ss', ['tasks.shop'], ['10.0.0.2', 'fd00::2', '10.0.0.3', 'fd00::3'], ''],
    ]);
  });
  test('without an address of its own to who is up, whose addresses lead back to themselves', () => {
    const { names, served } = compile({}, {}, [backend(2), backend(3, { state: BackendState.DOWN })]);
    expect(names[0]).toMatchObject({ names: ['shop'], addresses: ['10.0.0.2', 'fd00::2'], reverse: '' });
    expect(served?.addresses).toEqual([]);
  });
  test('a network without names has no services', () => {
    expect(compile({}, {}, [], { ...network, desired: { pools, predefined: true } }).objects).toEqual([]);
  });
});

describe('backends', () => {
  const served = (spec: object, backends: object[], desired: object = { addresses: both }) =>
    compile(spec, desired, backends).served?.backends.map(
      ({ addresses, weight, draining }) => `${addresses} x${weight}${draining ? ' draining' : ''}`,
    );
  test('are in the same order for the same set', () => {
    expect(served({}, [backend(3), backend(2)])).toEqual(served({}, [backend(2), backend(3)]));
  });
  test('have addresses of the service\u2019s families alone; one without is none', () => {
    const desired = { addresses: [{ cidr: 'fd00::9/64' }] };
    const old = backend(4, { endpoint: { id: '4', desired: { addresses: [{ cidr: '10.0.0.4/24' }] } } });
    expect(served({}, [backend(2), old], desired)).toEqual(['fd00::2 x1']);
  });
  test.each([
    [Balance.WEIGHTED, 7],
    [Balance.SOURCE, 7],
    [Balance.ROUND_ROBIN, 1],
    [Balance.RANDOM, 1],
  ])('balance %i: a weight of 7 is %i', (balance, weight) => {
    expect(served({ balance }, [backend(2, { weight: 7 })])).toEqual([`10.0.0.2,fd00::2 x${weight}`]);
  });
  test('one that is down is left out, or stays without weight where it is checked; a draining one says so', () => {
    const backends = [backend(2, { state: BackendState.DOWN }), backend(3, { state: BackendState.DRAINING })];
    expect(served({}, backends)).toEqual(['10.0.0.3,fd00::3 x1 draining']);
    const check = { probe: { $case: 'tcp', value: { port: 80 } } };
    expect(served({ check }, backends)).toEqual(['10.0.0.2,fd00::2 x0', '10.0.0.3,fd00::3 x1 draining']);
  });
});

test('a check has all its defaults filled in', () => {
  const http = { $case: 'http', value: { port: 80 } };
  expect(compile({ check: { probe: http } }, {}, []).served?.check).toEqual({
    probe: { $case: 'http', value: { port: 80, path: '/', host: 'shop' } },
    intervalMs: 1_000,
    timeoutMs: 1_000,
    rise: 2,
    fall: 2,
  });
  const given = { probe: http, intervalMs: 300, timeoutMs: 100, rise: 5, fall: 1 };
  expect(compile({ check: given }, {}, []).served?.check).toMatchObject({
    intervalMs: 300,
    timeoutMs: 100,
    rise: 5,
    fall: 1,
  });
});

test('host ports are held, and directed by the service; each object has a text', () => {
  const ports = [{ protocol: Protocol.TCP, port: 80, hostIps: ['0.0.0.0', '::'], hostPort: 8080 }];
  const { objects, served } = compile({}, { addresses: both, ports }, [backend(2)]);
  expect(objects.map(({ key }) => key.split('/').slice(0, 1).join())).toEqual([
    'names',
    'names',
    'service',
    'port',
    'port',
  ]);
  expect(objects.at(-1)).toMatchObject({ key: 'port/tcp/::/8080', spec: { value: { targetIp: '', targetPort: 0 } } });
  expect(served?.ports.map(({ hostIp, hostPort, targetPort }) => [hostIp, hostPort, targetPort])).toEqual([
    ['0.0.0.0', 8080, 80],
    ['::', 8080, 80],
  ]);
  expect(objects.map(textOf)).toHaveLength(5);
});
