// What somebody else changes is put right within a second and told as drift; what is marked as weft's and asked for by nothing
// is removed once all is known; what is not marked is never touched.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hostObject } from '@weft/hoststate';
import {
  addAddress,
  addRoute,
  createBridge,
  createMonitor,
  createNamespace,
  createVeth,
  deleteAddress,
  deleteLink,
  deleteNamespace,
  deleteRoute,
  dumpAddresses,
  dumpLinks,
  dumpRoutes,
  inNamespace,
  listTableText,
  type NetlinkSocket,
  namespaceIdentity,
  type Request,
  readSysctl,
  runNft,
  setLink,
  setPort,
  WEFT_GROUP,
  WEFT_PROTOCOL,
  withNetlink,
  writeSysctl,
} from '@weft/kernel';
import { describe, expect, it } from 'vitest';
import {
  bridgeObject,
  createHost,
  element,
  type Host,
  idOf,
  networkObjects,
  onCleanup,
  sandboxObject,
  vethObject,
} from './agent-host.ts';

const a = idOf('s0');
const veth = `veth/${idOf('e2')}`;
const inside = (host: Host, use: (socket: NetlinkSocket, eth0: number) => void) =>
  withNetlink(host.sandbox(a), (socket) =>
    use(socket, host.link('eth0', host.sandbox(a))?.index ?? expect.fail('no eth0')),
  );
const on = (host: Host, request: Request) => withNetlink(host.namespace, (socket) => void socket.request(request));
/** Without what is said when a sysctl is switched on: that is no drift. */
const drifts = (host: Host) =>
  host.reports.flatMap((report) => report.drifts).filter(({ what }) => !what.startsWith('switched'));
const addressesOf = (path: string, name: string) =>
  withNetlink(path, (socket) => {
    const link = dumpLinks(socket).find((one) => one.name === name)?.index ?? 0;
    return dumpAddresses(socket, link).map(({ address }) => address);
  });
const defaultRoute = (host: Host) =>
  withNetlink(
    host.sandbox(a),
    (socket) => dumpRoutes(socket).find(({ destination }) => destination === '0.0.0.0/0')?.via,
  );
const isConnected = (host: Host): boolean =>
  host.link('br-w')?.up === true &&
  host.link('br-w')?.mac === '02:42:0a:01:00:01' &&
  host.link('wv-2')?.up === true &&
  host.link('wv-2')?.master === host.link('br-w')?.index &&
  host.link('wv-2')?.port?.hairpin === true &&
  namespaceIdentity(host.sandbox(a)) !== undefined &&
  host.link('eth0', host.sandbox(a))?.up === true &&
  addressesOf(host.sandbox(a), 'eth0').includes('10.1.0.2/24') &&
  addressesOf(host.namespace, 'br-w').includes('10.1.0.1/24') &&
  defaultRoute(host) === '10.1.0.1';

describe('drift', () => {
  it.each<[string, string, (host: Host) => void]>([
    ['the bridge is deleted', 'bridge/br-w', (host) => on(host, deleteLink('br-w'))],
    ['the bridge is set down', 'bridge/br-w', (host) => on(host, setLink('br-w', { up: false }))],
    [
      'the bridge loses its address',
      'bridge/br-w',
      (host) => {
        const link = host.link('br-w')?.index ?? 0;
        on(host, deleteAddress({ link, address: '10.1.0.1/24' }));
      },
    ],
    ['the bridge gets another MAC', 'bridge/br-w', (host) => on(host, setLink('br-w', { mac: '02:00:00:00:00:09' }))],
    ['the host end is deleted', veth, (host) => on(host, deleteLink('wv-2'))],
    ['the host end is set down', veth, (host) => on(host, setLink('wv-2', { up: false }))],
    ['the host end leaves the bridge', veth, (host) => on(host, setLink('wv-2', { master: 0 }))],
    ['the port loses its flags', veth, (host) => on(host, setPort(host.link('wv-2')?.index ?? 0, { hairpin: false }))],
    [
      'the interface is deleted inside',
      veth,
      (host) => inside(host, (socket, eth0) => void socket.request(deleteLink(eth0))),
    ],
    [
      'the interface is set down',
      veth,
      (host) => inside(host, (socket, eth0) => void socket.request(setLink(eth0, { up: false }))),
    ],
    [
      'the interface is renamed',
      veth,
      (host) =>
        inside(
          host,
          (socket, eth0) => void socket.batch([setLink(eth0, { up: false }), setLink(eth0, { name: 'other' })]),
        ),
    ],
    [
      'the host end is renamed',
      veth,
      (host) =>
        on(host, setLink(host.link('wv-2')?.index ?? 0, { up: false })) ??
        on(host, setLink(host.link('wv-2')?.index ?? 0, { name: 'other' })),
    ],
    [
      'the address is deleted',
      veth,
      (host) => inside(host, (socket, link) => void socket.request(deleteAddress({ link, address: '10.1.0.2/24' }))),
    ],
    [
      'the route is deleted',
      `route/${a}/0.0.0.0/0`,
      (host) =>
        inside(
          host,
          (socket, link) =>
            void socket.request(
              deleteRoute({ destination: '0.0.0.0/0', link, via: '10.1.0.1', protocol: WEFT_PROTOCOL }),
            ),
        ),
    ],
    ['the namespace is unmounted', `sandbox/${a}`, (host) => void deleteNamespace(host.sandbox(a))],
  ])('%s', async (_, key, harm) => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 1));
    expect(isConnected(host)).toBe(true);
    harm(host);
    await host.until(() => isConnected(host) && drifts(host).some((drift) => drift.key === key));
    const drift = drifts(host).find((one) => one.key === key);
    expect(drift?.what).toMatch(/./);
    expect(drift?.repaired?.getTime()).toBeGreaterThanOrEqual(drift?.found?.getTime() ?? Infinity);
    expect((await host.writer.look()).drifts).toEqual([]);
  });

  it.each<[string, string, string]>([
    ['the whole rule set is flushed', 'flush ruleset', 'table inet weft'],
    ['the table is deleted', 'delete table inet weft', 'table inet weft'],
    ['the rules are flushed', 'flush chain inet weft forward', 'table inet weft'],
    ['a rule is added', 'insert rule inet weft forward accept', 'table inet weft'],
    ['an element is deleted', 'delete element inet weft bridges { "br-w" }', 'nft/bridges/br-w'],
    ['elements are flushed', 'flush set inet weft masquerade4', 'nft/masquerade4/10.1.0.0/24'],
    [
      'a verdict is changed',
      'delete element inet weft bridge_pairs { "br-w" . "br-w" }; add element inet weft bridge_pairs { "br-w" . "br-w" : drop }',
      'nft/bridge_pairs/br-w . br-w',
    ],
  ])('%s', async (_, text, key) => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 0));
    const right = listTableText(host.namespace, 'inet', 'weft');
    expect(right).toContain('10.1.0.0/24');
    runNft(host.namespace, text);
    await host.until(
      () => listTableText(host.namespace, 'inet', 'weft') === right && drifts(host).some((drift) => drift.key === key),
    );
    expect((await host.writer.look()).drifts).toEqual([]);
  });

  it('without a notification is found by a look: sysctls, and files that are gone', async () => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 1));
    writeSysctl(host.namespace, 'net.ipv4.ip_forward', '0');
    writeSysctl(host.sandbox(a), 'net.ipv6.conf.eth0.accept_ra', '1');
    const hosts = join(host.runDir, 'sandboxes', a.slice(0, 12), 'hosts');
    rmSync(hosts);
    const { drifts: found } = await host.writer.look();
    expect(found.map(({ key, what }) => `${key}: ${what}`).toSorted()).toEqual([
      `file/${a}/hosts: ${hosts} is missing`,
      'sysctl/net.ipv4.ip_forward: it is 0, not 1',
      `${veth}: sysctl net/ipv6/conf/eth0/accept_ra is 1, not 0`,
    ]);
    expect(readSysctl(host.namespace, 'net.ipv4.ip_forward')).toBe('1');
    expect(readFileSync(hosts, 'utf8')).toBe('127.0.0.1 localhost\n');
  });

  it('is found by the full look that comes by itself', async () => {
    const host = await createHost({ lookEveryMs: 200 });
    await host.apply(networkObjects('br-w', 0));
    writeSysctl(host.namespace, 'net.ipv4.ip_forward', '0');
    await host.until(() => readSysctl(host.namespace, 'net.ipv4.ip_forward') === '1');
  });
});

describe('pruning', () => {
  const theirs = (host: Host) =>
    withNetlink(host.namespace, (socket) => {
      socket.batch([
        createBridge({ name: 'theirs', up: true }),
        createVeth({ name: 'wv-theirs', peer: { name: 'x' } }),
      ]);
      const link = host.link('theirs')?.index ?? 0;
      socket.request(addAddress({ link, address: '192.168.5.1/24' }));
      socket.request(addRoute({ destination: '192.168.6.0/24', via: '192.168.5.2', link }));
      runNft(host.namespace, 'table inet other { chain c { accept; }; }');
    });
  const leftovers = (host: Host) => {
    withNetlink(host.namespace, (socket) => {
      socket.batch([
        createBridge({ name: 'br-old', group: WEFT_GROUP }),
        createVeth({ name: 'wv-old', group: WEFT_GROUP, peer: { name: 'y' } }),
      ]);
      socket.request(
        addAddress({ link: host.link('theirs')?.index ?? 0, address: '10.9.0.1/24', protocol: WEFT_PROTOCOL }),
      );
    });
    createNamespace(host.sandbox(idOf('old')));
    runNft(host.namespace, 'add element inet weft bridges { "br-old" }');
  };

  it('removes what is marked and unasked for, after the first synced and never before', async () => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 1));
    theirs(host);
    leftovers(host);
    expect((await host.writer.look()).drifts.map(({ key }) => key)).toEqual([]);
    expect(host.link('br-old')).toBeDefined();
    await host.writer.apply({ put: [], delete: [], synced: true });
    expect([host.link('br-old'), host.link('wv-old')]).toEqual([undefined, undefined]);
    expect(
      drifts(host)
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual([
      'address 10.9.0.1/24 of theirs',
      'link br-old',
      'link wv-old',
      `namespace ${idOf('old').slice(0, 12)}`,
      'nft/bridges/br-old',
    ]);
    expect(namespaceIdentity(host.sandbox(idOf('old')))).toBeUndefined();
    expect(isConnected(host)).toBe(true);
    expect(host.link('wv-theirs')).toBeDefined();
    expect(addressesOf(host.namespace, 'theirs')).toContain('192.168.5.1/24');
    expect(withNetlink(host.namespace, (socket) => dumpRoutes(socket).map(({ destination }) => destination))).toContain(
      '192.168.6.0/24',
    );
    expect(listTableText(host.namespace, 'inet', 'other')).toContain('accept');
  });

  it('a host that must have nothing is empty when that is answered, whatever an agent before left', async () => {
    const first = await createHost();
    await first.apply(networkObjects('br-w', 3));
    const host = await first.restart();
    await host.writer.apply({ put: [], delete: [], reset: true, synced: true });
    await host.writer.close();
    expect(withNetlink(host.namespace, (socket) => dumpLinks(socket).map(({ name }) => name))).toEqual(['lo']);
    expect(namespaceIdentity(host.sandbox(a))).toBeUndefined();
    expect(readSysctl(host.namespace, 'net.ipv4.ip_forward')).toBe('0');
  });

  it('a reset removes what is not put again before synced', async () => {
    const host = await createHost();
    await host.apply([...networkObjects('br-w', 2)]);
    const keep = networkObjects('br-w', 1);
    const index = host.link('wv-2')?.index;
    const outcomes = await host.writer.apply({ reset: true, put: keep, delete: [], synced: true });
    expect(outcomes.filter(({ fault }) => fault !== undefined)).toEqual([]);
    expect(host.link('wv-3')).toBeUndefined();
    expect(host.link('wv-2')?.index).toBe(index);
    expect(namespaceIdentity(host.sandbox(idOf('s1')))).toBeUndefined();
    expect(isConnected(host)).toBe(true);
  });

  it('a restarted agent adopts what is there, and removes what went meanwhile', async () => {
    const first = await createHost();
    await first.apply(networkObjects('br-w', 2));
    const index = first.link('wv-2')?.index;
    const host = await first.restart();
    expect(isConnected(host)).toBe(true);
    const keep = networkObjects('br-w', 1).filter(({ key }) => !key.startsWith('sysctl/'));
    await host.writer.apply({ put: keep, delete: [], synced: true });
    expect(host.link('wv-2')?.index).toBe(index);
    expect(host.link('wv-3')).toBeUndefined();
    expect(readSysctl(host.namespace, 'net.ipv4.ip_forward')).toBe('0');
    expect(isConnected(host)).toBe(true);
    expect((await host.writer.look()).drifts).toEqual([]);
  });
});

describe('adopted sandboxes', () => {
  const adopt = (path: string) =>
    hostObject({ $case: 'sandbox', value: { sandboxId: a, namespace: { $case: 'path', value: path } } });
  const make = (host: Host): string => {
    const path = host.directory('theirs');
    createNamespace(path);
    onCleanup(() => void deleteNamespace(path));
    return path;
  };

  it('get their interfaces and keep their namespace', async () => {
    const host = await createHost();
    const path = make(host);
    await host.apply([
      bridgeObject('br-w'),
      adopt(path),
      vethObject(2, a, 'br-w', { addresses: ['10.1.0.2/24', 'fd01::2/64'] }),
    ]);
    expect(addressesOf(path, 'eth0')).toEqual(expect.arrayContaining(['10.1.0.2/24', 'fd01::2/64']));
    expect(readSysctl(path, 'net.ipv6.conf.eth0.accept_ra')).toBe('0');
    await host.apply([], [vethObject(2, a, 'br-w').key, adopt(path).key]);
    expect(host.link('eth0', path)).toBeUndefined();
    expect(namespaceIdentity(path)).toBeDefined();
  });

  it.each(['goes', 'is replaced by another'])(
    'are lost when their namespace %s; their objects do not fail',
    async (how) => {
      const host = await createHost();
      const path = make(host);
      const objects = [bridgeObject('br-w'), adopt(path), vethObject(2, a, 'br-w')];
      await host.apply(objects);
      deleteNamespace(path);
      if (how !== 'goes') createNamespace(path);
      const states = () => host.reports.flatMap(({ sandboxes }) => sandboxes.map(({ lost }) => lost));
      await host.until(() => states().includes(true));
      await host.writer.look();
      await host.apply(objects);
      expect(states()).toEqual([false, true]);
      expect(host.reports.flatMap(({ failed }) => failed)).toEqual([]);
      if (how !== 'goes') expect(host.link('eth0', path)).toBeUndefined();
      // A restarted agent remembers.
      const again = await host.restart();
      await again.writer.apply({ put: objects, delete: [], synced: true });
      await again.until(() => again.reports.flatMap(({ sandboxes }) => sandboxes).some(({ lost }) => lost));
      await again.apply(
        [],
        objects.map(({ key }) => key),
      );
    },
  );

  it('the host itself cannot be one', async () => {
    const host = await createHost();
    const [outcome] = await host.writer.apply({ put: [adopt(host.namespace)], delete: [] });
    expect(outcome?.fault?.message).toMatch(/is the namespace of the host/);
  });

  it('that never were are a fault', async () => {
    const host = await createHost();
    const [outcome] = await host.writer.apply({ put: [adopt(host.directory('none'))], delete: [] });
    expect(outcome?.fault?.message).toMatch(/does not exist or is no network namespace/);
  });
});

describe('a bridge of somebody else', () => {
  it('is used where that is allowed, and keeps everything when weft leaves', async () => {
    const host = await createHost();
    on(host, createBridge({ name: 'br-w', mac: '02:00:00:00:00:07' }));
    const index = host.link('br-w')?.index ?? 0;
    on(host, addAddress({ link: index, address: '192.168.5.1/24' }));
    const objects = [bridgeObject('br-w', { mayExist: true, mtu: 1400 }), sandboxObject(a), vethObject(2, a, 'br-w')];
    await host.apply(objects);
    expect(host.link('br-w')).toMatchObject({ index, mac: '02:00:00:00:00:07', up: true });
    expect(addressesOf(host.namespace, 'br-w')).toEqual(expect.arrayContaining(['192.168.5.1/24', '10.1.0.1/24']));
    await host.apply(
      [],
      objects.map(({ key }) => key),
    );
    expect(addressesOf(host.namespace, 'br-w').filter((one) => !one.includes(':'))).toEqual(['192.168.5.1/24']);
    expect(host.link('br-w')?.index).toBe(index);
  });
});

describe('the firewall', () => {
  it('a port is isolated before its link is up', async () => {
    const host = await createHost();
    const monitor = inNamespace(host.namespace, () => createMonitor());
    onCleanup(() => monitor.close());
    await host.apply([bridgeObject('br-w'), sandboxObject(a), vethObject(2, a, 'br-w', { isolated: true })]);
    const seen = monitor
      .drain()
      .events.flatMap((event) => (event.source === 'link' && event.link.name === 'wv-2' ? [event.link] : []));
    expect(seen.some(({ up }) => up)).toBe(true);
    expect(seen.filter(({ up, port }) => up && port !== undefined && !port.isolated)).toEqual([]);
  });

  it('stands before the links, as a plain nft reads it', async () => {
    const host = await createHost();
    await host.apply([element('bridges', ['br-w']), element('internal_bridges', ['br-i'])]);
    const text = inNamespace(host.namespace, () =>
      execFileSync('nft', ['list', 'table', 'inet', 'weft'], { encoding: 'utf8' }),
    );
    expect(text).toMatchSnapshot();
  });
});
