// What is refused of services: a clear fault that names the field and the remedy, and nothing left behind.
import { describe, expect, test } from 'vitest';
import { Reason } from '../lib/proto.ts';
import { check, createNetwork, keys, leases, named, plane, run, serve, tcp, update, usePlane } from '../lib/serving.ts';

usePlane();

describe('bad input names the field and the remedy, and leaves nothing', () => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => ({ sandbox: `s${at}` }));
  const http = (value: object) => ({ check: { probe: { $case: 'http', value: { port: 80, ...value } } } });
  const cases: [string, object, Reason, string, string][] = [
    ['no name', { name: '' }, Reason.MISSING_FIELD, 'spec.name', 'missing'],
    ['a name with dots', { name: 'a.b' }, Reason.INVALID_NAME, 'spec.name', 'no label of DNS'],
    ['a long name', { name: 'a'.repeat(64) }, Reason.INVALID_NAME, 'spec.name', 'give 1 to 63'],
    ['an alias', { aliases: ['-a'] }, Reason.INVALID_NAME, 'spec.aliases', 'give labels'],
    ['an alias of tasks', { aliases: ['tasks.x'] }, Reason.INVALID_NAME, 'spec.aliases', 'choose another'],
    ['an alias twice', { aliases: ['x', 'X'] }, Reason.CONFLICTING_FIELDS, 'spec.aliases', 'leave one out'],
    ['a taken name', { name: 'a' }, Reason.NAME_TAKEN, 'spec.name', 'by an endpoint'],
    ['nobody', { backends: named('nobody') }, Reason.SANDBOX_NOT_FOUND, 'spec.backends[0].sandbox', 'no such sandbox'],
    [
      'one elsewhere',
      { backends: named('a', 'off') },
      Reason.ENDPOINT_NOT_FOUND,
      'spec.backends[1].sandbox',
      'connect it',
    ],
    ['one twice', { backends: named('a', 'a') }, Reason.CONFLICTING_FIELDS, 'spec.backends[1].sandbox', 'given twice'],
    ['draining nobody', { draining: ['x'] }, Reason.SANDBOX_NOT_FOUND, 'spec.draining[0]', 'no such sandbox'],
    ['1,001 backends', { backends: many(1_001) }, Reason.REQUEST_TOO_LARGE, 'spec.backends', 'more than 1000'],
    [
      'a weight',
      { backends: [{ sandbox: 'a', weight: 101 }] },
      Reason.INVALID_VALUE,
      'spec.backends[0].weight',
      '1 to 100',
    ],
    [
      'a useless weight',
      { backends: [{ sandbox: 'a', weight: 2 }] },
      Reason.CONFLICTING_FIELDS,
      'spec.backends[0].weight',
      'weighted',
    ],
    ['a selector', { selector: { 'a=b': 'c' } }, Reason.INVALID_VALUE, 'spec.selector', 'LABEL=VALUE'],
    ['an empty label', { selector: { '': 'c' } }, Reason.INVALID_VALUE, 'spec.selector', 'LABEL=VALUE'],
    ['stickiness', { stickySeconds: 604_801 }, Reason.INVALID_VALUE, 'spec.sticky_seconds', 'more than 604800'],
    ['a mode', { mode: 9 }, Reason.INVALID_VALUE, 'spec.mode', 'vip, dnsrr'],
    ['a balance', { balance: 9 }, Reason.INVALID_VALUE, 'spec.balance', 'round robin'],
    ['dnsrr that balances', { mode: 2, balance: 2 }, Reason.CONFLICTING_FIELDS, 'spec.balance', 'use mode vip'],
    [
      'dnsrr that sticks',
      { mode: 2, stickySeconds: 9 },
      Reason.CONFLICTING_FIELDS,
      'spec.sticky_seconds',
      'use mode vip',
    ],
    ['no probe', { check: {} }, Reason.MISSING_FIELD, 'spec.check.probe', 'give tcp, http or grpc'],
    ['a probe\u2019s port', http({ port: 0 }), Reason.INVALID_PORT, 'spec.check.http.port', '1 to 65535'],
    ['a path', http({ path: 'x' }), Reason.INVALID_VALUE, 'spec.check.http.path', 'begin with /'],
    [
      'a path that ends its line',
      http({ path: '/\r\nx' }),
      Reason.INVALID_VALUE,
      'spec.check.http.path',
      'without spaces',
    ],
    [
      'an interval',
      { check: { ...check, intervalMs: 99 } },
      Reason.INVALID_VALUE,
      'spec.check.interval_ms',
      '100 to 3600000',
    ],
    ['a timeout', { check: { ...check, timeoutMs: 1_001 } }, Reason.INVALID_VALUE, 'spec.check.timeout_ms', 'interval'],
    [
      'a long timeout',
      { check: { ...check, intervalMs: 60_000, timeoutMs: 10_001 } },
      Reason.INVALID_VALUE,
      'spec.check.timeout_ms',
      'more than 10000; give less',
    ],
    ['rise', { check: { ...check, rise: 101 } }, Reason.INVALID_VALUE, 'spec.check.rise', 'more than 100'],
    ['fall', { check: { ...check, fall: 101 } }, Reason.INVALID_VALUE, 'spec.check.fall', 'more than 100'],
    ['a port', { ports: [tcp(0)] }, Reason.INVALID_PORT, 'spec.ports[0].port', '1 to 65535'],
    [
      'a port\u2019s family',
      { ports: [tcp(80, { hostIp: 'fd00::1' })] },
      Reason.WRONG_FAMILY,
      'spec.ports[0].host_ip',
      'IPv6',
    ],
  ];
  test.each(cases)('%s', async (_, spec, reason, field, says) => {
    await run('a');
    await run('off', {}, ['bridge']);
    const before = (await keys()).filter((key) => !key.startsWith('status/'));
    await expect(serve('web', spec)).rejects.toMatchObject({
      reason,
      message: expect.stringContaining(says),
      metadata: expect.objectContaining({ field }),
    });
    expect((await keys()).filter((key) => !key.startsWith('status/'))).toEqual(before);
    expect(await leases()).toEqual([]);
  });

  test('networks without names, and networks that publish nothing', async () => {
    await createNetwork('apart', '10.3.0.0/24', { internal: true });
    await plane.networks.createNetwork({ spec: { name: 'base', configOnly: true } });
    for (const network of ['bridge', 'host', 'none', 'base']) {
      await expect(serve('web', {}, network)).rejects.toMatchObject({
        reason: Reason.NETWORK_MODE,
        message: `network ${network} has no names: give a network of your own with addresses`,
      });
    }
    await expect(serve('web', { ports: [tcp(80)] }, 'apart')).rejects.toMatchObject({
      reason: Reason.NETWORK_MODE,
      message: expect.stringContaining('network apart publishes no ports of its hosts'),
    });
    await expect(serve('web', {}, 'nope')).rejects.toMatchObject({ reason: Reason.NETWORK_NOT_FOUND });
    expect([await leases(), (await plane.services.listServices({})).services]).toEqual([[], []]);
  });

  test.each<[string, object, Reason, string]>([
    ['nothing', {}, Reason.MISSING_FIELD, 'nothing to change'],
    ['a backend that it does not name', { removeBackends: ['b'] }, Reason.SANDBOX_NOT_FOUND, 'names no backend b'],
    ['undraining who does not drain', { undrain: ['a'] }, Reason.INVALID_VALUE, 'not draining'],
    ['setting and removing', { setLabels: { x: '' }, removeLabels: ['x'] }, Reason.CONFLICTING_FIELDS, 'choose one'],
    ['a check and none', { setCheck: check, removeCheck: true }, Reason.CONFLICTING_FIELDS, 'choose one'],
    [
      'a weight that does not count',
      { setBackends: [{ sandbox: 'a', weight: 3 }] },
      Reason.CONFLICTING_FIELDS,
      'weighted',
    ],
    ['no balance', { balance: 0 }, Reason.INVALID_VALUE, 'leave it out'],
  ])('update: %s', async (_, change, reason, says) => {
    await run('a');
    await run('b');
    const service = await serve('web', { backends: named('a') });
    await expect(update('web', change)).rejects.toMatchObject({ reason, message: expect.stringContaining(says) });
    const { service: after } = await plane.services.getService({ service: 'web' });
    expect([after?.revision, after?.spec]).toEqual([service.revision, service.spec]);
  });
});
