import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { addAddress, deleteAddress, dumpAddresses, putAddress } from './address.ts';
import { ERRNO, KernelError } from './error.ts';
import { startGroupDelete } from './group-delete.ts';
import { createBridge, createVeth, deleteGroup, deleteLink, setLink, setPort } from './link.ts';
import { dumpLinks, findLink, findLinks, readLink } from './link-state.ts';
import { DOOMED_GROUP, WEFT_GROUP, WEFT_PROTOCOL } from './marks.ts';
import { inNamespace, withNamespaceFd } from './namespace.ts';
import { openFds, useNamespaces } from './namespaces.fixture.ts';
import { type NetlinkSocket, withNetlink } from './netlink.ts';
import { addRoute, deleteRoute, dumpRoutes, replaceRoute } from './route.ts';
import { readSysctl, writeSysctl } from './sysctl.ts';
import { waitFor } from './wait.ts';

const namespaces = useNamespaces();

const bridge = (socket: NetlinkSocket, name = 't-br0'): number => {
  const reply = socket.request(
    createBridge({ name, mac: '02:42:0a:01:00:01', mtu: 1450, group: WEFT_GROUP, up: true }),
    { echo: true },
  );
  return readLink(reply ?? expect.fail('no echo')).index;
};

/** Runs a request that must fail and returns its error. */
const failure = (run: () => unknown): KernelError => {
  try {
    run();
  } catch (error) {
    if (error instanceof KernelError) return error;
    throw error;
  }
  return expect.fail('it did not fail');
};

const attach = (host: string, sandbox: string, master: number, at: number): void => {
  withNamespaceFd(sandbox, (namespaceFd) =>
    withNetlink(host, (socket) =>
      socket.request(
        createVeth({
          name: `t-v${at}`,
          group: WEFT_GROUP,
          master,
          mtu: 1450,
          up: true,
          peer: { name: 'eth0', mac: `02:42:0a:01:00:0${at}`, mtu: 1450, namespaceFd },
        }),
      ),
    ),
  );
  withNetlink(sandbox, (socket) => {
    const eth0 = findLink(socket, 'eth0') ?? expect.fail('no eth0');
    const acks = socket.batch([
      setLink(eth0.index, { up: true }),
      addAddress({ link: eth0.index, address: `10.1.0.${at}/24`, protocol: WEFT_PROTOCOL }),
      addAddress({ link: eth0.index, address: `fd01::${at}/64`, protocol: WEFT_PROTOCOL }),
      addRoute({ destination: '0.0.0.0/0', via: '10.1.0.1', link: eth0.index, protocol: WEFT_PROTOCOL }),
    ]);
    expect(acks.map(({ error }) => error)).toEqual([undefined, undefined, undefined, undefined]);
  });
};

describe('links', () => {
  it('a bridge carries name, group, MAC and MTU from its creating message', () => {
    const host = namespaces.make();
    withNetlink(host, (socket) => {
      const index = bridge(socket);
      expect(findLink(socket, 't-br0')).toMatchObject({
        index,
        name: 't-br0',
        kind: 'bridge',
        up: true,
        mtu: 1450,
        mac: '02:42:0a:01:00:01',
        group: WEFT_GROUP,
        master: undefined,
      });
      expect(findLink(socket, 't-none')).toBeUndefined();
      expect(failure(() => bridge(socket))).toMatchObject({
        code: 'EEXIST',
        operation: 'create bridge "t-br0"',
        message: 'create bridge "t-br0": File exists (EEXIST)',
      });
    });
  });

  it('two sandboxes on a bridge talk over TCP, IPv4 and IPv6', async () => {
    const [host, a, b] = [namespaces.make(), namespaces.make(), namespaces.make()];
    const master = withNetlink(host, (socket) => bridge(socket));
    attach(host, a, master, 2);
    attach(host, b, master, 3);
    const server = createServer((socket) => socket.end('hello'));
    // Without an address listen() makes its socket at once, inside the window; so does the fork of spawn().
    inNamespace(b, () => server.listen(7777));
    for (const address of ['10.1.0.3', 'fd01::3']) {
      const client = inNamespace(a, () => spawn('bash', ['-c', `cat < /dev/tcp/${address}/7777`]));
      const [data] = await once(client.stdout, 'data');
      expect(String(data)).toBe('hello');
      await once(client, 'close');
    }
    server.close();
    await once(server, 'close');
  });

  it('a dump tells kind, master, peer namespace and port flags, and filters in the kernel', () => {
    const [host, a] = [namespaces.make(), namespaces.make()];
    const master = withNetlink(host, (socket) => bridge(socket));
    attach(host, a, master, 2);
    withNetlink(host, (socket) => {
      const port = findLink(socket, 't-v2') ?? expect.fail('no port');
      expect(port).toMatchObject({ kind: 'veth', master, up: true, mtu: 1450, group: WEFT_GROUP });
      expect(port.port).toMatchObject({ hairpin: false, isolated: false, learning: true });
      expect(port.peer).toBe(withNetlink(a, (inside) => findLink(inside, 'eth0'))?.index);
      expect(port.peerNsid).toBeGreaterThanOrEqual(0);
      socket.request(setPort(port.index, { hairpin: true, isolated: true, learning: false }));
      expect(findLink(socket, port.index)?.port).toMatchObject({
        hairpin: true,
        isolated: true,
        learning: false,
        unicastFlood: true,
      });
      expect(
        dumpLinks(socket)
          .map(({ name }) => name)
          .toSorted(),
      ).toEqual(['lo', 't-br0', 't-v2']);
      expect(dumpLinks(socket, { kind: 'bridge' }).map(({ name }) => name)).toEqual(['t-br0']);
      expect(dumpLinks(socket, { master }).map(({ name }) => name)).toEqual(['t-v2']);
      expect(failure(() => socket.request(setPort(master, { hairpin: true }))).code).toMatch(/^E/);
    });
  });

  it('changes everything that can change', () => {
    const host = namespaces.make();
    withNetlink(host, (socket) => {
      const master = bridge(socket);
      socket.request(createVeth({ name: 't-a', peer: { name: 't-b' } }));
      const { index } = findLink(socket, 't-a') ?? expect.fail('no link');
      socket.request(
        setLink(index, { name: 't-c', mtu: 1300, mac: '02:00:00:00:00:01', group: 7, alias: 'weft', master }),
      );
      expect(findLink(socket, index)).toMatchObject({
        name: 't-c',
        mtu: 1300,
        mac: '02:00:00:00:00:01',
        group: 7,
        alias: 'weft',
        master,
        up: false,
      });
      socket.request(setLink(index, { master: 0, up: true }));
      expect(findLink(socket, index)).toMatchObject({ master: undefined, up: true });
      socket.request(setLink('t-c', { up: false }));
      expect(findLink(socket, index)?.up).toBe(false);
      expect(() => setLink('t-c', { name: 't-d' })).toThrow(TypeError);
    });
  });

  it('requests of a batch succeed and fail each on its own', () => {
    const host = namespaces.make();
    withNetlink(host, (socket) => {
      const acks = socket.batch([
        createBridge({ name: 't-1' }),
        createBridge({ name: 't-1' }),
        setLink('t-none', { up: true }),
        createBridge({ name: 't-2' }),
      ]);
      expect(acks.map(({ error }) => error?.code)).toEqual([undefined, 'EEXIST', 'ENODEV', undefined]);
      expect(findLinks(socket, ['t-1', 't-none', 't-2']).map((link) => link?.name)).toEqual(['t-1', undefined, 't-2']);
    });
  });

  it('hundreds of requests fit a batch', () => {
    const host = namespaces.make();
    withNetlink(host, (socket) => {
      const lo = findLink(socket, 'lo')?.index ?? 0;
      const addresses = Array.from({ length: 400 }, (_, at) => `10.${at >> 8}.${at & 255}.1/32`);
      const acks = socket.batch(addresses.map((address) => addAddress({ link: lo, address })));
      expect(acks.filter(({ error }) => error !== undefined)).toEqual([]);
      expect(dumpAddresses(socket, lo).length).toBeGreaterThanOrEqual(400);
    });
  });
});

describe('deleting links', () => {
  it('one by one, and ENODEV afterwards', () => {
    const host = namespaces.make();
    withNetlink(host, (socket) => {
      bridge(socket);
      socket.request(deleteLink('t-br0'));
      expect(failure(() => socket.request(deleteLink('t-br0'))).errno).toBe(ERRNO.ENODEV);
    });
  });

  it('a group at once, sparing the others', () => {
    const host = namespaces.make();
    withNetlink(host, (socket) => {
      for (let at = 0; at < 8; at++)
        socket.request(createVeth({ name: `t-${at}`, group: at < 6 ? DOOMED_GROUP : 1, peer: { name: `p-${at}` } }));
      socket.request(deleteGroup(DOOMED_GROUP));
      expect(
        dumpLinks(socket, { kind: 'veth' })
          .map(({ name }) => name)
          .toSorted(),
      ).toEqual(['p-6', 'p-7', 't-6', 't-7']);
      expect(failure(() => socket.request(deleteGroup(DOOMED_GROUP))).code).toBe('ENODEV');
    });
  });

  it('a group on a pool thread, while this thread goes on', async () => {
    const host = namespaces.make();
    const before = openFds();
    withNetlink(host, (socket) => {
      for (let at = 0; at < 4; at++)
        socket.request(createVeth({ name: `t-${at}`, group: DOOMED_GROUP, peer: { name: `p-${at}` } }));
      const pending = startGroupDelete(host, DOOMED_GROUP);
      socket.request(createBridge({ name: 't-br1' }));
      expect(waitFor([pending.fd], 5000)).toEqual([pending.fd]);
      expect(pending.finish()).toBeUndefined();
      expect(dumpLinks(socket, { kind: 'veth' })).toEqual([]);
      const empty = startGroupDelete(host, DOOMED_GROUP);
      waitFor([empty.fd], 5000);
      expect(empty.finish()?.code).toBe('ENODEV');
    });
    // The descriptors close when the pool thread has reported.
    await expect.poll(openFds).toBe(before);
  });

  it('a veth dies with the namespace of its peer when nothing holds that open', async () => {
    const host = namespaces.make();
    const master = withNetlink(host, (socket) => bridge(socket));
    const path = namespaces.make();
    attach(host, path, master, 2);
    const { deleteNamespace } = await import('./named-namespace.ts');
    deleteNamespace(path);
    expect(existsSync(path)).toBe(false);
    await expect.poll(() => withNetlink(host, (socket) => findLink(socket, 't-v2'))).toBeUndefined();
  });
});

describe('addresses', () => {
  it('carry our mark, filter by link, and are usable at once', () => {
    const host = namespaces.make();
    withNetlink(host, (socket) => {
      const index = bridge(socket);
      const spec = { link: index, address: '10.1.0.1/24', protocol: WEFT_PROTOCOL };
      const six = { link: index, address: 'fd01::1/64', protocol: WEFT_PROTOCOL };
      const local = { link: index, address: 'fe80::1/64', protocol: WEFT_PROTOCOL };
      for (const one of [spec, six, local]) socket.request(addAddress(one));
      const ours = dumpAddresses(socket, index).filter(({ protocol }) => protocol === WEFT_PROTOCOL);
      expect(ours.map(({ address, scope, usable }) => [address, scope, usable])).toEqual([
        ['10.1.0.1/24', 0, true],
        ['fd01::1/64', 0, true],
        ['fe80::1/64', 253, true],
      ]);
      expect(failure(() => socket.request(addAddress(spec)))).toMatchObject({
        code: 'EEXIST',
        detail: 'ipv4: Address already assigned',
      });
      socket.request(putAddress(spec));
      socket.request(putAddress(six));
      socket.request(deleteAddress(spec));
      expect(failure(() => socket.request(deleteAddress(spec)))).toMatchObject({
        code: 'EADDRNOTAVAIL',
        detail: 'ipv4: Address not found',
      });
      expect(
        dumpAddresses(socket)
          .filter(({ link }) => link === index)
          .map(({ address }) => address),
      ).not.toContain('10.1.0.1/24');
    });
  });
});

describe('routes', () => {
  it('are added, replaced, found by link and mark, and deleted', () => {
    const host = namespaces.make();
    withNetlink(host, (socket) => {
      const link = bridge(socket);
      socket.batch([addAddress({ link, address: '10.1.0.1/24' }), addAddress({ link, address: 'fd01::1/64' })]);
      const protocol = WEFT_PROTOCOL;
      const four = { destination: '0.0.0.0/0', via: '10.1.0.254', link, protocol };
      const six = { destination: '::/0', via: 'fd01::fe', link, protocol };
      const far = { destination: '192.168.9.0/24', via: '172.31.0.1', link, protocol, onLink: true, metric: 50 };
      const direct = { destination: '192.168.10.0/24', link, protocol };
      for (const one of [four, six, far, direct]) socket.request(addRoute(one));
      const ours = () =>
        dumpRoutes(socket, { link, protocol })
          .map(({ destination, via, metric }) => `${destination} ${via} ${metric}`)
          .toSorted();
      expect(ours()).toEqual([
        '0.0.0.0/0 10.1.0.254 0',
        '192.168.10.0/24 undefined 0',
        '192.168.9.0/24 172.31.0.1 50',
        '::/0 fd01::fe 1024',
      ]);
      expect(failure(() => socket.request(addRoute(four))).code).toBe('EEXIST');
      socket.request(replaceRoute({ ...four, via: '10.1.0.253' }));
      expect(ours()).toContain('0.0.0.0/0 10.1.0.253 0');
      expect(failure(() => socket.request(deleteRoute(four))).code).toBe('ESRCH');
      for (const one of [{ ...four, via: '10.1.0.253' }, six, far, direct]) socket.request(deleteRoute(one));
      expect(ours()).toEqual([]);
      expect(dumpRoutes(socket, { link }).length).toBeGreaterThan(0);
      expect(failure(() => dumpRoutes(socket, { link: 999 })).code).toBe('ENODEV');
    });
  });

  it('keep the kernel’s own words for a gateway out of reach', () => {
    const host = namespaces.make();
    withNetlink(host, (socket) => {
      const error = failure(() =>
        socket.request(addRoute({ destination: '0.0.0.0/0', via: '10.9.9.9', link: bridge(socket) })),
      );
      expect(error.detail).toBe('Nexthop has invalid gateway');
      expect(error.message).toMatch(
        /^add route default via 10\.9\.9\.9 link \d+: Network is unreachable \(ENETUNREACH\): Nexthop has/,
      );
    });
  });
});

describe('sysctls', () => {
  it('belong to the namespace', () => {
    const [a, b] = [namespaces.make(), namespaces.make()];
    writeSysctl(a, 'net.ipv4.ip_forward', '1');
    expect([readSysctl(a, 'net.ipv4.ip_forward'), readSysctl(b, 'net.ipv4.ip_forward')]).toEqual(['1', '0']);
    expect(readSysctl(a, 'net/ipv6/conf/default/accept_ra')).toBe('1');
  });

  it('are named in errors, and no other file can be named', () => {
    const a = namespaces.make();
    expect(failure(() => readSysctl(a, 'net.ipv4.nothing'))).toMatchObject({
      code: 'ENOENT',
      operation: 'read sysctl net.ipv4.nothing',
    });
    expect(failure(() => writeSysctl(a, 'net.ipv4.ip_forward', 'x')).code).toBe('EINVAL');
    for (const key of ['kernel.hostname', 'net/../kernel/hostname', 'net', 'net..ipv4', '']) {
      expect(() => readSysctl(a, key)).toThrow(TypeError);
    }
  });
});
