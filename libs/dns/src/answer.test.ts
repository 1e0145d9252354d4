import { describe, expect, test } from 'vitest';
import { ask, exchange, viewpointOn } from './ask.fixture.ts';
import { makeForwarders } from './forwarders.ts';
import { type Entry, Names } from './names.ts';

const entry = (names: string[], v4: string[] = [], v6: string[] = [], more: Partial<Entry> = {}): Entry => ({
  names,
  addresses: { v4, v6 },
  reverse: names[0] ?? '',
  ...more,
});

function world(): Names {
  const names = new Names();
  names.putNetwork('1', { name: 'mynet', subnets: ['10.0.0.0/24', 'fd00:1::/64'] });
  names.putNetwork('2', { name: 'other.net', subnets: ['10.0.2.0/24'] });
  names.putNetwork('3', { name: 'elsewhere', subnets: ['10.0.3.0/24'] });
  names.put('1', 'web', entry(['web', '0123456789ab', 'www'], ['10.0.0.2']));
  names.put('1', 'six', entry(['six'], [], ['fd00:1::6']));
  names.put('1', 'both', entry(['both', 'a.dotted.name'], ['10.0.0.4'], ['fd00:1::4']));
  names.put('1', 'r1', entry(['r1', 'tasks.rr', 'rr'], ['10.0.0.11']));
  names.put('1', 'r2', entry(['r2', 'tasks.rr', 'rr'], ['10.0.0.12']));
  names.put('1', 'r3', entry(['r3', 'tasks.rr', 'rr'], ['10.0.0.13']));
  names.put('1', 'none', { ...entry(['tasks.idle']), reverse: '' });
  names.put('2', 'web', entry(['web'], ['10.0.2.2'], ['fd00:2::2']));
  names.put('2', 'deep', entry(['deep'], ['10.0.2.3']));
  names.put('3', 'far', entry(['far'], ['10.0.3.2']));
  return names;
}

const names = world();
const one = viewpointOn(['1']);
const two = viewpointOn(['1', '2']);
const internal = viewpointOn(['1'], { isInternal: true });
const ndots = viewpointOn(['1'], { ndots: 1 });

const table = (title: string, viewpoint: typeof one, rows: readonly (readonly [string, string, string])[]) =>
  describe(title, () => {
    test.each(rows)('%s %s', (name, type, expected) => expect(ask(names, viewpoint, name, type)).toBe(expected));
  });

const soa = 'mynet SOA';

table('names of ours', one, [
  ['web', 'A', 'NOERROR aa: web A 10.0.0.2'],
  ['WeB', 'A', 'NOERROR aa: WeB A 10.0.0.2'],
  ['web.mynet', 'A', 'NOERROR aa: web.mynet A 10.0.0.2'],
  ['WEB.MyNet', 'A', 'NOERROR aa: WEB.MyNet A 10.0.0.2'],
  ['0123456789ab', 'A', 'NOERROR aa: 0123456789ab A 10.0.0.2'],
  ['www.mynet', 'A', 'NOERROR aa: www.mynet A 10.0.0.2'],
  ['six', 'AAAA', 'NOERROR aa: six AAAA fd00:1::6'],
  ['a.dotted.name', 'A', 'NOERROR aa: a.dotted.name A 10.0.0.4'],
  ['a.dotted.name.mynet', 'AAAA', 'NOERROR aa: a.dotted.name.mynet AAAA fd00:1::4'],
]);

table('a known name without such a record: empty, never forwarded', one, [
  ['web', 'AAAA', 'NOERROR aa'],
  ['six', 'A', 'NOERROR aa'],
  ['web.mynet', 'AAAA', `NOERROR aa; authority ${soa}`],
  ['web', 'MX', 'NOERROR aa'],
  ['web', 'TXT', 'NOERROR aa'],
  ['web', 'SRV', 'NOERROR aa'],
  ['web', 'PTR', 'NOERROR aa'],
  ['web', 'UNKNOWN_65', 'NOERROR aa'],
  ['web', 'ANY', 'NOERROR aa'],
  ['tasks.idle', 'A', 'NOERROR aa'],
]);

table('our zones: no means no', one, [
  ['ghost.mynet', 'A', `NXDOMAIN aa; authority ${soa}`],
  ['ghost.MYNET', 'AAAA', `NXDOMAIN aa; authority MYNET SOA`],
  ['a.b.c.mynet', 'MX', `NXDOMAIN aa; authority ${soa}`],
  ['mynet', 'A', `NOERROR aa; authority ${soa}`],
  ['mynet', 'SOA', `NOERROR aa: ${soa}`],
  ['notmynet', 'A', 'forward'],
  ['x.notmynet', 'A', 'forward'],
  ['far.elsewhere', 'A', 'forward'],
  ['far', 'A', 'forward'],
  ['web.other.net', 'A', 'forward'],
]);

table('several networks, in their order', two, [
  ['web', 'A', 'NOERROR aa: web A 10.0.0.2'],
  ['web', 'AAAA', 'NOERROR aa: web AAAA fd00:2::2'],
  ['deep', 'A', 'NOERROR aa: deep A 10.0.2.3'],
  ['web.other.net', 'A', 'NOERROR aa: web.other.net A 10.0.2.2'],
  ['web.other.net', 'AAAA', 'NOERROR aa: web.other.net AAAA fd00:2::2'],
  ['ghost.other.net', 'A', 'NXDOMAIN aa; authority other.net SOA'],
]);

table('names that are not ours', one, [
  ['example.com', 'A', 'forward'],
  ['example.com', 'MX', 'forward'],
  ['ghost', 'A', 'forward'],
  ['.', 'NS', 'forward'],
  ['example.com', 'AXFR', 'refused'],
  ['mynet', 'IXFR', 'refused'],
]);

table('single labels, when the user set ndots', ndots, [
  ['ghost', 'A', 'NOERROR'],
  ['ghost', 'AAAA', 'NOERROR'],
  ['ghost', 'MX', 'forward'],
  ['web', 'A', 'NOERROR aa: web A 10.0.0.2'],
  ['example.com', 'A', 'forward'],
]);

table('only internal networks: nothing leaves', internal, [
  ['web', 'A', 'NOERROR aa: web A 10.0.0.2'],
  ['example.com', 'A', 'SERVFAIL'],
  ['ghost', 'A', 'SERVFAIL'],
  ['ghost.mynet', 'A', `NXDOMAIN aa; authority ${soa}`],
  ['1.2.0.192.in-addr.arpa', 'PTR', 'SERVFAIL'],
]);

table('addresses back to names', one, [
  ['2.0.0.10.in-addr.arpa', 'PTR', 'NOERROR aa: 2.0.0.10.in-addr.arpa PTR web.mynet'],
  ['2.0.0.10.IN-ADDR.ARPA', 'PTR', 'NOERROR aa: 2.0.0.10.IN-ADDR.ARPA PTR web.mynet'],
  ['99.0.0.10.in-addr.arpa', 'PTR', 'NXDOMAIN aa; authority 0.0.10.in-addr.arpa SOA'],
  ['99.0.0.10.in-addr.arpa', 'TXT', 'NXDOMAIN aa; authority 0.0.10.in-addr.arpa SOA'],
  ['2.0.0.10.in-addr.arpa', 'A', 'NOERROR aa'],
  ['2.2.0.10.in-addr.arpa', 'PTR', 'forward'],
  ['8.8.8.8.in-addr.arpa', 'PTR', 'forward'],
  ['300.0.0.10.in-addr.arpa', 'PTR', 'forward'],
  ['02.0.0.10.in-addr.arpa', 'PTR', 'forward'],
  ['0.0.10.in-addr.arpa', 'PTR', 'forward'],
  ['1.2.0.0.10.in-addr.arpa', 'PTR', 'forward'],
]);

test('an IPv6 address back to its name', () => {
  const nibbles = 'fd000001000000000000000000000006'.split('').reverse().join('.');
  expect(ask(names, one, `${nibbles}.ip6.arpa`, 'PTR')).toBe(`NOERROR aa: ${nibbles}.ip6.arpa PTR six.mynet`);
  const other = `7${nibbles.slice(1)}`;
  expect(ask(names, one, `${other}.ip6.arpa`, 'PTR')).toBe(`NXDOMAIN aa; authority ${other.slice(2)}.ip6.arpa SOA`);
});

test('without forwarders nothing is forwarded', () => {
  const alone = viewpointOn(['1'], { forwarders: makeForwarders([], () => false) });
  expect(ask(names, alone, 'example.com', 'A')).toBe('SERVFAIL');
});

test('all addresses of a name, each first in turn', () => {
  const firsts = new Set<string>();
  for (let turn = 0; turn < 3; turn++) {
    const text = ask(names, one, 'tasks.rr.mynet', 'A', { turn });
    expect(text.match(/10\.0\.0\.1[123]/g)?.toSorted()).toEqual(['10.0.0.11', '10.0.0.12', '10.0.0.13']);
    firsts.add(text.split(',')[0] ?? '');
  }
  expect(firsts.size).toBe(3);
});

test('times to live are short, or as the owner says; a no is kept for seconds', () => {
  const own = world();
  own.put('1', 'slow', entry(['slow'], ['10.0.0.9'], [], { ttl: 600 }));
  const ttl = (name: string, type = 'A') => {
    const packet = exchange(own, one, name, type);
    if (typeof packet === 'string') throw new Error(packet);
    return [...(packet.answers ?? []), ...(packet.authorities ?? [])].map((record) => 'ttl' in record && record.ttl);
  };
  expect([ttl('web'), ttl('slow'), ttl('x.mynet')]).toEqual([[5], [600], [2]]);
});

describe('links', () => {
  const linked = viewpointOn([], {
    networks: [
      { id: '1', links: { db: 'web', web: 'both', gone: 'nobody' } },
      { id: '2', links: { far: 'deep' } },
    ],
  });
  test.each([
    ['db', 'A', 'NOERROR aa: db A 10.0.0.2'],
    ['db', 'AAAA', 'NOERROR aa'],
    ['db.mynet', 'A', 'NOERROR aa: db.mynet A 10.0.0.2'],
    // An alias hides the name on its network.
    ['web', 'A', 'NOERROR aa: web A 10.0.0.4'],
    ['web.other.net', 'A', 'NOERROR aa: web.other.net A 10.0.2.2'],
    ['far', 'A', 'NOERROR aa: far A 10.0.2.3'],
    ['gone', 'A', 'forward'],
  ])('%s %s', (name, type, expected) => expect(ask(names, linked, name, type)).toBe(expected));
});

describe('records of users', () => {
  const own = world();
  const put = (name: string, more: Partial<Entry>, v4: string[] = []) =>
    own.put('1', `record/${name}`, { ...entry([name], v4), reverse: '', ...more });
  put('db.example.com', { ttl: 60 }, ['10.9.9.9']);
  put('text', { records: [{ type: 'TXT', texts: ['hello', 'world'] }] });
  put('alias', { records: [{ type: 'CNAME', target: 'web.mynet' }] });
  put('alias2', { records: [{ type: 'CNAME', target: 'alias' }] });
  put('outside', { records: [{ type: 'CNAME', target: 'www.example.com.' }] });
  put('dangling', { records: [{ type: 'CNAME', target: 'ghost.mynet' }] });
  put('loop1', { records: [{ type: 'CNAME', target: 'loop2' }] });
  put('loop2', { records: [{ type: 'CNAME', target: 'loop1' }] });
  put('_ldap._tcp', { records: [{ type: 'SRV', priority: 1, weight: 2, port: 389, target: 'both.mynet' }] });
  put('*.apps', {}, ['10.0.0.80']);
  put('fixed.apps', {}, ['10.0.0.81']);
  put('*', {}, ['10.0.0.82']);
  test.each([
    ['db.example.com', 'A', 'NOERROR aa: db.example.com A 10.9.9.9'],
    ['db.example.com', 'AAAA', 'NOERROR aa'],
    ['www.example.com', 'A', 'forward'],
    ['text', 'TXT', 'NOERROR aa: text TXT hello,world'],
    ['text', 'A', 'NOERROR aa'],
    ['alias', 'A', 'NOERROR aa: alias CNAME web.mynet, web.mynet A 10.0.0.2'],
    ['alias', 'CNAME', 'NOERROR aa: alias CNAME web.mynet'],
    ['alias', 'AAAA', `NOERROR aa: alias CNAME web.mynet; authority ${soa}`],
    ['alias2', 'A', 'NOERROR aa: alias2 CNAME alias, alias CNAME web.mynet, web.mynet A 10.0.0.2'],
    ['outside', 'A', 'chase www.example.com after 1'],
    ['outside', 'CNAME', 'NOERROR aa: outside CNAME www.example.com'],
    ['dangling', 'A', `NOERROR aa: dangling CNAME ghost.mynet, ghost.mynet A 10.0.0.82`],
    ['loop1', 'A', 'SERVFAIL'],
    [
      '_ldap._tcp',
      'SRV',
      'NOERROR aa: _ldap._tcp SRV 1 2 389 both.mynet; additional both.mynet A 10.0.0.4, both.mynet AAAA fd00:1::4',
    ],
    ['x.apps', 'A', 'NOERROR aa: x.apps A 10.0.0.80'],
    ['y.x.apps.mynet', 'A', 'NOERROR aa: y.x.apps.mynet A 10.0.0.80'],
    ['fixed.apps', 'A', 'NOERROR aa: fixed.apps A 10.0.0.81'],
    ['x.fixed.apps', 'A', 'forward'],
    ['x.apps', 'MX', 'NOERROR aa'],
    ['apps', 'A', 'forward'],
    ['anything.mynet', 'A', 'NOERROR aa: anything.mynet A 10.0.0.82'],
    ['anything', 'A', 'forward'],
    ['anything.com', 'A', 'forward'],
  ])('%s %s', (name, type, expected) => expect(ask(own, one, name, type)).toBe(expected));

  test('an alias that leads nowhere in our zone says so', () => {
    own.delete('1', 'record/*');
    expect(ask(own, one, 'dangling', 'A')).toBe(`NXDOMAIN aa: dangling CNAME ghost.mynet; authority ${soa}`);
    expect(ask(own, internal, 'outside', 'A')).toBe('SERVFAIL');
  });
});

describe('ports of a service as SRV', () => {
  const own = world();
  const ports = [{ name: 'http', protocol: 'tcp', port: 8080 }];
  own.put('1', 't1', { ...entry(['svc.1', 'tasks.svc', 'svc'], ['10.0.0.21']), ports });
  own.put('1', 't2', { ...entry(['svc.2', 'tasks.svc', 'svc'], ['10.0.0.22']), ports });
  test.each([
    [
      '_http._tcp.svc',
      'SRV',
      'NOERROR aa: _http._tcp.svc SRV 0 0 8080 svc.1.mynet, _http._tcp.svc SRV 0 0 8080 svc.2.mynet; additional svc.1.mynet A 10.0.0.21, svc.2.mynet A 10.0.0.22',
    ],
    ['_HTTP._tcp.svc.mynet', 'SRV', 'svc.1.mynet'],
    ['_http._udp.svc', 'SRV', 'NOERROR aa'],
    ['_ftp._tcp.svc.mynet', 'SRV', `NOERROR aa; authority ${soa}`],
    ['_http._tcp.svc', 'TXT', 'NOERROR aa'],
    ['_http._tcp.ghost', 'SRV', 'forward'],
    ['_http._tcp.ghost.mynet', 'SRV', 'NXDOMAIN aa'],
    ['_http._tcp', 'SRV', 'forward'],
  ])('%s %s', (name, type, expected) => expect(ask(own, one, name, type)).toContain(expected));
});

test('an entry that is put again or deleted leaves nothing of the old', () => {
  const own = world();
  own.put('1', 'web', entry(['new'], ['10.0.0.3']));
  expect(ask(own, one, 'web.mynet', 'A')).toContain('NXDOMAIN');
  expect(ask(own, one, 'new', 'A')).toContain('10.0.0.3');
  expect(ask(own, one, '2.0.0.10.in-addr.arpa', 'PTR')).toContain('NXDOMAIN');
  expect(own.delete('1', 'web')).toBe(true);
  expect(own.delete('1', 'web')).toBe(false);
  expect(ask(own, one, 'new', 'A')).toBe('forward');
  expect(own.deleteNetwork('1')).toBe(true);
  expect(ask(own, one, 'six.mynet', 'AAAA')).toBe('forward');
});

test('what DNS cannot carry is left out', () => {
  const own = world();
  own.put(
    '1',
    'odd',
    entry(['', '.', 'a..b', 'x'.repeat(64), 'ok'], ['10.0.0.999', 'fd00::1', '10.0.0.7'], ['1.2.3.4']),
  );
  expect(ask(own, one, 'ok', 'A')).toBe('NOERROR aa: ok A 10.0.0.7');
  expect(ask(own, one, 'ok', 'AAAA')).toBe('NOERROR aa');
});
