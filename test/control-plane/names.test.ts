// Names through the real contract: what the hosts of a network are told, when they are told to forget it, and what a
// sandbox's resolver is. The agent has no kernel; who answers questions is tried elsewhere.
import { textOf } from '@weft/hoststate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';

let plane: ControlPlane;
let agents: FakeAgent[];
/** What discovery was asked to compile, in order. */
let compiled: string[];

const facts = {
  resolvers: ['127.0.0.53', '192.0.2.1'],
  searchDomains: ['corp'],
  resolverOptions: ['edns0'],
  underlayAddress: '192.0.2.1',
};
const join = async (name: string) => {
  const agent = await startFakeAgent(plane.agents, name, facts);
  agents.push(agent);
  return agent;
};

beforeEach(async () => {
  compiled = [];
  plane = await startControlPlane({
    wrapDiscovery: (discovery) => ({
      ...discovery,
      compileNames(request, call) {
        compiled.push(...request.endpoints.map(({ endpoint }) => endpoint?.spec?.name ?? ''));
        return discovery.compileNames(request, call);
      },
    }),
  });
  agents = [];
  await join('h1');
  await plane.controller.predefined;
  await plane.networks.createNetwork({ spec: { name: 'web', ipam: { configs: [{ subnet: '10.1.0.0/24' }] } } });
});
afterEach(async () => {
  for (const agent of agents) await agent.stop();
  await plane.stop();
});

const create = (name: string, networks: string[], spec: object = {}, endpoint: object = {}) =>
  plane.sandboxes.createSandbox({
    spec: { name, ...spec },
    attachments: networks.map((network) => ({ network, spec: endpoint })),
  });

/** The objects of the kinds that carry names, as text without ids. */
function told(agent = agents[0]): string[] {
  const kinds = ['zone', 'names', 'resolver'];
  const objects = [...(agent?.objects.values() ?? [])].filter(({ spec }) => kinds.includes(spec?.$case ?? ''));
  return objects.map((object) => textOf(object)).sort();
}

const kindsOf = (agent = agents[0]) => told(agent).map((line) => line.split('/', 1)[0]);

function fileOf(sandboxId = '', agent = agents[0]): string {
  const spec = agent?.objects.get(`file/${sandboxId}/resolv.conf`)?.spec;
  return spec?.$case === 'file' ? spec.value.content : '';
}

function namesOf(endpointId: string, networkId: string, agent = agents[0]) {
  const spec = agent?.objects.get(`names/${networkId}/endpoint/${endpointId}`)?.spec;
  return spec?.$case === 'names' ? spec.value : undefined;
}

test('a host knows a network and its names from the first endpoint to the last', async () => {
  expect(told()).toEqual([]);
  const { sandbox, endpoints } = await create('a', ['web'], { hostname: 'Alpha' }, { aliases: ['db', 'A'] });
  const [endpoint] = endpoints;
  expect(kindsOf()).toEqual(['names', 'resolver', 'zone']);
  expect(namesOf(endpoint?.id ?? '', endpoint?.networkId ?? '')).toMatchObject({
    names: ['a', 'db', sandbox?.id.slice(0, 12), 'Alpha'],
    addresses: ['10.1.0.2'],
    reverse: 'a',
  });
  const zone = agents[0]?.objects.get(`zone/${endpoint?.networkId}`)?.spec;
  expect(zone).toMatchObject({ value: { name: 'web', subnets: ['10.1.0.0/24'], listen: ['10.1.0.1'] } });
  await create('b', ['web']);
  await plane.sandboxes.removeSandbox({ sandbox: 'a' });
  expect(kindsOf()).toEqual(['names', 'resolver', 'zone']);
  await plane.sandboxes.removeSandbox({ sandbox: 'b' });
  expect(told()).toEqual([]);
});

test('a network is answered where its driver puts the bridge on the host, and nowhere else', async () => {
  const mode = (family: string) => `com.docker.network.bridge.gateway_mode_${family}`;
  const ipam = (...subnets: string[]) => ({ configs: subnets.map((subnet) => ({ subnet })) });
  const specs: Record<string, object> = {
    dual: { enableIpv6: true, ipam: ipam('10.2.0.0/24', 'fd02::/64') },
    inside: { internal: true, ipam: ipam('10.3.0.0/24') },
    isolated: { internal: true, ipam: ipam('10.4.0.0/24'), options: { [mode('ipv4')]: 'isolated' } },
    inhibited: { ipam: ipam('10.5.0.0/24'), options: { 'com.docker.network.bridge.inhibit_ipv4': 'true' } },
    'link-local': { enableIpv6: true, ipam: ipam('10.6.0.0/24', 'fe80::/64') },
  };
  const found: Record<string, string[]> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const { network } = await plane.networks.createNetwork({ spec: { name, ...spec } });
    await create(`on-${name}`, [name]);
    const object = agents[0]?.objects.get(`zone/${network?.id}`)?.spec;
    found[name] = object?.$case === 'zone' ? object.value.listen : ['no zone'];
  }
  expect(found).toEqual({
    dual: ['10.2.0.1', 'fd02::1'],
    inside: ['10.3.0.1'],
    isolated: [],
    inhibited: [],
    'link-local': ['10.6.0.1'],
  });
});

test('links reach the resolver of their sandbox alone, and none is made that has no name', async () => {
  await create('db', ['web']);
  const { sandbox, endpoints } = await create('a', ['web'], {}, { links: ['db:store', 'db'] });
  const { sandbox: other } = await create('b', ['web']);
  const linksOf = (id = '') => {
    const spec = agents[0]?.objects.get(`resolver/${id}`)?.spec;
    return spec?.$case === 'resolver' ? spec.value.networks.map(({ links }) => links) : undefined;
  };
  expect([linksOf(sandbox?.id), linksOf(other?.id)]).toEqual([[{ store: 'db', db: 'db' }], [{}]]);
  const answered = await plane.system.resolve({ name: 'store', type: 'A', sandbox: 'a' });
  expect(answered.answers.map(({ data }) => data)).toEqual(['10.1.0.2']);
  expect((await plane.system.resolve({ name: 'store', sandbox: 'b' })).answers).toEqual([]);
  await plane.endpoints.disconnect({ network: 'web', sandbox: 'a' });
  await plane.endpoints.connect({ network: 'web', sandbox: 'a', spec: { links: ['b:store'] } });
  expect(linksOf(sandbox?.id)).toEqual([{ store: 'b' }]);
  expect(endpoints).toHaveLength(1);
  for (const [links, because] of [
    [['db:x:y'], 'link "db:x:y" is not SANDBOX:ALIAS, nor SANDBOX'],
    [[':x'], 'link ":x" is not SANDBOX:ALIAS'],
    [['db:a b'], 'holds a character that is not allowed'],
    [['db:x', 'b:X'], 'alias X is linked to db and to b: give each another alias'],
  ] as const) {
    await expect(create('refused', ['web'], {}, { links })).rejects.toThrow(because);
  }
  await expect(create('refused', ['bridge'], {}, { links: ['db:x'] })).rejects.toThrow(
    'network bridge has no names to link to: links are for networks of your own',
  );
  expect((await plane.sandboxes.listSandboxes({})).sandboxes.map(({ sandbox: one }) => one?.spec?.name).sort()).toEqual(
    ['a', 'b', 'db'],
  );
});

test('an endpoint costs its own names, whatever else is on the network', async () => {
  for (const name of ['a', 'b', 'c']) await create(name, ['web']);
  compiled.length = 0;
  await create('d', ['web']);
  expect(new Set(compiled)).toEqual(new Set(['d']));
  compiled.length = 0;
  await plane.endpoints.disconnect({ network: 'web', sandbox: 'b' });
  expect(compiled).toEqual([]);
});

test('I6: names are gone before their address is free', async () => {
  const { endpoints } = await create('a', ['web']);
  const [gone] = endpoints;
  const go = agents[0]?.hold();
  const removing = plane.sandboxes.removeSandbox({ sandbox: 'a' });
  await expect.poll(() => told()).toEqual([]);
  // The host knows, and has not said so yet: the address is not free.
  const mutation = { wait: { seconds: 0n, nanos: 0 } };
  const next = await plane.sandboxes.createSandbox({
    mutation,
    spec: { name: 'b' },
    attachments: [{ network: 'web', spec: {} }],
  });
  expect(next.endpoints[0]?.desired?.addresses[0]?.cidr).not.toBe(gone?.desired?.addresses[0]?.cidr);
  go?.();
  await removing;
});

test.each(['bridge', 'overlay'])(
  'names of a network of driver %s reach the hosts that can reach them',
  async (driver) => {
    const isOver = driver === 'overlay';
    const [second, third] = [await join('h2'), await join('h3')];
    if (isOver) {
      await plane.networks.removeNetwork({ network: 'web' });
      await plane.networks.createNetwork({
        spec: { name: 'web', driver, ipam: { configs: [{ subnet: '10.1.0.0/24' }] } },
      });
    }
    const a = await create('a', ['web'], { host: 'h1' });
    expect([kindsOf(), told(second), told(third)]).toEqual([['names', 'resolver', 'zone'], [], []]);
    await create('b', ['web'], { host: 'h2' });
    const [endpoint] = a.endpoints;
    const all = isOver ? ['names', 'names', 'resolver', 'zone'] : ['names', 'resolver', 'zone'];
    await expect.poll(() => kindsOf()).toEqual(all);
    expect(kindsOf(second)).toEqual(all);
    const known = namesOf(endpoint?.id ?? '', endpoint?.networkId ?? '', second)?.addresses;
    expect(known).toEqual(isOver ? ['10.1.0.2'] : undefined);
    await plane.sandboxes.removeSandbox({ sandbox: 'b' });
    await expect.poll(() => told(second)).toEqual([]);
    await expect.poll(() => kindsOf()).toEqual(['names', 'resolver', 'zone']);
    expect(told(third)).toEqual([]);
  },
);

test('resolve: as a sandbox would be told, as of now, and nobody is asked', async () => {
  await plane.networks.createNetwork({ spec: { name: 'back', ipam: { configs: [{ subnet: '10.2.0.0/24' }] } } });
  await create('a', ['web'], {}, { aliases: ['db'] });
  await create('b', ['web', 'back']);
  await create('c', ['bridge']);
  const resolve = async (name: string, request: object = {}) => {
    const { rcode, answers, forwardedName, servers } = await plane.system.resolve({ name, ...request });
    return forwardedName === '' ? [rcode, ...answers.map(({ data }) => data)] : [forwardedName, ...servers];
  };
  expect(await resolve('db')).toEqual(['NOERROR', '10.1.0.2']);
  expect(await resolve('b', { sandbox: 'a' })).toEqual(['NOERROR', '10.1.0.3']);
  expect(await resolve('b', { sandbox: 'b', network: 'back' })).toEqual(['NOERROR', '10.2.0.2']);
  expect(await resolve('b.back', { sandbox: 'a' })).toEqual(['b.back', '127.0.0.53', '192.0.2.1']);
  expect(await resolve('10.1.0.2', { sandbox: 'b' })).toEqual(['NOERROR', 'a.web']);
  expect(await resolve('nobody.web', { network: 'web' })).toEqual(['NXDOMAIN']);
  await expect(resolve('a', { sandbox: 'c' })).rejects.toThrow('sandbox c has no resolver');
  await expect(resolve('a', { sandbox: 'a', network: 'back' })).rejects.toThrow('sandbox a is not on network back');
  await expect(resolve('a..b')).rejects.toThrow('is no name');
});

describe('records', () => {
  const record = (name: string, type: string, data: string, more: object = {}) =>
    plane.records.createRecord({ network: 'web', name, type, data, ...more });

  test('reach the hosts of their network, and go with it', async () => {
    const made = await record('cache', 'a', '10.9.9.9', { ttlSeconds: 60 });
    expect(made.record).toMatchObject({ name: 'cache', type: 'A', data: '10.9.9.9', ttlSeconds: 60 });
    expect(told()).toEqual([]);
    await create('a', ['web']);
    const alias = await record('*.apps', 'CNAME', 'a.web');
    expect(kindsOf()).toEqual(['names', 'names', 'names', 'resolver', 'zone']);
    const { answers } = await plane.system.resolve({ name: 'x.apps', type: 'A', sandbox: 'a' });
    expect(answers.map(({ type, data }) => `${type} ${data}`)).toEqual(['CNAME a.web', 'A 10.1.0.2']);
    const { records } = await plane.records.listRecords({ network: 'web' });
    expect(records.map(({ name }) => name)).toEqual(['*.apps', 'cache']);

    const { outcome } = await plane.records.removeRecord({ record: alias.record?.id.slice(0, 12) ?? '' });
    expect([outcome?.applied, kindsOf()]).toEqual([true, ['names', 'names', 'resolver', 'zone']]);
    await plane.records.removeRecord({ record: alias.record?.id ?? '' });
    await plane.sandboxes.removeSandbox({ sandbox: 'a' });
    await plane.networks.removeNetwork({ network: 'web' });
    expect((await plane.records.listRecords({})).records).toEqual([]);
    const { keyValues } = await plane.store.list('');
    expect(keyValues.filter(({ key }) => key.includes('record'))).toEqual([]);
  });

  test.each<[string, string, string, string]>([
    ['', 'A', '10.0.0.1', 'name is missing'],
    ['a.*', 'A', '10.0.0.1', 'is no name within a network'],
    ['-a', 'A', '10.0.0.1', 'is no name within a network'],
    ['a', 'MX', '10 mail', 'type "MX" is none of A, AAAA, CNAME, SRV, TXT'],
    ['a', 'A', 'fd00::1', 'give an IPv4 address'],
    ['a', 'AAAA', '10.0.0.1', 'give an IPv6 address'],
    ['a', 'CNAME', '*.web', 'give a name'],
    ['a', 'SRV', '1 2 web', 'give PRIORITY WEIGHT PORT TARGET'],
    ['a', 'SRV', '1 2 65536 web', 'give PRIORITY WEIGHT PORT TARGET'],
    ['a', 'TXT', '', 'give texts'],
    ['a', 'TXT', 'x'.repeat(256), 'at most 255 bytes each'],
  ])('refuses %s %s %s', async (name, type, data, because) => {
    await expect(record(name, type, data)).rejects.toThrow(because);
    expect((await plane.records.listRecords({})).records).toEqual([]);
  });

  test('refuses doubles, aliases beside others, and networks without names', async () => {
    await record('a', 'A', '10.0.0.1');
    await record('a', 'A', '10.0.0.2');
    await expect(record('a', 'A', '10.0.0.1')).rejects.toThrow('is there already');
    await expect(record('A', 'CNAME', 'b')).rejects.toThrow('a CNAME must be alone');
    await expect(record('b', 'A', '10.0.0.1', { network: 'bridge' })).rejects.toThrow('network bridge has no names');
    await expect(plane.records.removeRecord({ record: 'ff' })).rejects.toThrow('no such record: ff');
  });

  test('a name is a record’s, a service’s or an endpoint’s: none takes another’s', async () => {
    const { sandbox } = await plane.sandboxes.createSandbox({
      spec: { name: 'db' },
      attachments: [{ network: 'web' }],
    });
    await plane.services.createService({ network: 'web', spec: { name: 'shop' } });
    await record('free', 'A', '10.0.0.1');
    for (const name of ['db', 'DB', 'shop', 'tasks.shop', sandbox?.id.slice(0, 12) ?? ''])
      await expect(record(name, 'A', '10.0.0.9')).rejects.toThrow(
        `the name ${name} is already in use in network web by`,
      );
    for (const name of ['free', 'db', sandbox?.id.slice(0, 12) ?? ''])
      await expect(plane.services.createService({ network: 'web', spec: { name } })).rejects.toThrow(
        'is already in use',
      );
    expect((await plane.records.listRecords({})).records).toHaveLength(1);
    expect((await plane.services.listServices({})).services).toHaveLength(1);
  });
});

describe('the resolver of a sandbox', () => {
  const trailer = (servers: string, overrides = '', ndots = 'internal') => `
# Based on host file: '/etc/resolv.conf' (internal resolver)
# ExtServers: [${servers}]
# Overrides: [${overrides}]
# Option ndots from: ${ndots}
`;
  const resolverOf = (id = '') => {
    const spec = agents[0]?.objects.get(`resolver/${id}`)?.spec;
    return spec?.$case === 'resolver' ? spec.value : undefined;
  };

  test('asks the servers of its host, from there', async () => {
    const { sandbox } = await create('a', ['web']);
    expect(resolverOf(sandbox?.id)).toMatchObject({
      servers: ['127.0.0.53', '192.0.2.1'],
      serversInSandbox: false,
      internal: false,
      ndots: 0,
    });
    const head = '# Generated by weft.\nnameserver 127.0.0.11\nsearch corp\noptions edns0 ndots:0\n';
    expect(fileOf(sandbox?.id)).toBe(head + trailer('host(127.0.0.53) host(192.0.2.1)'));
  });

  test('there is none in the namespace of the host, nor in one that is shared', async () => {
    const { sandbox } = await create('h', ['host'], { namespace: { $case: 'hostNamespace', value: {} } });
    await create('a', ['web']);
    const shared = await create('s', [], { namespace: { $case: 'sharedWith', value: 'a' } });
    expect([resolverOf(sandbox?.id), resolverOf(shared.sandbox?.id)]).toEqual([undefined, undefined]);
    expect(kindsOf()).toEqual(['names', 'resolver', 'zone']);
  });

  test('takes a server on a link, by its interface', async () => {
    const dns = { servers: ['fe80::1%eth0'] };
    const { sandbox } = await create('a', ['web'], { dns });
    expect(resolverOf(sandbox?.id)).toMatchObject({ servers: ['fe80::1%eth0'], serversInSandbox: true });
    for (const server of ['fd00::1%eth0', 'fe80::1%', '10.0.0.1%eth0', 'fe80::1%a b'])
      await expect(create('b', ['web'], { dns: { servers: [server] } })).rejects.toThrow('is not an address');
  });

  test("asks the user's, from the sandbox", async () => {
    const dns = { servers: ['198.51.100.7'], search: ['.'], options: ['ndots:2'] };
    const { sandbox } = await create('a', ['web'], { dns });
    expect(resolverOf(sandbox?.id)).toMatchObject({ servers: ['198.51.100.7'], serversInSandbox: true, ndots: 2 });
    const head = '# Generated by weft.\nnameserver 127.0.0.11\noptions ndots:2\n';
    expect(fileOf(sandbox?.id)).toBe(head + trailer('198.51.100.7', 'nameservers search options', 'override'));
  });

  test('looks names up in the order of the default gateway', async () => {
    await plane.networks.createNetwork({ spec: { name: 'apart', internal: true } });
    const { sandbox, endpoints } = await create('a', ['apart', 'bridge', 'web']);
    const ids = endpoints.map(({ networkId }) => networkId);
    const links = {};
    expect(resolverOf(sandbox?.id)).toMatchObject({
      internal: false,
      networks: [
        { networkId: ids[2], links },
        { networkId: ids[0], links },
      ],
    });
    for (const network of ['web', 'bridge']) await plane.endpoints.disconnect({ network, sandbox: 'a' });
    expect(resolverOf(sandbox?.id)).toMatchObject({ internal: true, networks: [{ networkId: ids[0] }] });
  });

  test('on bridge, none or host alone there is none', async () => {
    for (const network of ['bridge', 'none', 'host']) {
      const { sandbox } = await create(`on-${network}`, [network]);
      expect(fileOf(sandbox?.id)).toBe('# Generated by weft.\nnameserver 192.0.2.1\nsearch corp\noptions edns0\n');
    }
    expect(told()).toEqual([]);
    await plane.endpoints.connect({ network: 'web', sandbox: 'on-bridge' });
    expect(kindsOf()).toEqual(['names', 'resolver', 'zone']);
  });
});
