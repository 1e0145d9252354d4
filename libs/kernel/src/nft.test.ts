import { describe, expect, it } from 'vitest';
import { KernelError } from './error.ts';
import { openFds, useNamespaces } from './namespaces.fixture.ts';
import { listTable, listTables, listTableText, runNft, runNftInEach } from './nft.ts';
import { changeElements, type ElementChange, listElements, type NftElement, type NftSet } from './nft-elements.ts';

const namespaces = useNamespaces();

const failure = (run: () => unknown): KernelError => {
  try {
    run();
  } catch (error) {
    if (error instanceof KernelError) return error;
    throw error;
  }
  return expect.fail('it did not fail');
};

const TABLE = `table inet weft {
  set links { type ifname; }
  set isolated { type ifname . ifname; }
  set four { type ipv4_addr; }
  set six { type ipv6_addr; }
  set subnets { type ipv4_addr; flags interval; }
  set subnets6 { type ipv6_addr; flags interval; }
  map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }
  map verdicts { type ifname . ifname : verdict; }
  chain other { accept; }
}`;
const base = { family: 'inet', table: 'weft' } as const;
const links: NftSet = { ...base, name: 'links', key: ['ifname'] };
const isolated: NftSet = { ...base, name: 'isolated', key: ['ifname', 'ifname'] };
const four: NftSet = { ...base, name: 'four', key: ['ipv4_addr'] };
const six: NftSet = { ...base, name: 'six', key: ['ipv6_addr'] };
const subnets: NftSet = { ...base, name: 'subnets', key: ['ipv4_addr'], interval: true };
const subnets6: NftSet = { ...base, name: 'subnets6', key: ['ipv6_addr'], interval: true };
const ports: NftSet = {
  ...base,
  name: 'ports',
  key: ['inet_proto', 'inet_service'],
  data: ['ipv4_addr', 'inet_service'],
};
const verdicts: NftSet = { ...base, name: 'verdicts', key: ['ifname', 'ifname'], data: 'verdict' };

const add = (set: NftSet, ...elements: NftElement[]): ElementChange[] =>
  elements.map((element) => ({ set, op: 'add', element }));
const remove = (set: NftSet, ...elements: NftElement[]): ElementChange[] =>
  elements.map((element) => ({ set, op: 'delete', element }));

describe('nft text', () => {
  it('is one transaction, in its namespace only', () => {
    const [a, b] = [namespaces.make(), namespaces.make()];
    runNft(a, TABLE);
    expect(listTables(a)).toEqual([{ family: 'inet', name: 'weft' }]);
    expect(listTables(b)).toEqual([]);
    expect(listTable(b, 'inet', 'weft')).toBeUndefined();
    expect(
      listTable(a, 'inet', 'weft')
        ?.filter((object) => 'map' in object)
        .map(({ map }) => map?.['name']),
    ).toEqual(['ports', 'verdicts']);
  });

  it('that fails changes nothing and says exactly why', () => {
    const a = namespaces.make();
    runNft(a, TABLE);
    const before = listTableText(a, 'inet', 'weft');
    const error = failure(() =>
      runNft(a, 'add element inet weft links { "x" }\nadd rule inet weft none accept', 'publish a port'),
    );
    expect(error.operation).toBe('publish a port');
    expect(error.code).toBe('ENOENT');
    expect(error.detail).toMatch(/^Error: .*No such file or directory/);
    expect(error.message).toBe(`publish a port: No such file or directory (ENOENT): ${error.detail}`);
    expect(listTableText(a, 'inet', 'weft')).toBe(before);
    expect(failure(() => runNft(a, 'nonsense')).detail).toMatch(/syntax error, unexpected/);
  });

  it('keeps no descriptor', () => {
    const a = namespaces.make();
    runNft(a, TABLE);
    const before = openFds();
    for (let turn = 0; turn < 10; turn++) runNft(a, `add element inet weft links { "x${turn}" }`);
    expect(openFds()).toBe(before);
  });
});

describe('elements', () => {
  it.each<[string, NftSet, NftElement[], string[]]>([
    ['names', links, [{ key: ['br-1'] }, { key: ['br-2'] }], ['"br-1"', '"br-2"']],
    ['pairs of names', isolated, [{ key: ['a', 'b'] }], ['"a" . "b"']],
    ['addresses', four, [{ key: ['10.0.0.1'] }], ['10.0.0.1']],
    ['IPv6 addresses', six, [{ key: ['fd00::1'] }], ['fd00::1']],
    [
      'prefixes',
      subnets,
      [{ key: ['10.0.0.0/8'] }, { key: ['192.168.0.0/24'] }, { key: ['192.168.1.0/24'] }, { key: ['255.0.0.0/8'] }],
      ['10.0.0.0/8', '192.168.0.0/24', '192.168.1.0/24', '255.0.0.0/8'],
    ],
    ['IPv6 prefixes', subnets6, [{ key: ['fd00::/64'] }], ['fd00::/64']],
    ['published ports', ports, [{ key: ['tcp', '8080'], data: ['10.0.0.2', '80'] }], ['tcp . 8080 : 10.0.0.2 . 80']],
    [
      'verdicts',
      verdicts,
      [
        { key: ['a', 'a'], data: ['accept'] },
        { key: ['a', 'b'], data: ['goto', 'other'] },
      ],
      ['"a" . "a" : accept', '"a" . "b" : goto other'],
    ],
  ])('%s go in, read back the same, show in nft, and go out', (_, set, elements, shown) => {
    const a = namespaces.make();
    runNft(a, TABLE);
    const empty = listTableText(a, 'inet', 'weft');
    changeElements(a, add(set, ...elements));
    changeElements(a, add(set, ...elements));
    expect(listElements(a, set)?.toSorted((x, y) => (x.key.join() < y.key.join() ? -1 : 1))).toEqual(elements);
    const text = listTableText(a, 'inet', 'weft') ?? '';
    for (const one of shown) expect(text).toContain(one);
    changeElements(a, remove(set, ...elements));
    expect(listTableText(a, 'inet', 'weft')).toBe(empty);
  });

  it('are written by nft and read here', () => {
    const a = namespaces.make();
    runNft(a, TABLE);
    runNft(
      a,
      'add element inet weft subnets { 10.0.0.0/8, 172.16.0.0/12 }; add element inet weft ports { udp . 53 : 10.0.0.3 . 5353 }',
    );
    expect(listElements(a, subnets)?.map(({ key }) => key[0])).toEqual(['10.0.0.0/8', '172.16.0.0/12']);
    expect(listElements(a, ports)).toEqual([{ key: ['udp', '53'], data: ['10.0.0.3', '5353'] }]);
    expect(listElements(a, { ...four, name: 'none' })).toBeUndefined();
  });

  it('change all or none', () => {
    const a = namespaces.make();
    runNft(a, TABLE);
    const error = failure(() =>
      changeElements(a, [
        ...add(links, { key: ['x'] }),
        ...remove(four, { key: ['10.0.0.9'] }),
        ...add(six, { key: ['fd00::9'] }),
      ]),
    );
    expect(error).toMatchObject({ code: 'ENOENT', operation: 'delete element { 10.0.0.9 } from inet weft four' });
    expect([listElements(a, links), listElements(a, six)]).toEqual([[], []]);
    expect(failure(() => changeElements(a, add({ ...links, table: 'none' }, { key: ['x'] }))).code).toBe('ENOENT');
  });

  it('with other data are EEXIST, and replaced by delete and add in one call', () => {
    const a = namespaces.make();
    runNft(a, TABLE);
    const key = ['tcp', '80'];
    changeElements(a, add(ports, { key, data: ['10.0.0.2', '80'] }));
    expect(failure(() => changeElements(a, add(ports, { key, data: ['10.0.0.3', '80'] }))).code).toBe('EEXIST');
    changeElements(a, [...remove(ports, { key }), ...add(ports, { key, data: ['10.0.0.3', '80'] })]);
    expect(listElements(a, ports)).toEqual([{ key, data: ['10.0.0.3', '80'] }]);
  });

  it('come by the thousand', () => {
    const a = namespaces.make();
    runNft(a, TABLE);
    const many = Array.from({ length: 5000 }, (_, at) => ({ key: [`10.1.${at >> 8}.${at & 255}`] }));
    changeElements(a, add(four, ...many));
    expect(listElements(a, four)).toHaveLength(5000);
    changeElements(a, remove(four, ...many));
    expect(listElements(a, four)).toEqual([]);
  });
});

it('runs in each of several namespaces, and one that fails keeps no other from its own', () => {
  const [a, b] = [namespaces.make(), namespaces.make()];
  const before = openFds();
  const results = runNftInEach(
    [
      { namespace: a, text: 'add table inet weft\n' },
      { namespace: namespaces.path('nowhere'), text: 'add table inet weft\n' },
      { namespace: b, text: 'add table inet weft\nadd rule inet weft none accept\n' },
      { namespace: b, text: 'add table inet other\n' },
    ],
    'try',
  );
  expect(results.map((error) => error?.code)).toEqual([undefined, 'ENOENT', 'ENOENT', undefined]);
  expect(results[2]?.detail).toContain('No such file or directory');
  expect([listTables(a), listTables(b)]).toEqual([
    [{ family: 'inet', name: 'weft' }],
    [{ family: 'inet', name: 'other' }],
  ]);
  expect(openFds()).toBe(before);
});
