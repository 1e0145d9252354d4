// Services through the controller's real contract: addresses, names, backends that come and go, ports, checks. The agent
// has no kernel; who gets a connection is tried elsewhere.
import { randomUUID } from 'node:crypto';
import { textOf } from '@weft/hoststate';
import { BackendState, Balance, Protocol, type Service, ServiceMode } from '@weft/proto/model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';
import { Reason } from '../lib/proto.ts';

let plane: ControlPlane;
let agents: FakeAgent[];
/** What discovery was asked to compile, in order. */
let compiled: string[];

beforeEach(async () => {
  compiled = [];
  plane = await startControlPlane({
    wrapDiscovery: (discovery) => ({
      ...discovery,
      compileServices(request, call) {
        compiled.push(...request.services.map(({ service }) => service?.spec?.name ?? ''));
        return discovery.compileServices(request, call);
      },
    }),
  });
  agents = [];
  await join('h1');
  await plane.controller.predefined;
  await createNetwork('n', '10.1.0.0/24');
});
afterEach(async () => {
  for (const agent of agents) await agent.stop();
  await plane.stop();
});

const join = async (name: string) => {
  const agent = await startFakeAgent(plane.agents, name);
  agents.push(agent);
  return agent;
};
const createNetwork = (name: string, subnet: string, spec: object = {}) =>
  plane.networks.createNetwork({ spec: { name, ipam: { configs: [{ subnet }] }, ...spec } });
const run = (name: string, labels: Record<string, string> = {}, networks = ['n'], spec: object = {}) =>
  plane.sandboxes.createSandbox({
    spec: { name, labels, ...spec },
    attachments: networks.map((network) => ({ network })),
  });
const named = (...names: string[]) => names.map((sandbox) => ({ sandbox }));
const serve = async (name: string, spec: object = {}, network = 'n', more: object = {}) =>
  (await plane.services.createService({ network, spec: { name, ...spec }, ...more })).service as Service;
const update = (service: string, change: object) => plane.services.updateService({ service, ...change });
const statusOf = async (service: string) => (await plane.services.getService({ service })).service?.status;
/** "a UP x1", by name. */
const backendsOf = async (service: string) =>
  ((await statusOf(service))?.backends ?? []).map((one) => `${one.name} ${BackendState[one.state]} x${one.weight}`);
const leases = async () => (await plane.ipam.listLeases({ ownerPrefix: 'service/' })).leases.map(({ cidr }) => cidr);
const keys = async () => (await plane.store.list('')).keyValues.map(({ key }) => key);
const tcp = (port: number, more: object = {}) => ({ protocol: Protocol.TCP, port, ...more });
const check = { probe: { $case: 'tcp', value: { port: 80 } } } as const;
const inUse = { reason: Reason.PORT_IN_USE, message: '[already exists] held by a program', metadata: {} };

/** The service as a host has it. */
function told({ id = '' }: Partial<Service>, agent = agents[0]) {
  const spec = agent?.objects.get(`service/${id}`)?.spec;
  return spec?.$case === 'service' ? spec.value : undefined;
}
const toldAddresses = (service: Partial<Service>, agent = agents[0]) =>
  told(service, agent)?.backends.map(
    ({ addresses, weight, draining }) => `${addresses} x${weight}${draining ? ' draining' : ''}`,
  );
const ports = (agent = agents[0]) => [...(agent?.objects.keys() ?? [])].filter((key) => key.startsWith('port/')).sort();
const answers = async (name: string, sandbox = '') =>
  (await plane.system.resolve({ name, sandbox })).answers.map(({ data }) => data).sort();
const report = async (service: Service, endpointId: string, healthy: boolean, because = '', agent = agents[0]) =>
  plane.agents.report({
    hostId: agent?.hostId ?? '',
    storeId: plane.store.id,
    seenRevision: 0n,
    backends: [{ serviceId: service.id, endpointId, healthy, because }],
  });

describe('the life of a service', () => {
  test('it has an address of the network, names, and the backends it names', async () => {
    await run('a');
    await run('b');
    const service = await serve('web', { backends: named('a', 'b'), aliases: ['shop'] });
    expect(service.desired?.addresses.map(({ cidr }) => cidr)).toEqual(await leases());
    expect(await leases()).toEqual(['10.1.0.4/24']);
    expect(await backendsOf('web')).toEqual(['a UP x1', 'b UP x1']);
    expect(told(service)).toMatchObject({ name: 'web', addresses: ['10.1.0.4'], balance: Balance.ROUND_ROBIN });
    expect(toldAddresses(service)?.toSorted()).toEqual(['10.1.0.2 x1', '10.1.0.3 x1']);
    expect([await answers('web'), await answers('SHOP.n', 'a')]).toEqual([['10.1.0.4'], ['10.1.0.4']]);
    expect(await answers('tasks.web', 'a')).toEqual(['10.1.0.2', '10.1.0.3']);
    expect(await answers('10.1.0.4', 'a')).toEqual(['web.n']);
  });

  test('it goes without a trace, and its address only when its hosts have forgotten it (I6)', async () => {
    await run('a');
    const before = { keys: await keys(), objects: [...(agents[0]?.objects.keys() ?? [])] };
    const service = await serve('web', { backends: named('a') });
    const go = agents[0]?.hold();
    const removing = plane.services.removeService({ service: 'web' });
    await expect.poll(() => told(service)).toBeUndefined();
    expect(await leases()).toEqual(['10.1.0.3/24']);
    expect((await plane.networks.getNetwork({ network: 'n' })).waitingAddresses).toEqual(['10.1.0.3/24']);
    await expect(plane.services.getService({ service: 'web' })).rejects.toMatchObject({
      reason: Reason.SERVICE_NOT_FOUND,
    });
    go?.();
    expect((await removing).outcome?.applied).toBe(true);
    expect(await leases()).toEqual([]);
    const left = (await keys()).filter((key) => !before.keys.includes(key));
    expect(left.filter((key) => !key.startsWith('links/'))).toEqual([]);
    expect([...(agents[0]?.objects.keys() ?? [])].sort()).toEqual(before.objects.sort());
    expect(await plane.services.removeService({ service: service.id })).toMatchObject({ id: service.id });
    await plane.sandboxes.removeSandbox({ sandbox: 'a' });
    await plane.networks.removeNetwork({ network: 'n' });
    expect((await keys()).filter((key) => key.includes('service'))).toEqual([]);
  });

  test('both families have an address each', async () => {
    await plane.networks.createNetwork({
      spec: { name: 'two', enableIpv6: true, ipam: { configs: [{ subnet: '10.2.0.0/24' }, { subnet: 'fd02::/64' }] } },
    });
    await run('a', {}, ['two']);
    const service = await serve('web', { backends: named('a') }, 'two');
    expect(service.desired?.addresses.map(({ cidr }) => cidr)).toEqual(['10.2.0.3/24', 'fd02::3/64']);
    expect(toldAddresses(service)).toEqual(['10.2.0.2,fd02::2 x1']);
  });

  test('dnsrr has no address of its own: the name leads to who is up', async () => {
    await run('a');
    await run('b');
    const service = await serve('web', { backends: named('a', 'b'), mode: ServiceMode.DNSRR });
    expect([service.desired?.addresses, await leases()]).toEqual([[], []]);
    expect(await answers('web')).toEqual(['10.1.0.2', '10.1.0.3']);
    await update('web', { drain: ['a'] });
    expect([await answers('web'), await answers('tasks.web')]).toEqual([['10.1.0.3'], ['10.1.0.3']]);
  });

  test('the same request id makes one; so does a repeated removal', async () => {
    const mutation = { requestId: randomUUID() };
    const [one, two] = await Promise.all([serve('web', {}, 'n', { mutation }), serve('web', {}, 'n', { mutation })]);
    expect([two.id, (await serve('web', {}, 'n', { mutation })).id]).toEqual([one.id, one.id]);
    expect(await leases()).toHaveLength(1);
  });

  test('services of one name on two networks are told apart', async () => {
    await createNetwork('m', '10.2.0.0/24');
    await serve('web');
    const other = await serve('web', {}, 'm');
    await expect(plane.services.getService({ service: 'web' })).rejects.toMatchObject({ reason: Reason.AMBIGUOUS });
    expect((await plane.services.getService({ service: 'web', network: 'm' })).service?.id).toBe(other.id);
    expect((await plane.services.listServices({})).services.map(({ networkId }) => networkId)).toHaveLength(2);
    expect((await plane.services.listServices({ network: 'm' })).services.map(({ id }) => id)).toEqual([other.id]);
    await plane.services.removeService({ service: 'web', network: 'm' });
    expect((await plane.services.listServices({})).services).toHaveLength(1);
  });
});

describe('backends', () => {
  test('come and go with sandboxes: by name, and by all labels of the selector', async () => {
    const labels = { app: 'shop', tier: 'front' };
    await run('a');
    const byName = await serve('web', { backends: named('a') });
    const bySelector = await serve('shop', { selector: labels, balance: Balance.WEIGHTED });
    expect(await backendsOf('shop')).toEqual([]);
    await run('b', { ...labels, 'weft.weight': '7' });
    await run('c', { app: 'shop' });
    expect(await backendsOf('shop')).toEqual(['b UP x7']);
    expect(toldAddresses(bySelector)).toEqual(['10.1.0.5 x7']);
    await plane.sandboxes.removeSandbox({ sandbox: 'a' });
    expect([await backendsOf('web'), toldAddresses(byName)]).toEqual([[], []]);
    await run('a');
    expect(await backendsOf('web')).toEqual(['a UP x1']);
    await plane.endpoints.disconnect({ network: 'n', sandbox: 'b' });
    expect([await backendsOf('shop'), toldAddresses(bySelector)]).toEqual([[], []]);
    await plane.endpoints.connect({ network: 'n', sandbox: 'b' });
    expect(await backendsOf('shop')).toEqual(['b UP x7']);
  });

  test('one that was named by its id is that one alone', async () => {
    const { sandbox } = await run('a');
    const service = await serve('web', { backends: named(sandbox?.id.slice(0, 12) ?? '') });
    expect(service.spec?.backends).toMatchObject([{ sandbox: sandbox?.id }]);
    await plane.sandboxes.removeSandbox({ sandbox: 'a' });
    await run('a');
    expect(await backendsOf('web')).toEqual([]);
  });

  test('a sandbox costs the services it is a backend of, and no other', async () => {
    await run('a');
    await serve('web', { backends: named('a') });
    await serve('shop', { selector: { app: 'shop' } });
    await serve('pay', { selector: { app: 'pay' } });
    compiled.length = 0;
    await run('b', { app: 'shop' });
    expect(new Set(compiled)).toEqual(new Set(['shop']));
    compiled.length = 0;
    await run('c', { app: 'none' });
    expect(compiled).toEqual([]);
  });

  test('draining, undraining, taking away and weights', async () => {
    for (const name of ['a', 'b', 'c']) await run(name, { app: 'shop' });
    const service = await serve('web', { backends: named('a', 'b'), balance: Balance.WEIGHTED });
    await update('web', { drain: ['a'], setBackends: [{ sandbox: 'b', weight: 5 }, { sandbox: 'c' }] });
    expect(await backendsOf('web')).toEqual(['a DRAINING x1', 'b UP x5', 'c UP x1']);
    expect(toldAddresses(service)?.toSorted()).toEqual(['10.1.0.2 x1 draining', '10.1.0.3 x5', '10.1.0.4 x1']);
    expect(await answers('tasks.web')).toEqual(['10.1.0.3', '10.1.0.4']);
    await update('web', { undrain: ['a'], removeBackends: ['b'] });
    expect(await backendsOf('web')).toEqual(['a UP x1', 'c UP x1']);
    await update('web', { setSelector: { app: 'shop' }, removeBackends: ['a', 'c'], drain: ['b'] });
    expect(await backendsOf('web')).toEqual(['a UP x1', 'b DRAINING x1', 'c UP x1']);
    await update('web', { removeSelector: ['app'] });
    expect([await backendsOf('web'), toldAddresses(service)]).toEqual([[], []]);
  });

  test('each host of a local network is told of its own', async () => {
    const second = await join('h2');
    await run('a', {}, ['n'], { host: 'h1' });
    await run('b', {}, ['n'], { host: 'h2' });
    const service = await serve('web', { backends: named('a', 'b') });
    expect([toldAddresses(service), toldAddresses(service, second)]).toEqual([['10.1.0.2 x1'], ['10.1.0.3 x1']]);
    await plane.sandboxes.removeSandbox({ sandbox: 'b' });
    await expect.poll(() => told(service, second)).toBeUndefined();
    expect(toldAddresses(service)).toEqual(['10.1.0.2 x1']);
  });
});

describe('what hosts find', () => {
  test('one that does not serve gets nothing, and is checked on', async () => {
    const [a, b] = [await run('a'), await run('b')].map((made) => made.endpoints[0]?.id ?? '');
    const service = await serve('web', { backends: named('a', 'b'), check });
    expect(told(service)?.check).toMatchObject({ intervalMs: 1_000, timeoutMs: 1_000, rise: 2, fall: 2 });
    await report(service, a ?? '', false, 'connection refused');
    expect((await statusOf('web'))?.backends[0]).toMatchObject({
      state: BackendState.DOWN,
      because: 'connection refused',
    });
    await expect.poll(() => toldAddresses(service)?.toSorted()).toEqual(['10.1.0.2 x0', '10.1.0.3 x1']);
    expect(await answers('tasks.web')).toEqual(['10.1.0.3']);
    await report(service, a ?? '', true);
    expect(await backendsOf('web')).toEqual(['a UP x1', 'b UP x1']);
    await expect.poll(() => toldAddresses(service)?.toSorted()).toEqual(['10.1.0.2 x1', '10.1.0.3 x1']);
    await report(service, b ?? '', false, 'x');
    await update('web', { removeCheck: true });
    expect(await backendsOf('web')).toEqual(['a UP x1', 'b UP x1']);
    expect((await keys()).filter((key) => key.startsWith('status/backend/'))).toEqual([]);
  });

  test('only its own host is believed, only of backends, and what it found goes with them', async () => {
    const second = await join('h2');
    const a = (await run('a', {}, ['n'], { host: 'h1' })).endpoints[0]?.id ?? '';
    const c = (await run('c', {}, ['n'], { host: 'h1' })).endpoints[0]?.id ?? '';
    const service = await serve('web', { backends: named('a'), check });
    await report(service, a, false, 'no', second);
    await report(service, c, false, 'no');
    expect(await backendsOf('web')).toEqual(['a UP x1']);
    await report(service, a, false, 'no');
    await plane.endpoints.disconnect({ network: 'n', sandbox: 'a' });
    expect((await keys()).filter((key) => key.startsWith('status/backend/'))).toEqual([]);
    await plane.endpoints.connect({ network: 'n', sandbox: 'a' });
    expect(await backendsOf('web')).toEqual(['a UP x1']);
  });

  test('one whose namespace is gone is down, and left out', async () => {
    const { sandbox } = await run('a');
    const service = await serve('web', { backends: named('a') });
    const lost = { sandboxId: sandbox?.id ?? '', lost: true };
    const { storeId } = { storeId: plane.store.id };
    await plane.agents.report({ hostId: agents[0]?.hostId ?? '', storeId, seenRevision: 0n, sandboxes: [lost] });
    expect((await statusOf('web'))?.backends).toMatchObject([
      { state: BackendState.DOWN, because: 'its namespace is gone' },
    ]);
    await expect.poll(() => toldAddresses(service)).toEqual([]);
  });

  test('a host that begins anew tells all that do not serve: the others do', async () => {
    const a = (await run('a')).endpoints[0]?.id ?? '';
    const service = await serve('web', { backends: named('a'), check });
    await report(service, a, false, 'no');
    await agents.pop()?.stop();
    await join('h1'); // A watch from the beginning: Reset.
    await expect.poll(() => backendsOf('web')).toEqual(['a UP x1']);
  });

  test('events tell of the service, and why a backend is down', async () => {
    const a = (await run('a')).endpoints[0]?.id ?? '';
    const { revision: since } = await plane.system.getStatus({});
    const service = await serve('web', { backends: named('a'), check });
    await report(service, a, false, 'connection refused');
    await report(service, a, true);
    await update('web', { setLabels: { team: 'x' } });
    await plane.services.removeService({ service: 'web' });
    const { revision: until } = await plane.system.getStatus({});
    const events: string[] = [];
    const filters = { kind: { values: ['service'] } };
    for await (const { event } of plane.system.events({ sinceRevision: since, untilRevision: until, filters })) {
      const { name, networkName, sandboxName, address, because } = event?.attributes ?? {};
      events.push([event?.what, name, networkName, sandboxName, address, because].filter(Boolean).join(' '));
    }
    expect(events).toEqual([
      'created web n',
      'backend-down web n a 10.1.0.2 connection refused',
      'backend-up web n a 10.1.0.2',
      'updated web n',
      'deleted web n',
    ]);
  });

  test('a watch tells services, and what became of their backends', async () => {
    const a = (await run('a')).endpoints[0]?.id ?? '';
    const service = await serve('web', { backends: named('a'), check });
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { step } of plane.system.watch({ kinds: ['service'] }, { signal: stop.signal })) {
      if (step?.$case === 'put' && step.value.object?.$case === 'service') {
        const { state = 0 } = step.value.object.value.status?.backends[0] ?? {};
        seen.push(BackendState[state] ?? '');
      } else if (step?.$case === 'delete') seen.push(`${step.value.kind} gone`);
      if (step?.$case !== 'synced') continue;
      if (seen.length === 1) await report(service, a, false, 'no');
      else if (seen.length === 2) void plane.services.removeService({ service: 'web' });
      else break;
    }
    expect(seen).toEqual(['UP', 'DOWN', 'service gone']);
  });
});

describe('published ports', () => {
  test('are held on every host, in the service\u2019s name, and free again with it', async () => {
    const second = await join('h2');
    await run('a', {}, ['n'], { host: 'h1' });
    const spec = { backends: named('a'), ports: [tcp(80, { hostPort: 8080 }), tcp(81)] };
    const service = await serve('web', spec);
    expect(service.desired?.ports.map(({ hostPort }) => hostPort)).toEqual([8080, 32768]);
    expect(ports()).toEqual(['port/tcp/0.0.0.0/32768', 'port/tcp/0.0.0.0/8080']);
    expect(ports(second)).toEqual(ports());
    expect(agents[0]?.objects.get('port/tcp/0.0.0.0/8080')?.spec).toMatchObject({
      value: { targetIp: '', targetPort: 0 },
    });
    expect(told(service)?.ports.map(({ hostPort, targetPort }) => [hostPort, targetPort])).toEqual([
      [8080, 80],
      [32768, 81],
    ]);
    expect([toldAddresses(service), toldAddresses(service, second)]).toEqual([['10.1.0.2 x1'], []]);
    const asked = { network: 'n', spec: { ports: [tcp(80, { hostPort: 8080 })] } };
    const sandbox = { spec: { name: 'b', host: 'h2' }, attachments: [asked] };
    await expect(plane.sandboxes.createSandbox(sandbox)).rejects.toMatchObject({
      reason: Reason.PORT_IN_USE,
      message: expect.stringContaining('port is already allocated (held by service web of network n)'),
    });
    await plane.services.removeService({ service: 'web' });
    expect([ports(), ports(second)]).toEqual([[], []]);
    await plane.sandboxes.createSandbox(sandbox);
    await expect(serve('web', spec)).rejects.toMatchObject({
      reason: Reason.PORT_IN_USE,
      message: expect.stringContaining('held by endpoint b of sandbox b'),
    });
    expect([await leases(), (await plane.services.listServices({})).services]).toEqual([[], []]);
  });

  test('where a program has it: another is chosen, and one asked for by number is refused', async () => {
    await run('a');
    const first = agents[0] as FakeAgent;
    first.failing = ({ key }) => (/\/(32768|8080)$/.test(key) ? inUse : undefined);
    const service = await serve('web', { ports: [tcp(80)] });
    expect(service.desired?.ports.map(({ hostPort }) => hostPort)).toEqual([32769]);
    await expect(serve('shop', { ports: [tcp(80, { hostPort: 8080 })] })).rejects.toMatchObject({
      reason: Reason.PORT_IN_USE,
    });
    expect((await plane.services.listServices({})).services.map(({ spec }) => spec?.name)).toEqual(['web']);
    expect(await leases()).toHaveLength(1);
  });

  test('64 services race for one port: one has it', async () => {
    const race = Array.from({ length: 64 }, (_, at) => serve(`s${at}`, { ports: [tcp(80, { hostPort: 8080 })] }));
    const refused = (await Promise.allSettled(race)).flatMap((one) =>
      one.status === 'rejected' ? [one.reason.reason] : [],
    );
    expect([refused.length, new Set(refused)]).toEqual([63, new Set([Reason.PORT_IN_USE])]);
    expect(await leases()).toHaveLength(1);
  });
});

describe('names', () => {
  test('64 services, and endpoints, race for one name: one has it', async () => {
    const race = Array.from({ length: 32 }, () => [serve('web'), run('web')] as const).flat();
    const refused = (await Promise.allSettled<unknown>(race)).flatMap((one) =>
      one.status === 'rejected' ? [one.reason.reason] : [],
    );
    expect([refused.length, new Set(refused)]).toEqual([63, new Set([Reason.NAME_TAKEN])]);
    const { services } = await plane.services.listServices({});
    expect((await leases()).length).toBe(services.length);
  });

  test('an alias is a name: of services, and of endpoints', async () => {
    await serve('web', { aliases: ['shop'] });
    await expect(serve('Shop')).rejects.toMatchObject({ reason: Reason.NAME_TAKEN });
    await expect(run('shop')).rejects.toMatchObject({ reason: Reason.NAME_TAKEN, metadata: { field: 'spec.name' } });
    await run('a');
    await expect(serve('b', { aliases: ['A'] })).rejects.toMatchObject({ metadata: { field: 'spec.aliases' } });
    expect(await leases()).toHaveLength(1);
    await plane.services.removeService({ service: 'web' });
    await run('shop');
  });

  test('a network with a service cannot be removed, nor is it pruned', async () => {
    await serve('web');
    await expect(plane.networks.removeNetwork({ network: 'n' })).rejects.toMatchObject({
      reason: Reason.NETWORK_IN_USE,
      message: 'network n has services (web)',
    });
    expect((await plane.networks.pruneNetworks({})).names).toEqual([]);
    await plane.services.removeService({ service: 'web' });
    await plane.networks.removeNetwork({ network: 'n' });
  });
});

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

test('what a host does not take is taken back: a new service as a whole, a change to what was', async () => {
  await run('a');
  await run('b');
  const service = await serve('web', { backends: named('a') });
  const refused = { reason: Reason.KERNEL_REFUSED, message: '[internal] the kernel refused', metadata: {} };
  const first = agents[0] as FakeAgent;
  first.failing = (object) =>
    object.key.startsWith('service/') && /b|shop/.test(textOf(object)) ? refused : undefined;
  first.failing = ({ spec }) =>
    spec?.$case === 'service' && (spec.value.name === 'shop' || spec.value.backends.length > 1) ? refused : undefined;
  await expect(update('web', { setBackends: named('b') })).rejects.toMatchObject({ reason: Reason.KERNEL_REFUSED });
  expect([await backendsOf('web'), toldAddresses(service)]).toEqual([['a UP x1'], ['10.1.0.2 x1']]);
  await expect(serve('shop')).rejects.toMatchObject({ reason: Reason.KERNEL_REFUSED });
  expect((await plane.services.listServices({})).services.map(({ spec }) => spec?.name)).toEqual(['web']);
  expect(await leases()).toHaveLength(1);
});
