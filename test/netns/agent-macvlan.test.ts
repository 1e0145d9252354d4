// macvlan interfaces and what they are made on, object by object: drift, what goes and comes back, what a crash leaves, what the
// kernel cannot make.

import { type HostObject, hostObject } from '@weft/hoststate';
import {
  createNamespace,
  createVeth,
  deleteLink,
  deleteNamespace,
  dumpLinks,
  setLink,
  withNetlink,
} from '@weft/kernel';
import { type ParentObject, SubinterfaceKind, type SubinterfaceObject } from '@weft/proto/agent';
import { describe, expect, it } from 'vitest';
import { createHost, type Host, idOf, onCleanup, sandboxObject } from './agent-host.ts';

const a = idOf('s0');
const b = idOf('s1');
const lone = 'dm-0123456789ab';
const [far, bridge] = ['xm-0123456789ab', 'bm-0123456789ab'];

const parentObject = (more: Partial<ParentObject> = {}): HostObject =>
  hostObject({ $case: 'parent', value: { name: lone, link: '', vlan: 0, ...more } });
const subinterfaceObject = (at: number, sandboxId: string, more: Partial<SubinterfaceObject> = {}): HostObject =>
  hostObject({
    $case: 'subinterface',
    value: {
      endpointId: idOf(`e${at}`),
      kind: SubinterfaceKind.MACVLAN,
      mode: 'bridge',
      flag: '',
      parent: lone,
      sandboxId,
      name: 'eth0',
      macAddress: `02:42:0a:01:00:0${at}`,
      mtu: 1500,
      addresses: [`10.1.0.${at}/24`],
      sysctls: {},
      ...more,
    },
  });
const both = [sandboxObject(a), sandboxObject(b), parentObject(), subinterfaceObject(2, a), subinterfaceObject(3, b)];

/** An interface of the host's own, with its other end beside it. */
const makeUplink = (host: Host, name: string, up: boolean): void =>
  withNetlink(host.namespace, (socket) => {
    socket.request(createVeth({ name, up, peer: { name: `o${name.slice(1)}` } }));
    socket.request(setLink(`o${name.slice(1)}`, { up: true }));
  });
const change = (host: Host, name: string, how: Parameters<typeof setLink>[1]): void =>
  withNetlink(host.namespace, (socket) => void socket.request(setLink(name, how)));
const names = (path: string) => withNetlink(path, (socket) => dumpLinks(socket).map(({ name }) => name)).sort();
const apply = async (host: Host, put: HostObject[]) => {
  const outcomes = await host.writer.apply({ put, delete: [] });
  return outcomes.flatMap(({ fault }) => (fault === undefined ? [] : [fault.message]));
};

describe('a parent with nothing behind it', () => {
  it('is a pair whose far end drops all, and goes without a trace', async () => {
    const host = await createHost();
    const before = names(host.namespace);
    await host.apply(both);
    expect(host.link(bridge)?.up).toBe(false);
    expect(host.link(far)?.master).toBe(host.link(bridge)?.index);
    expect(host.link('eth0', host.sandbox(a))).toMatchObject({
      kind: 'macvlan',
      peer: host.link(lone)?.index,
      up: true,
    });
    await host.apply([], both.map(({ key }) => key).reverse());
    expect(names(host.namespace)).toEqual(before);
  });

  it.each<[string, (host: Host) => void, (host: Host) => boolean]>([
    ['a bridge that is up', (host) => change(host, bridge, { up: true }), (host) => host.link(bridge)?.up === false],
    ['an end that is down', (host) => change(host, lone, { up: false }), (host) => host.link(lone)?.up === true],
    ['a far end that is down', (host) => change(host, far, { up: false }), (host) => host.link(far)?.up === true],
    [
      'a far end that left its bridge',
      (host) => change(host, far, { master: 0 }),
      (host) => host.link(far)?.master === host.link(bridge)?.index && host.link(far)?.up === true,
    ],
    [
      'a pair that is gone, with all that is on it',
      (host) => withNetlink(host.namespace, (socket) => void socket.request(deleteLink(far))),
      (host) =>
        host.link('eth0', host.sandbox(a))?.up === true &&
        host.link('eth0', host.sandbox(b))?.peer === host.link(lone)?.index,
    ],
  ])('%s is repaired', async (_what, drift, isRight) => {
    const host = await createHost();
    await host.apply(both);
    drift(host);
    await host.until(() => isRight(host));
    await host.until(() => host.reports.some(({ drifts }) => drifts.length > 0));
    expect((await host.writer.look()).drifts).toEqual([]);
  });

  it('is refused where an interface of the name is another\u2019s', async () => {
    const host = await createHost();
    makeUplink(host, far, true);
    const [said] = await apply(host, [parentObject()]);
    expect(said).toContain(`the host has an interface "${far}" that weft did not make`);
    expect(host.link(bridge)).toBeUndefined();
  });
});

describe('an interface of the host', () => {
  const on = (more: Partial<SubinterfaceObject> = {}) => [
    sandboxObject(a),
    subinterfaceObject(2, a, { parent: 'up0', mtu: 0, ...more }),
  ];

  it('that is down, or not there, is named; it is used as soon as it comes', async () => {
    const host = await createHost();
    expect(await apply(host, on())).toEqual([expect.stringContaining('the host has no interface "up0"')]);
    makeUplink(host, 'up0', false);
    expect(await apply(host, on())).toEqual([expect.stringContaining('the host\'s interface "up0" is down')]);
    change(host, 'up0', { up: true });
    await host.until(() => host.link('eth0', host.sandbox(a))?.up === true);
    expect(host.link('eth0', host.sandbox(a))?.mtu).toBe(host.link('up0')?.mtu);
  });

  it('that is a bridge\u2019s port is named', async () => {
    const host = await createHost();
    await host.apply([parentObject()]);
    expect(await apply(host, on({ parent: far }))).toEqual([
      expect.stringContaining(`the parent "${far}" is in use otherwise`),
    ]);
  });

  it('keeps all it had: one that was there before an object of its name is not weft\u2019s', async () => {
    const host = await createHost();
    makeUplink(host, 'up0.10', true);
    const objects = [...on({ parent: 'up0.10' }), parentObject({ name: 'up0.10', link: 'up0', vlan: 10 })];
    await host.apply(objects);
    await host.apply(
      [],
      objects.map(({ key }) => key),
    );
    expect(host.link('up0.10')?.up).toBe(true);
  });

  it('another mode makes another interface', async () => {
    const host = await createHost();
    makeUplink(host, 'up0', true);
    await host.apply(on());
    await host.apply(on({ mode: 'private' }));
    expect(host.link('eth0', host.sandbox(a))?.detail).toEqual({ mode: 'private' });
  });

  it.each<[string, HostObject[], string]>([
    ['a mode that is none', on({ mode: 'l2' }), 'macvlan has no mode "l2"'],
    ['an interface name that is none', on({ name: '../eth0' }), 'is not an interface name'],
    ['a sysctl that is not its own', on({ sysctls: { 'net.ipv4.ip_forward': '1' } }), 'is not one of the interface'],
    ['an MTU above the parent\u2019s', on({ mtu: 9000 }), 'MTU 9000 is more than the 1500 of its parent "up0"'],
    [
      'ipvlan',
      on({ kind: SubinterfaceKind.IPVLAN, mode: 'l2', flag: 'bridge', macAddress: '' }),
      'has no ipvlan interfaces',
    ],
    ['a VLAN', [parentObject({ name: 'up0.10', link: 'up0', vlan: 10 })], 'the kernel has no vlan interfaces'],
    ['a VLAN of nothing', [parentObject({ name: 'no.10', link: 'no', vlan: 10 })], 'the host has no interface "no"'],
    ['VLAN 5000', [parentObject({ name: 'up0.5000', link: 'up0', vlan: 5000 })], '5000 is not a VLAN'],
  ])('%s is refused, and nothing is left', async (_what, objects, sentence) => {
    const host = await createHost();
    makeUplink(host, 'up0', true);
    const before = names(host.namespace);
    expect(await apply(host, objects)).toEqual([expect.stringContaining(sentence)]);
    expect(names(host.namespace)).toEqual(before);
    if (objects.some(({ key }) => key.startsWith('sandbox/'))) expect(names(host.sandbox(a))).toEqual(['lo']);
  });
});

describe('a namespace that weft adopted', () => {
  const adopted = (host: Host): { path: string; objects: HostObject[] } => {
    const path = host.directory('adopted');
    createNamespace(path);
    onCleanup(() => void deleteNamespace(path));
    const sandbox = hostObject({
      $case: 'sandbox',
      value: { sandboxId: a, namespace: { $case: 'path', value: path } },
    });
    return { path, objects: [sandbox, parentObject(), subinterfaceObject(2, a)] };
  };

  it('loses the interface with its object, and one that a crash left', async () => {
    const first = await createHost();
    const { path, objects } = adopted(first);
    await first.apply(objects);
    expect(names(path)).toEqual(['eth0', 'lo']);
    const host = await first.restart();
    const kept = objects.filter(({ key }) => !key.startsWith('subinterface/'));
    await host.writer.apply({ put: kept, delete: [], synced: true });
    await host.until(() => host.link('eth0', path) === undefined);
    await host.apply(objects);
    await host.apply(
      [],
      objects.map(({ key }) => key),
    );
    expect(names(path)).toEqual(['lo']);
  });
});
