// Overlay networks over hosts with real agents and kernels, joined by a switch.
import { dumpForwardings, dumpLinks, withNetlink } from '@weft/kernel';
import { Protocol } from '@weft/proto/model';
import { afterEach, expect, test } from 'vitest';
import { type Station, startStation } from '../lib/station.ts';
import { type JoinedHost, startUnderlay, type Underlay } from '../lib/underlay.ts';

process.env['WEFT_LOG'] ??= 'silent';

let under: Underlay | undefined;
const stations: Station[] = [];
const station = async (name: string, netns = ''): Promise<Station> => {
  const one = await startStation(name, netns);
  stations.push(one);
  return one;
};
afterEach(async () => {
  for (const one of stations.splice(0)) await one.stop();
  await under?.stop();
  under = undefined;
});

async function start(count: number, family: 4 | 6 = 4): Promise<Underlay> {
  under = await startUnderlay(count, family);
  return under;
}

const network = async ({ plane }: Underlay, name: string, spec: object = {}) =>
  (await plane.networks.createNetwork({ spec: { name, driver: 'overlay', ...spec } })).network;

async function sandbox({ plane }: Underlay, host: JoinedHost | undefined, name: string, networks: string[], more = {}) {
  const made = await plane.sandboxes.createSandbox({
    spec: { name, host: host?.name ?? '' },
    attachments: networks.map((one) => ({ network: one, spec: more })),
  });
  const addresses = made.endpoints.flatMap((one) => one.desired?.addresses ?? []).map(({ cidr }) => cidr.split('/')[0]);
  return { id: made.sandbox?.id ?? '', endpoint: made.endpoints[0], addresses };
}

const links = (host: JoinedHost | undefined) =>
  withNetlink(host?.namespace, (socket) => dumpLinks(socket))
    .map(({ name }) => name)
    .filter((name) => /^(vx|br|wv)-/.test(name));

const ping = (host: JoinedHost | undefined, id: string, address: string | undefined, more = '') =>
  host?.inside(id, `ping -c1 -W2 ${more} ${address}`);

/** Others follow at once, and nobody waits for them. */
const soon = (work: () => unknown) => expect.poll(() => String(work()), { timeout: 5_000, interval: 20 });
const answered = (work: () => string | undefined) => () => {
  try {
    return work()?.includes('1 received');
  } catch {
    return false;
  }
};

test.each([4, 6] as const)('sandboxes on two hosts reach each other by name, over IPv%d', async (family) => {
  const all = await start(3, family);
  const [one, two, three] = all.hosts;
  await network(all, 'mesh', { enableIpv6: true });
  const a = await sandbox(all, one, 'a', ['mesh']);
  const b = await sandbox(all, two, 'b', ['mesh']);
  await soon(answered(() => ping(one, a.id, b.addresses[0]))).toBe('true');
  expect(ping(one, a.id, b.addresses[1])).toContain('1 received');
  expect(one?.inside(a.id, 'dig +short +timeout=2 b @127.0.0.11')).toContain(b.addresses[0]);
  // As large as it can be, and no larger.
  const most = 1500 - (family === 4 ? 50 : 70) - 28;
  expect(ping(one, a.id, b.addresses[0], `-M do -s ${most}`)).toContain('1 received');
  expect(answered(() => ping(one, a.id, b.addresses[0], `-M do -s ${most + 1}`))()).toBe(false);
  // Hosts without an endpoint know nothing of it.
  expect(links(three)).toEqual([]);

  // A flood of questions for addresses that nobody has: none of them leaves its host.
  const heard = await all.listen(() => {
    one?.inside(a.id, `ip neigh flush all; ping -c1 -W2 ${b.addresses[0]}; ping -6 -c1 -W2 ${b.addresses[1]}`);
    one?.inside(a.id, `ping -c1 -W1 10.0.0.200; ping -6 -c1 -W1 ${b.addresses[1]}9; true`);
  });
  expect(heard.filter((line) => line.includes('VXLAN')).length).toBeGreaterThan(0);
  expect(heard.filter((line) => /ARP, Request who-has 10\./.test(line))).toEqual([]);
  expect(heard.filter((line) => /neighbor (solicitation|advertisement).*fd/.test(line))).toEqual([]);

  // The last endpoint of a host takes all of the network with it.
  await all.plane.sandboxes.removeSandbox({ sandbox: 'b' });
  await soon(() => links(two)).toBe('');
  await soon(() =>
    withNetlink(one?.namespace, (socket) => {
      const vx = dumpLinks(socket).find(({ name }) => name.startsWith('vx-'));
      return dumpForwardings(socket, vx?.index ?? 0).filter(({ remote }) => remote).length;
    }),
  ).toBe('0');
});

test('two overlays do not meet; an internal one goes nowhere else', async () => {
  const all = await start(2);
  const [one, two] = all.hosts;
  await network(all, 'red');
  await network(all, 'blue', { internal: true });
  const a = await sandbox(all, one, 'a', ['red']);
  const b = await sandbox(all, two, 'b', ['blue']);
  const c = await sandbox(all, one, 'c', ['blue']);
  await soon(answered(() => ping(one, c.id, b.addresses[0]))).toBe('true');
  expect(answered(() => ping(one, a.id, b.addresses[0], '-W1'))()).toBe(false);
  expect(answered(() => ping(one, c.id, a.addresses[0], '-W1'))()).toBe(false);
  expect(ping(one, a.id, two?.underlay)).toContain('1 received');
  expect(answered(() => ping(one, c.id, two?.underlay, '-W1'))()).toBe(false);
});

test('an endpoint that moves to another host keeps its address and is reached at once', async () => {
  const all = await start(3);
  const [one, two, three] = all.hosts;
  await network(all, 'mesh');
  const a = await sandbox(all, one, 'a', ['mesh']);
  const b = await sandbox(all, two, 'b', ['mesh']);
  await sandbox(all, three, 'c', ['mesh']);
  await soon(answered(() => ping(one, a.id, b.addresses[0]))).toBe('true');
  const mac = b.endpoint?.desired?.macAddress;
  const there = await all.plane.sandboxes.createSandbox({ spec: { name: 'there', host: 'h3' } });
  const { id = '' } = b.endpoint ?? {};
  await all.plane.endpoints.leaveEndpoint({ endpoint: id });
  await all.plane.endpoints.joinEndpoint({ endpoint: id, sandbox: 'there' });
  await soon(answered(() => ping(one, a.id, b.addresses[0], '-W1'))).toBe('true');
  expect(three?.inside(there.sandbox?.id ?? '', 'ip addr')).toContain(mac);
  expect(answered(() => ping(three, there.sandbox?.id ?? '', a.addresses[0]))()).toBe(true);
});

test('a port of a sandbox is published at its host, and asked for from another one', async () => {
  const all = await start(2);
  const [one, two] = all.hosts;
  await network(all, 'mesh');
  const b = await sandbox(all, two, 'b', ['mesh'], { ports: [{ port: 80, hostPort: 8080, protocol: Protocol.TCP }] });
  const server = await station('b', two?.netns(b.id));
  await server.listen('tcp', 80);
  const client = await station('h1', one?.namespace);
  expect(await client.connect('tcp', two?.underlay ?? '', 8080, 3_000)).toBe(`b ${one?.underlay}`);
});

test('a service over hosts: by its address from a sandbox, by its port from any host, with backends or without', async () => {
  const all = await start(3);
  const [one, two, three] = all.hosts;
  await network(all, 'mesh');
  const clientSandbox = await sandbox(all, one, 'c', ['mesh']);
  const backends = [await sandbox(all, one, 'b1', ['mesh']), await sandbox(all, two, 'b2', ['mesh'])];
  for (const [at, { id }] of backends.entries()) {
    const server = await station(`b${at + 1}`, all.hosts[at]?.netns(id));
    await server.listen('tcp', 80);
  }
  const { service } = await all.plane.services.createService({
    spec: {
      name: 'web',
      backends: [{ sandbox: 'b1' }, { sandbox: 'b2' }],
      ports: [{ port: 80, hostPort: 8080, protocol: Protocol.TCP }],
    },
    network: 'mesh',
  });
  const address = service?.desired?.addresses[0]?.cidr.split('/')[0] ?? '';
  const inside = await station('c', one?.netns(clientSandbox.id));
  const met = new Set<string>();
  const meet = async () => {
    met.add((await inside.connect('tcp', address, 80, 3_000))?.split(' ')[0] ?? 'nobody');
    return [...met].sort();
  };
  await expect.poll(meet, { timeout: 10_000 }).toEqual(['b1', 'b2']);

  // Hosts with a backend lead to their own, and the client's address is kept; one without leads to those, with its own address.
  const outside = await station('h3', three?.namespace);
  const ask = (host: JoinedHost | undefined, from = outside) => from.connect('tcp', host?.underlay ?? '', 8080, 3_000);
  expect(await ask(one)).toBe(`b1 ${three?.underlay}`);
  expect(await ask(two)).toBe(`b2 ${three?.underlay}`);
  const far = await station('h1', one?.namespace);
  await expect
    .poll(async () => [await ask(three, far), await ask(three, far)].sort())
    .toEqual([`b1 ${three?.underlay}`, `b2 ${three?.underlay}`]);
  expect(links(three)).toEqual([]);

  // The last backend of a host goes: the port there leads on as well.
  await all.plane.sandboxes.removeSandbox({ sandbox: 'b2' });
  await expect.poll(() => ask(two)).toBe(`b1 ${two?.underlay}`);
});

test('what is encrypted is not read on the way, and goes nowhere without its tunnel', async () => {
  const all = await start(2);
  const [one, two] = all.hosts;
  await network(all, 'secret', { options: { encrypted: '' } });
  const a = await sandbox(all, one, 'a', ['secret']);
  const b = await sandbox(all, two, 'b', ['secret']);
  await soon(answered(() => ping(one, a.id, b.addresses[0]))).toBe('true');
  const most = 1500 - 80 - 70 - 28;
  expect(ping(one, a.id, b.addresses[0], `-M do -s ${most}`)).toContain('1 received');
  const heard = await all.listen(() => void ping(one, a.id, b.addresses[0], '-p 776566742d706c61696e -s 100'));
  expect(heard.filter((line) => line.includes('7421')).length).toBeGreaterThan(1);
  expect(heard.filter((line) => /VXLAN|weft-plain/.test(line))).toEqual([]);

  // The program ends: it is started again, and all that went through it comes back.
  one?.sh('ip link del weftwg0');
  const silence = await all.listen(async () => {
    await soon(answered(() => ping(one, a.id, b.addresses[0], '-W1'))).toBe('true');
  });
  expect(silence.filter((line) => line.includes('VXLAN'))).toEqual([]);

  // The last endpoint takes the tunnel along.
  await all.plane.sandboxes.removeSandbox({ sandbox: 'a' });
  await soon(() => one?.sh('ip -o link').includes('weftwg0')).toBe('false');
  await soon(() => two?.sh('ip -6 route').includes('fd77:')).toBe('true');
});
