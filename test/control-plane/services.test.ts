// Services through the controller's real contract: addresses, names, ports, and what is taken back. The agent has no kernel;
// who gets a connection is tried elsewhere.
import { randomUUID } from 'node:crypto';
import { Balance, Protocol, ServiceMode } from '@weft/proto/model';
import { describe, expect, test } from 'vitest';
import type { FakeAgent } from '../lib/fake-agent.ts';
import { Reason } from '../lib/proto.ts';
import {
  agents,
  answers,
  backendsOf,
  createNetwork,
  inUse,
  join,
  keys,
  leases,
  named,
  plane,
  ports,
  run,
  serve,
  tcp,
  told,
  toldAddresses,
  update,
  usePlane,
} from '../lib/serving.ts';

usePlane();

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

test('what a host does not take is taken back: a new service as a whole, a change to what was', async () => {
  await run('a');
  await run('b');
  const service = await serve('web', { backends: named('a') });
  const refused = { reason: Reason.KERNEL_REFUSED, message: '[internal] the kernel refused', metadata: {} };
  const first = agents[0] as FakeAgent;
  first.failing = ({ spec }) =>
    spec?.$case === 'service' && (spec.value.name === 'shop' || spec.value.backends.length > 1) ? refused : undefined;
  await expect(update('web', { setBackends: named('b') })).rejects.toMatchObject({ reason: Reason.KERNEL_REFUSED });
  expect([await backendsOf('web'), toldAddresses(service)]).toEqual([['a UP x1'], ['10.1.0.2 x1']]);
  await expect(serve('shop')).rejects.toMatchObject({ reason: Reason.KERNEL_REFUSED });
  expect((await plane.services.listServices({})).services.map(({ spec }) => spec?.name)).toEqual(['web']);
  expect(await leases()).toHaveLength(1);
});

describe('explain', () => {
  const explain = (from: string, to: string, more: object = {}) =>
    plane.system.explain({ from, to, protocol: Protocol.TCP, port: 80, ...more });

  test('by its name and by its address: over whom it spreads, and the way to the first', async () => {
    for (const name of ['a', 'b', 'c']) await run(name);
    const service = await serve('web', { backends: named('a', 'b') });
    for (const to of ['web', '10.1.0.5']) {
      const { reaches, because, steps } = await explain('c', to);
      expect(reaches).toBe(true);
      expect(because).toContain(
        'web is a service at 10.1.0.5, which spreads connections (round-robin) over 2 backends (a, b); this one goes to a',
      );
      expect(steps[0]).toMatchObject({
        object: `service/${service.id}`,
        setting: 'service web: --balance round-robin',
      });
      expect(steps.map(({ says }) => says).join()).toContain('the bridge switches it from c to a');
    }
    await update('web', { drain: ['a'] });
    expect((await explain('c', 'web')).because).toContain('over 1 backend (b); this one goes to b');
  });

  test('nobody off its network knows it, and without backends it leads nowhere', async () => {
    await run('a');
    await run('off', {}, ['bridge']);
    await serve('web', { ports: [tcp(80, { hostPort: 8080 })] });
    expect(await explain('a', 'web')).toMatchObject({ reaches: false, because: 'web has no backend that is up' });
    for (const from of ['off', 'host', 'outside']) {
      const { reaches, because } = await explain(from, 'web');
      expect([reaches, because]).toEqual([
        false,
        `web is a service of network n, and known in sandboxes on it alone: ${from} is not on it`,
      ]);
    }
    await expect(explain('outside', 'host', { port: 8080 })).rejects.toMatchObject({
      reason: Reason.NOT_IMPLEMENTED,
      message: expect.stringContaining('host port 8080 leads to service web'),
    });
    await expect(explain('a', 'nobody')).rejects.toMatchObject({ reason: Reason.SANDBOX_NOT_FOUND });
  });
});
