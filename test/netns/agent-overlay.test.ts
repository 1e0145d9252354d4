// VXLAN links and what is behind them, on two hosts that are joined by a cable: packets pass, and drift is repaired.
import { execFileSync } from 'node:child_process';
import { type HostObject, hostObject } from '@weft/hoststate';
import { dumpForwardings, dumpNeighbours, withNetlink } from '@weft/kernel';
import { expect, test } from 'vitest';
import { bridgeObject, createHost, element, type Host, idOf, sandboxObject, vethObject } from './agent-host.ts';

const VXLAN = 'vx-1';
const vxlanObject = (local: string, more: { vni?: number } = {}): HostObject =>
  hostObject({
    $case: 'vxlan',
    value: { name: VXLAN, vni: 4096, local, port: 4789, mtu: 1430, bridge: 'br-w1', tunnel: '', ...more },
  });
const neighbourObject = (mac: string, addresses: string[], remote: string): HostObject =>
  hostObject({ $case: 'neighbour', value: { vxlan: VXLAN, macAddress: mac, addresses, remote } });

const run = (host: Host | string, line: string): string =>
  execFileSync('nsenter', [`--net=${typeof host === 'string' ? host : host.namespace}`, 'sh', '-c', line], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

const cable = (a: Host, b: Host, addresses: readonly [string, string], length: number) => {
  run(a, `ip link add under type veth peer name under netns ${b.namespace}`);
  for (const [at, host] of [a, b].entries())
    run(host, `ip addr add ${addresses[at]}/${length} dev under nodad; ip link set under up; ip link set lo up`);
};

/** What the host at `at` (0 or 1) has: its own sandbox, and the other's behind the link. */
const objectsOf = (at: number, ends: readonly string[]): HostObject[] => {
  const id = idOf(`s${at}`);
  const other = 1 - at;
  return [
    element('bridges', ['br-w1']),
    element('bridge_pairs', ['br-w1', 'br-w1'], ['accept']),
    bridgeObject('br-w1', { mtu: 1430, addresses: ['10.1.0.1/24', 'fd01::1/64'], ipv6: true }),
    vxlanObject(ends[at] ?? ''),
    sandboxObject(id),
    vethObject(at + 2, id, 'br-w1', { mtu: 1430, addresses: [`10.1.0.${at + 2}/24`, `fd01::${at + 2}/64`] }),
    neighbourObject(`02:42:0a:01:00:0${other + 2}`, [`10.1.0.${other + 2}`, `fd01::${other + 2}`], ends[other] ?? ''),
  ];
};

test.each([
  ['IPv4', '192.0.2.1', '192.0.2.2', 24],
  ['IPv6', '2001:db8::1', '2001:db8::2', 64],
] as const)('sandboxes on two hosts reach each other over %s', async (_, one, two, length) => {
  const ends = [one, two] as const;
  const [a, b] = [await createHost(), await createHost()];
  cable(a, b, ends, length);
  await a.apply(objectsOf(0, ends));
  await b.apply(objectsOf(1, ends));
  const inside = a.sandbox(idOf('s0'));
  // The first packet: nothing has been learnt.
  expect(run(inside, 'ping -c1 -W2 10.1.0.3')).toContain('1 received');
  expect(run(inside, 'ping -6 -c1 -W2 fd01::3')).toContain('1 received');
  expect(run(inside, 'ping -c1 -W2 -M do -s 1402 10.1.0.3')).toContain('1 received');
  expect(() => run(inside, 'ping -c1 -W1 -M do -s 1403 10.1.0.3')).toThrow();

  // Somebody takes the link away: all of it comes back at once.
  run(a, `ip link del ${VXLAN}`);
  const index = () => a.link(VXLAN)?.index ?? 0;
  const remotes = () => withNetlink(a.namespace, (socket) => dumpForwardings(socket, index()));
  await a.until(
    () => index() > 0 && remotes().some(({ remote, mac }) => remote === two && mac === '02:42:0a:01:00:03'),
  );
  expect(run(inside, 'ping -c1 -W2 10.1.0.3')).toContain('1 received');

  // Somebody changes what is behind it: nothing announces that, a look finds it.
  run(a, `bridge fdb del 02:42:0a:01:00:03 dev ${VXLAN} self; ip neigh del 10.1.0.3 dev ${VXLAN}`);
  const { drifts } = await a.writer.look();
  expect(drifts.map(({ key }) => key)).toContain(`neighbour/${VXLAN}/02:42:0a:01:00:03`);
  expect(run(inside, 'ping -c1 -W2 10.1.0.3')).toContain('1 received');

  // The last of it goes: the link takes the rest along.
  await a.apply(
    [],
    objectsOf(0, ends).map(({ key }) => key),
  );
  expect(a.link(VXLAN)).toBeUndefined();
});

test('a changed VNI makes the link anew, with all that is behind it', async () => {
  const host = await createHost();
  run(host, 'ip link set lo up');
  const objects = objectsOf(0, ['192.0.2.1', '192.0.2.2']);
  await host.apply(objects);
  await host.apply([vxlanObject('192.0.2.1', { vni: 5000 })]);
  const link = host.link(VXLAN);
  expect(link?.vxlan).toMatchObject({ vni: 5000, local: '192.0.2.1', proxy: true, learning: false });
  const index = link?.index ?? 0;
  expect(withNetlink(host.namespace, (socket) => dumpNeighbours(socket, index))).toEqual([
    { address: '10.1.0.3', mac: '02:42:0a:01:00:03', isPermanent: true },
    { address: 'fd01::3', mac: '02:42:0a:01:00:03', isPermanent: true },
  ]);
});

test('3,000 neighbours are more than gc_thresh3 and fit; what an agent finds that nothing asks for goes', async () => {
  const host = await createHost();
  run(host, 'ip link set lo up');
  const many = Array.from({ length: 3_000 }, (_, at) => {
    const [high, low] = [at >> 8, at & 255];
    const mac = `02:42:0a:02:${[high, low].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`;
    return neighbourObject(mac, [`10.2.${high}.${low}`], '192.0.2.2');
  });
  const objects = [...objectsOf(0, ['192.0.2.1', '192.0.2.2']), ...many];
  await host.apply(objects);
  const index = host.link(VXLAN)?.index ?? 0;
  const count = () => withNetlink(host.namespace, (socket) => dumpNeighbours(socket, index)).length;
  expect(count()).toBe(3_002);

  const again = await host.restart();
  await again.writer.apply({ put: objects.slice(0, -1_000), delete: [], reset: true, synced: true });
  expect(count()).toBe(2_002);
  expect(
    withNetlink(host.namespace, (socket) => dumpForwardings(socket, index)).filter(({ remote }) => remote).length,
  ).toBe(2_001);
});
