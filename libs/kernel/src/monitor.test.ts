import { closeSync, openSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { addAddress, deleteAddress } from './address.ts';
import { createBridge, deleteLink, setLink } from './link.ts';
import { findLink } from './link-state.ts';
import { createMonitor, type Monitor } from './monitor.ts';
import type { KernelEvent } from './monitor-events.ts';
import { deleteNamespace } from './named-namespace.ts';
import { inNamespace } from './namespace.ts';
import { openFds, useNamespaces } from './namespaces.fixture.ts';
import { isOwnPort, withNetlink } from './netlink.ts';
import { runNft } from './nft.ts';
import { assignNsid, findNsid } from './nsid.ts';
import { addRoute, deleteRoute } from './route.ts';
import { clearWake, closeWakeFd, createWakeFd, waitFor } from './wait.ts';

const namespaces = useNamespaces();
const monitors: Monitor[] = [];
afterEach(() => {
  for (const monitor of monitors.splice(0)) monitor.close();
});

const listenIn = (path: string, options?: { receiveBytes: number }): Monitor => {
  const monitor = inNamespace(path, () => createMonitor(options));
  monitors.push(monitor);
  return monitor;
};

const linkIn = (path: string, name: string): number =>
  withNetlink(path, (socket) => {
    socket.request(createBridge({ name, up: true }));
    return findLink(socket, name)?.index ?? expect.fail('no link');
  });

/** Waits until an event of the wanted kind was heard. */
const hear = (monitor: Monitor, wanted: (event: KernelEvent) => boolean): KernelEvent => {
  for (let turn = 0; turn < 50; turn++) {
    const found = monitor.drain().events.find(wanted);
    if (found !== undefined) return found;
    waitFor(monitor.fds, 100);
  }
  return expect.fail('not heard');
};

describe('the monitor', () => {
  it('hears its own namespace, and who did it', () => {
    const host = namespaces.make();
    const monitor = listenIn(host);
    const index = linkIn(host, 't-br0');
    const made = hear(monitor, (event) => event.source === 'link' && event.link.name === 't-br0');
    expect(made).toMatchObject({ change: 'new', nsid: undefined, link: { index, kind: 'bridge' } });
    inNamespace(host, () => withNetlink(undefined, (socket) => socket.request(deleteLink(index))));
    expect(hear(monitor, (event) => event.source === 'link' && event.change === 'del')).toMatchObject({
      link: { name: 't-br0' },
    });
    expect([isOwnPort(0), isOwnPort(process.pid), isOwnPort(0xfffff000)]).toEqual([false, false, false]);
  });

  it('hears other namespaces only once they have an id', () => {
    const [host, other] = [namespaces.make(), namespaces.make()];
    const monitor = listenIn(host);
    linkIn(other, 't-before');
    expect(withNetlink(host, (socket) => findNsid(socket, other))).toBeUndefined();
    const nsid = withNetlink(host, (socket) => assignNsid(socket, other));
    expect(withNetlink(host, (socket) => [findNsid(socket, other), assignNsid(socket, other)])).toEqual([nsid, nsid]);
    const index = linkIn(other, 't-after');
    const events = monitor.drain().events;
    expect(events.some((event) => event.source === 'link' && event.link.name === 't-before')).toBe(false);
    expect(events.find((event) => event.source === 'link')).toMatchObject({ nsid, link: { name: 't-after', index } });
    expect(events).toContainEqual(expect.objectContaining({ source: 'namespace', change: 'new', id: nsid }));
  });

  it('hears in another namespace: a link deleted, set down, an address and a route deleted, an nft table flushed', () => {
    const [host, other] = [namespaces.make(), namespaces.make()];
    const monitor = listenIn(host);
    const nsid = withNetlink(host, (socket) => assignNsid(socket, other));
    const link = linkIn(other, 't-br0');
    const address = { link, address: '10.1.0.1/24' };
    const route = { destination: '0.0.0.0/0', via: '10.1.0.254', link };
    withNetlink(other, (socket) => socket.batch([addAddress(address), addRoute(route)]));
    runNft(other, 'table inet weft { set x { type ifname; }; }');
    runNft(other, 'add element inet weft x { "a" }');
    monitor.drain();
    withNetlink(other, (socket) => socket.request(deleteRoute(route)));
    expect(hear(monitor, ({ source }) => source === 'route')).toMatchObject({
      change: 'del',
      nsid,
      route: { destination: '0.0.0.0/0', via: '10.1.0.254' },
    });
    withNetlink(other, (socket) => socket.request(deleteAddress(address)));
    expect(hear(monitor, ({ source }) => source === 'address')).toMatchObject({
      change: 'del',
      nsid,
      address: { address: '10.1.0.1/24', link },
    });
    withNetlink(other, (socket) => socket.request(setLink(link, { up: false })));
    expect(hear(monitor, ({ source }) => source === 'link')).toMatchObject({
      change: 'new',
      nsid,
      link: { up: false },
    });
    withNetlink(other, (socket) => socket.request(deleteLink(link)));
    expect(hear(monitor, ({ source, change }) => source === 'link' && change === 'del')).toMatchObject({
      nsid,
      link: { index: link },
    });
    runNft(other, 'flush ruleset');
    const events = monitor.drain().events;
    expect(events).toContainEqual(
      expect.objectContaining({ source: 'nft', change: 'del', nsid, object: 'table', table: 'weft' }),
    );
    expect(events).toContainEqual(expect.objectContaining({ source: 'generation', nsid, pid: process.pid }));
  });

  it('hears that a namespace died', () => {
    const [host, other] = [namespaces.make(), namespaces.make()];
    const monitor = listenIn(host);
    const nsid = withNetlink(host, (socket) => assignNsid(socket, other));
    deleteNamespace(other);
    expect(hear(monitor, ({ source, change }) => source === 'namespace' && change === 'del')).toMatchObject({
      id: nsid,
    });
  });

  it('says when it lost something, and goes on', () => {
    const host = namespaces.make();
    const monitor = listenIn(host, { receiveBytes: 4096 });
    withNetlink(host, (socket) => {
      const lo = findLink(socket, 'lo')?.index ?? 0;
      for (let at = 1; at < 60; at++) socket.request(addAddress({ link: lo, address: `10.0.0.${at}/32` }));
    });
    expect(monitor.drain().overflow).toBe(true);
    withNetlink(host, (socket) => socket.request(addAddress({ link: 1, address: '10.0.1.1/32' })));
    const { overflow, events } = monitor.drain();
    expect(overflow).toBe(false);
    expect(events.filter(({ port }) => isOwnPort(port)).map(({ source }) => source)).toContain('address');
  });

  it('closes all that it opened', () => {
    const host = namespaces.make();
    const before = openFds();
    inNamespace(host, () => createMonitor()).close();
    expect(openFds()).toBe(before);
  });
});

describe('waiting', () => {
  it('ends when another thread wakes it, when a monitor has something, or when time is over', async () => {
    const fd = createWakeFd();
    try {
      expect(waitFor([fd], 0)).toEqual([]);
      const worker = new Worker(
        'const { workerData } = require("worker_threads"); const b = Buffer.alloc(8); b[0] = 1; require("fs").writeSync(workerData, b)',
        { eval: true, workerData: fd },
      );
      await new Promise((resolve) => worker.once('online', resolve));
      expect(waitFor([fd], 5000)).toEqual([fd]);
      clearWake(fd);
      clearWake(fd);
      expect(waitFor([fd], 0)).toEqual([]);
      const host = namespaces.make();
      const monitor = listenIn(host);
      linkIn(host, 't-br0');
      expect(waitFor([fd, ...monitor.fds], 5000)).toEqual([monitor.fds[0]]);
      const mounts = openSync('/proc/thread-self/mountinfo', 'r');
      namespaces.make();
      expect(waitFor([fd], 5000, [mounts])).toEqual([mounts]);
      closeSync(mounts);
      const start = performance.now();
      expect(waitFor([fd], 20)).toEqual([]);
      expect(performance.now() - start).toBeGreaterThanOrEqual(19);
      await worker.terminate();
    } finally {
      closeWakeFd(fd);
    }
  });
});
