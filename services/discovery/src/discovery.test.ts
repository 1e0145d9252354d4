import { textOf } from '@weft/hoststate';
import { Endpoint, HostFacts, Network, Record as NetworkRecord, Sandbox } from '@weft/proto/model';
import { describe, expect, test } from 'vitest';
import { endpointNames } from './endpoint.ts';
import { recordNames } from './record.ts';
import { resolve } from './resolve.ts';
import { resolver } from './resolver.ts';
import { zone } from './zone.ts';

const network = (name: string, desired: object = {}, spec: object = {}) =>
  Network.fromPartial({
    id: name.padEnd(64, '0'),
    spec: { name, ...spec },
    desired: { driver: 'bridge', pools: [{ subnet: '10.0.0.0/24' }, { subnet: 'fd00::/64' }], ...desired },
  });
const sandbox = (name: string, spec: object = {}) =>
  Sandbox.fromPartial({ id: 'ab'.repeat(32), spec: { name, ...spec }, desired: {} });
const endpoint = (name: string, spec: object = {}, addresses = ['10.0.0.2/24', 'fd00::2/64']) =>
  Endpoint.fromPartial({
    id: name.padEnd(64, '1'),
    spec: { name, ...spec },
    desired: { addresses: addresses.map((cidr) => ({ cidr })) },
  });
const web = network('web');

describe('zones', () => {
  test('a network with addresses is one', () => {
    expect(zone(web)?.spec).toEqual({
      $case: 'zone',
      value: { networkId: web.id, name: 'web', subnets: ['10.0.0.0/24', 'fd00::/64'], listen: [], servers: [] },
    });
  });
  test.each([
    ['predefined', network('bridge', { predefined: true })],
    ['without addresses', network('none', { pools: [] })],
    ['for configuration only', network('base', {}, { configOnly: true })],
  ])('one that is %s is none', (_, one) => {
    expect(zone(one)).toBeUndefined();
    expect(endpointNames(one, endpoint('a'), sandbox('a'))).toBeUndefined();
    expect(resolver(sandbox('a'), [{ network: one, endpoint: endpoint('a') }], undefined)).toBeUndefined();
  });
});

describe('names of an endpoint', () => {
  const names = (...from: [object?, object?, string?]) => {
    const object = endpointNames(web, endpoint(from[2] ?? 'a', from[0]), sandbox('a', from[1]));
    return object?.spec?.$case === 'names' ? object.spec.value : undefined;
  };
  test('its sandbox, its own, aliases, short id, host name', () => {
    expect(names({ aliases: ['db', 'db.example'] }, { hostname: 'alpha' }, 'own')?.names).toEqual([
      'a',
      'own',
      'db',
      'db.example',
      'abababababab',
      'alpha',
    ]);
  });
  test('each once, whatever its case', () => {
    expect(names({ aliases: ['A', 'DB', 'db'] }, { hostname: 'a' })?.names).toEqual(['a', 'DB', 'abababababab']);
  });
  test('addresses without lengths lead back to the first', () => {
    expect(names()).toMatchObject({ addresses: ['10.0.0.2', 'fd00::2'], reverse: 'a' });
  });
  test('none without an address', () => {
    expect(endpointNames(web, endpoint('a', {}, []), sandbox('a'))).toBeUndefined();
  });
});

describe('a resolver', () => {
  const on = (...names: Network[]) => names.map((one) => ({ network: one, endpoint: endpoint('a') }));
  const facts = HostFacts.fromPartial({ resolvers: ['127.0.0.11', '127.0.0.53'], resolverOptions: ['ndots:3'] });
  const made = (spec: object, places = on(web)) => {
    const object = resolver(sandbox('a', spec), places, facts);
    return object?.spec?.$case === 'resolver' ? object.spec.value : undefined;
  };
  test("asks the host's servers but ourselves; the host's ndots counts", () => {
    expect(made({})).toMatchObject({ servers: ['127.0.0.53'], serversInSandbox: false, ndots: 3 });
  });
  test("asks the user's from the sandbox; his options are all there are", () => {
    expect(made({ dns: { servers: ['192.0.2.1'], options: ['edns0'] } })).toMatchObject({
      servers: ['192.0.2.1'],
      serversInSandbox: true,
      ndots: 0,
    });
  });
  test('is internal when all networks are, those without names too', () => {
    const inside = network('in', { internal: true });
    expect(made({}, on(inside))?.internal).toBe(true);
    expect(made({}, on(inside, network('bridge', { predefined: true })))?.internal).toBe(false);
  });
  test('knows the links of each endpoint', () => {
    const places = [{ network: web, endpoint: endpoint('a', { links: ['b:db', 'c'] }) }];
    expect(made({}, places)?.networks).toEqual([{ networkId: web.id, links: { db: 'b', c: 'c' } }]);
  });
});

describe('resolve', () => {
  const record = (name: string, type: string, data: string, ttlSeconds = 0) =>
    recordNames(web, NetworkRecord.fromPartial({ id: name.padEnd(64, '2'), name, type, data, ttlSeconds }));
  const objects = [
    zone(web),
    endpointNames(web, endpoint('a', { aliases: ['db'] }), sandbox('a')),
    record('cache', 'A', '10.0.0.9', 60),
    record('alias', 'CNAME', 'a.web'),
    record('away', 'CNAME', 'example.org'),
    record('_http._tcp.shop', 'SRV', '1 2 8080 a.web'),
    record('note', 'TXT', '"one \\"two\\"" "three"'),
    record('*.apps', 'A', '10.0.0.8'),
  ].filter((one) => one !== undefined);
  const asked = (spec: object) => {
    const made = resolver(sandbox('a', spec), [{ network: web, endpoint: endpoint('a') }], undefined)?.spec;
    if (made?.$case !== 'resolver') throw new Error('no resolver');
    return made.value;
  };
  const ask = (name: string, type = '', spec: object = { dns: { servers: ['192.0.2.1'] } }) => {
    const { rcode, answers, additional, forwardedName } = resolve(name, type, asked(spec), objects);
    const lines = [...answers, ...additional].map((one) => `${one.name} ${one.ttlSeconds} ${one.type} ${one.data}`);
    return [rcode || `forward ${forwardedName}`, ...lines].join('; ');
  };
  test.each([
    ['db', '', 'NOERROR; db 5 A 10.0.0.2; db 5 AAAA fd00::2'],
    ['DB.web', 'a', 'NOERROR; db.web 5 A 10.0.0.2'],
    ['10.0.0.2', '', 'NOERROR; 2.0.0.10.in-addr.arpa 5 PTR a.web'],
    ['fd00::2', '', `NOERROR; 2${'.0'.repeat(29)}.d.f.ip6.arpa 5 PTR a.web`],
    ['10.0.0.77', '', 'NXDOMAIN'],
    ['cache', 'A', 'NOERROR; cache 60 A 10.0.0.9'],
    ['10.0.0.9', '', 'NXDOMAIN'],
    ['alias', 'A', 'NOERROR; alias 5 CNAME a.web; a.web 5 A 10.0.0.2'],
    ['away', 'A', 'forward example.org; away 5 CNAME example.org'],
    [
      '_http._tcp.shop',
      'SRV',
      'NOERROR; _http._tcp.shop 5 SRV 1 2 8080 a.web; a.web 5 A 10.0.0.2; a.web 5 AAAA fd00::2',
    ],
    ['note', 'TXT', 'NOERROR; note 5 TXT "one \\"two\\"" "three"'],
    ['x.apps', 'A', 'NOERROR; x.apps 5 A 10.0.0.8'],
    ['nobody.web', 'A', 'NXDOMAIN'],
    ['example.org', '', 'forward example.org'],
  ])('%s %s', (name, type, expected) => {
    expect(ask(name, type)).toBe(expected);
  });
  test('without servers what is not ours fails', () => {
    expect(ask('example.org', 'A', {})).toBe('SERVFAIL');
  });
  test('refuses what is no name and no type', () => {
    expect(() => ask('a..b')).toThrow('"a..b" is no name');
    expect(() => ask('a', 'AXFR')).toThrow('"AXFR" is no type of record');
  });
  test('objects have a text', () => {
    expect(objects.map(textOf)).toHaveLength(objects.length);
  });
});
