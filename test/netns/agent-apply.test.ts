// The kernel writer makes the kernel equal to HostState, undoes it, and says what failed. One real kernel, own namespaces.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import {
  createBridge,
  createVeth,
  deleteLink,
  dumpAddresses,
  dumpLinks,
  dumpRoutes,
  inNamespace,
  listElements,
  listTableText,
  type NetlinkSocket,
  namespaceIdentity,
  readSysctl,
  setLink,
  WEFT_GROUP,
  withNetlink,
} from '@weft/kernel';
import { Reason } from '@weft/proto/fault';
import { describe, expect, it } from 'vitest';
import {
  bridgeObject,
  createHost,
  element,
  fileObject,
  idOf,
  networkObjects,
  routeObject,
  sandboxObject,
  sysctlObject,
  vethObject,
} from './agent-host.ts';

const [a, b] = [idOf('s0'), idOf('s1')];

const names = (socket: NetlinkSocket) =>
  dumpLinks(socket)
    .map(({ name }) => name)
    .toSorted();

describe('applying', () => {
  it('makes a network of two sandboxes that talk, and removes it without a trace', async () => {
    const host = await createHost();
    const objects = networkObjects('br-w', 2);
    await host.apply(objects);

    expect(host.link('br-w')).toMatchObject({ kind: 'bridge', up: true, group: WEFT_GROUP, mac: '02:42:0a:01:00:01' });
    const master = host.link('br-w')?.index;
    expect(host.link('wv-2')).toMatchObject({
      kind: 'veth',
      up: true,
      group: WEFT_GROUP,
      master,
      port: { hairpin: true, isolated: false },
    });
    expect(host.link('eth0', host.sandbox(a))).toMatchObject({ up: true, mac: '02:42:0a:01:00:02' });
    withNetlink(host.sandbox(a), (socket) => {
      expect(dumpAddresses(socket).map(({ address }) => address)).toContain('10.1.0.2/24');
      expect(dumpRoutes(socket).find(({ destination }) => destination === '0.0.0.0/0')?.via).toBe('10.1.0.1');
    });
    expect(readSysctl(host.namespace, 'net.ipv4.ip_forward')).toBe('1');
    expect(readSysctl(host.sandbox(a), 'net.ipv4.conf.eth0.arp_notify')).toBe('0');
    expect(readSysctl(host.sandbox(a), 'net.ipv6.conf.eth0.accept_ra')).toBe('0');
    expect(readFileSync(`${host.runDir}/sandboxes/${a.slice(0, 12)}/hosts`, 'utf8')).toBe('127.0.0.1 localhost\n');
    expect(listTableText(host.namespace, 'inet', 'weft')).toContain('"br-w" . "br-w" : accept');

    const server = createServer((socket) => socket.end('hello'));
    inNamespace(host.sandbox(b), () => server.listen(7777));
    const client = inNamespace(host.sandbox(a), () => spawn('bash', ['-c', 'cat < /dev/tcp/10.1.0.3/7777']));
    expect(String((await once(client.stdout, 'data'))[0])).toBe('hello');
    server.close();

    expect(host.reports.flatMap(({ sandboxes }) => sandboxes).find(({ sandboxId }) => sandboxId === a)).toEqual({
      sandboxId: a,
      namespacePath: host.sandbox(a),
      hostsPath: `${host.runDir}/sandboxes/${a.slice(0, 12)}/hosts`,
      resolvConfPath: `${host.runDir}/sandboxes/${a.slice(0, 12)}/resolv.conf`,
      lost: false,
    });

    // I8 and I9: once more changes nothing, and a look finds nothing.
    const before = host.link('wv-2')?.index;
    await host.apply(objects);
    expect(host.link('wv-2')?.index).toBe(before);
    expect((await host.writer.look()).drifts).toEqual([]);

    await host.apply(
      [],
      objects.map(({ key }) => key),
    );
    expect(withNetlink(host.namespace, names)).toEqual(['lo']);
    expect(readSysctl(host.namespace, 'net.ipv4.ip_forward')).toBe('0');
    expect(namespaceIdentity(host.sandbox(a))).toBeUndefined();
    expect(existsSync(`${host.runDir}/sandboxes/${a.slice(0, 12)}`)).toBe(false);
    expect(listTableText(host.namespace, 'inet', 'weft')).not.toContain('br-w');
    // Said once, and never as something that was wrong.
    expect(host.reports.flatMap(({ drifts, failed }) => [...drifts, ...failed])).toMatchObject([
      { key: 'sysctl/net.ipv4.ip_forward', what: 'switched from 0 to 1: a network needs it' },
    ]);
  });

  it('changes what a new spec changes, in place', async () => {
    const host = await createHost();
    await host.apply([
      bridgeObject('br-w'),
      sandboxObject(a),
      vethObject(2, a, 'br-w'),
      routeObject(a),
      element('bridge_pairs', ['br-w', 'br-w'], ['accept']),
    ]);
    const index = host.link('wv-2')?.index;
    await host.apply([
      bridgeObject('br-w', { mtu: 1400, addresses: ['10.1.0.254/24', 'fd01::1/64'], ipv6: true }),
      vethObject(2, a, 'br-w', {
        mtu: 1400,
        isolated: true,
        hairpin: false,
        addresses: ['10.1.0.9/24', 'fd01::9/64'],
        macAddress: '02:42:0a:01:00:09',
        sysctls: { 'net.ipv4.conf.IFNAME.log_martians': '1' },
      }),
      routeObject(a, '0.0.0.0/0', '10.1.0.254'),
      element('bridge_pairs', ['br-w', 'br-w'], ['drop']),
    ]);
    expect(host.link('wv-2')).toMatchObject({ index, mtu: 1400, port: { isolated: true, hairpin: false } });
    expect(host.link('br-w')).toMatchObject({ mtu: 1400 });
    expect(host.link('eth0', host.sandbox(a))).toMatchObject({ mtu: 1400, mac: '02:42:0a:01:00:09' });
    withNetlink(host.sandbox(a), (socket) => {
      const eth0 = host.link('eth0', host.sandbox(a))?.index ?? 0;
      expect(
        dumpAddresses(socket, eth0)
          .filter(({ scope }) => scope === 0)
          .map(({ address, usable }) => [address, usable]),
      ).toEqual([
        ['10.1.0.9/24', true],
        ['fd01::9/64', true],
      ]);
      expect(
        dumpRoutes(socket)
          .filter(({ destination }) => destination === '0.0.0.0/0')
          .map(({ via }) => via),
      ).toEqual(['10.1.0.254']);
    });
    expect(readSysctl(host.sandbox(a), 'net.ipv4.conf.eth0.log_martians')).toBe('1');
    expect(listTableText(host.namespace, 'inet', 'weft')).toContain('"br-w" . "br-w" : drop');
    // The endpoint joins another sandbox, under another interface name.
    await host.apply([sandboxObject(b), vethObject(2, b, 'br-w', { name: 'eth7' })], [`route/${a}/0.0.0.0/0`]);
    expect(host.link('eth0', host.sandbox(a))).toBeUndefined();
    expect(host.link('eth7', host.sandbox(b))).toBeDefined();
  });

  it('an interface can be taken over in one batch from an endpoint that leaves', async () => {
    const host = await createHost();
    await host.apply([bridgeObject('br-w'), sandboxObject(a), vethObject(2, a, 'br-w')]);
    await host.apply([vethObject(3, a, 'br-w')], [vethObject(2, a, 'br-w').key]);
    expect(host.link('eth0', host.sandbox(a))?.mac).toBe('02:42:0a:01:00:03');
    expect(host.link('wv-2')).toBeUndefined();
  });

  it('puts are not held up by deletes that wait in the kernel', async () => {
    const host = await createHost();
    const many = Array.from({ length: 16 }, (_, at) => [
      sandboxObject(idOf(`m${at}`)),
      vethObject(at + 10, idOf(`m${at}`), 'br-w'),
    ]).flat();
    await host.apply([bridgeObject('br-w'), sandboxObject(a), ...many]);
    const order: string[] = [];
    const deleted = host
      .apply(
        [],
        many.map(({ key }) => key),
      )
      .then(() => order.push('deleted'));
    const put = host.apply([vethObject(2, a, 'br-w')]).then(() => order.push('put'));
    await Promise.all([deleted, put]);
    expect(order).toEqual(['put', 'deleted']);
    expect(withNetlink(host.namespace, names)).toEqual(['br-w', 'lo', 'wv-2']);
  });
});

describe('failing', () => {
  it('one bad object fails alone, by name', async () => {
    const host = await createHost();
    withNetlink(host.namespace, (socket) => {
      socket.request(createVeth({ name: 'br-taken', peer: { name: 'x' } }));
      socket.request(createBridge({ name: 'br-theirs' }));
    });
    const cases: [Reason, ReturnType<typeof bridgeObject>, RegExp][] = [
      [Reason.NOT_A_BRIDGE, bridgeObject('br-taken'), /is an interface that is not a bridge/],
      [Reason.INTERFACE_EXISTS, bridgeObject('br-theirs'), /that weft did not make/],
      [Reason.OBJECT_REFUSED, bridgeObject('../../etc'), /is not an interface name/],
      [Reason.OBJECT_REFUSED, bridgeObject('br-bad', { addresses: ['10.1.0.1/99'] }), /not a prefix/],
      [Reason.OBJECT_REFUSED, element('no_such_set', ['x']), /has no set/],
      [Reason.OBJECT_REFUSED, element('masquerade4', ['fd00::/64']), /masquerade4/],
      [Reason.OBJECT_REFUSED, element('bridges', ['much-too-long-a-name']), /not an interface name/],
      [Reason.KERNEL_REFUSED, element('bridge_pairs', ['x', 'y'], ['goto nowhere']), /./],
      [Reason.OBJECT_REFUSED, sysctlObject('kernel.hostname', 'x'), /not a sysctl under net/],
      [Reason.KERNEL_REFUSED, sysctlObject('net.ipv4.nothing', '1'), /No such file or directory \(ENOENT\)/],
      [Reason.OBJECT_REFUSED, vethObject(7, b, 'br-w'), /the host has no sandbox/],
      [Reason.OBJECT_REFUSED, vethObject(8, a, 'docker0'), /the host has no bridge "docker0"/],
      [Reason.OBJECT_REFUSED, fileObject(a, '../../x', ''), /not a file of a sandbox/],
      [
        Reason.OBJECT_REFUSED,
        vethObject(9, a, 'br-w', { name: 'eth9', sysctls: { 'net.ipv4.ip_forward': '1' } }),
        /not one of the interface/,
      ],
      [Reason.ROUTE_CONFLICT, routeObject(a, '10.1.0.0/24', ''), /that weft did not make/],
    ];
    const good = networkObjects('br-w', 1);
    const outcomes = await host.writer.apply({ put: [...cases.map(([, object]) => object), ...good], delete: [] });
    const faults = new Map(outcomes.map(({ key, fault }) => [key, fault]));
    for (const [reason, { key }, text] of cases) {
      expect([key, faults.get(key)?.reason]).toEqual([key, reason]);
      expect(faults.get(key)?.message).toMatch(text);
      expect(faults.get(key)?.message).toContain(key);
    }
    for (const { key } of good) expect([key, faults.get(key)]).toEqual([key, undefined]);
    expect(listElements(host.namespace, { family: 'inet', table: 'weft', name: 'bridges', key: ['ifname'] })).toEqual([
      { key: ['br-w'] },
    ]);
  });

  it('is tried again and reported when it recovers', async () => {
    const host = await createHost();
    withNetlink(host.namespace, (socket) => socket.request(createBridge({ name: 'br-w' })));
    const [outcome] = await host.writer.apply({ put: [bridgeObject('br-w')], delete: [] });
    expect(outcome?.fault?.reason).toBe(Reason.INTERFACE_EXISTS);
    withNetlink(host.namespace, (socket) => socket.request(deleteLink('br-w')));
    await host.until(() => host.reports.some(({ recovered }) => recovered.includes('bridge/br-w')));
    expect(host.link('br-w')?.group).toBe(WEFT_GROUP);
  });

  it('what failed for want of a bridge is put when the bridge comes', async () => {
    const host = await createHost();
    withNetlink(host.namespace, (socket) => socket.request(createVeth({ name: 'br-w', peer: { name: 'x' } })));
    const outcomes = await host.writer.apply({
      put: [bridgeObject('br-w'), sandboxObject(a), vethObject(2, a, 'br-w')],
      delete: [],
    });
    expect(outcomes.filter(({ fault }) => fault !== undefined)).toHaveLength(2);
    withNetlink(host.namespace, (socket) => socket.request(deleteLink('br-w')));
    await host.until(() => host.reports.flatMap(({ recovered }) => recovered).length === 2);
    expect(host.link('wv-2')?.up).toBe(true);
  });

  it('a bridge takes 1,023 ports: the next one is named', async () => {
    const host = await createHost();
    await host.apply([bridgeObject('br-w'), sandboxObject(a)]);
    const master = host.link('br-w')?.index ?? 0;
    withNetlink(host.namespace, (socket) => {
      // Both ends on the bridge: half the links.
      const acks = socket.batch(
        Array.from({ length: 512 }, (_, at) => createVeth({ name: `p${at}`, master, peer: { name: `q${at}` } })),
      );
      expect(acks.every(({ error }) => error === undefined)).toBe(true);
      return socket;
    });
    withNetlink(host.namespace, (socket) =>
      socket.batch(Array.from({ length: 511 }, (_, at) => setLink(`q${at}`, { master }))),
    );
    const [outcome] = await host.writer.apply({ put: [vethObject(2, a, 'br-w')], delete: [] });
    expect(outcome?.fault).toMatchObject({ reason: Reason.BRIDGE_FULL, metadata: { errno: 'EXFULL' } });
  });
});
