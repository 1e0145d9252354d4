// Ports of the host that lead to services: from another machine and from the host, evenly, with the client's own address.

import { listTableText, runNft } from '@weft/kernel';
import type { ServicePort } from '@weft/proto/agent';
import { Reason } from '@weft/proto/fault';
import { Balance, Protocol } from '@weft/proto/model';
import { expect, it } from 'vitest';
import { checkServices } from '../invariants/services.ts';
import { createHost, type Host, portObject } from './agent-host.ts';
import {
  ask,
  backend,
  connectMany,
  dualNetwork,
  outside,
  run,
  sandboxId,
  serve,
  serviceObject,
  startScript,
  talk,
  tally,
} from './service-host.ts';

const port = (hostPort: number, targetPort: number, more: Partial<ServicePort> = {}): ServicePort => ({
  ...{ protocol: Protocol.TCP, hostIp: '0.0.0.0', hostPort, targetPort, ...more },
});
const both = (hostPort: number, targetPort: number, more: Partial<ServicePort> = {}): ServicePort[] => [
  port(hostPort, targetPort, more),
  port(hostPort, targetPort, { ...more, hostIp: '::' }),
];
/** What holds it. */
const held = ({ protocol, hostIp, hostPort }: ServicePort) =>
  portObject({ protocol, hostIp, hostPort, targetIp: '', targetPort: 0 });

const build = async (backends: number): Promise<{ host: Host; client: string }> => {
  const host = await createHost();
  await host.apply(dualNetwork(backends));
  for (let at = 0; at < backends; at++) await serve(host, at);
  return { host, client: outside(host) };
};
const drifts = (host: Host) =>
  host.reports.flatMap((report) => report.drifts).filter(({ what }) => !what.startsWith('switched'));
const table = (host: Host) => listTableText(host.namespace, 'inet', 'weft-services');

it('lead to the backends by turns, from outside and from the host, who see the client’s address', async () => {
  const { host, client } = await build(3);
  const ports = [...both(8080, 80), ...both(5353, 53, { protocol: Protocol.UDP })];
  await host.apply([...ports.map(held), serviceObject([0, 1, 2], { ports })]);
  for (const [from, to] of [
    [client, '10.9.0.1'],
    [client, 'fd00:9::1'],
    [host.namespace, '10.9.0.1'],
    [host.namespace, '127.0.0.1'],
  ] as const) {
    const counts = Object.values(tally(await connectMany(from, to, 300, { port: 8080 })));
    expect(counts, `${from} to ${to}`).toEqual([100, 100, 100]);
  }
  // The end of a server's answer is whom it saw.
  const seen = run(client, 'bash', '-c', 'cat < /dev/tcp/10.9.0.1/8080').stdout;
  expect(seen.split(' ')[1]).toBe('10.9.0.2');
  // A sandbox of the service's own network, by way of the host.
  expect(await ask(host.sandbox(sandboxId(0)), '10.9.0.1', 8080)).toMatch(/^[012]$/);
  const say = await talk(client, '10.9.0.1', 'udp', 5353);
  const word = await say();
  expect(word).toMatch(/^[012]$/);
  // Its backend leaves: what has no connection goes elsewhere at once.
  const rest = [0, 1, 2].filter((at) => at !== Number(word));
  await host.apply([serviceObject(rest, { ports })]);
  expect(rest).toContain(Number(await say()));
  expect((await host.writer.look()).drifts).toEqual([]);
  await host.apply([], [...ports.map((one) => held(one).key), serviceObject([]).key]);
  expect(table(host)).toBeUndefined();
  expect(await ask(client, '10.9.0.1', 8080)).toBe('ECONNREFUSED');
});

it('refuse at once where nobody serves, and lead nowhere that is not held', async () => {
  const { host, client } = await build(2);
  const ports = [...both(8080, 80), ...both(5353, 53, { protocol: Protocol.UDP })];
  await host.apply([...ports.map(held), serviceObject([], { ports })]);
  for (const [from, to] of [
    [client, '10.9.0.1'],
    [client, 'fd00:9::1'],
    [host.namespace, '10.9.0.1'],
  ] as const) {
    expect(await ask(from, to, 8080)).toBe('ECONNREFUSED');
    expect(await (await talk(from, to, 'udp', 5353))()).toBe('ECONNREFUSED');
  }
  // Somebody has the second port: the service has the first alone, until it is free.
  const server = await startScript(
    host.namespace,
    `require('node:net').createServer((socket) => socket.end('theirs')).listen(9090, '0.0.0.0', () => console.log('ready'))`,
  );
  const more = port(9090, 80);
  const outcomes = await host.writer.apply({
    put: [held(more), serviceObject([0, 1], { ports: [...ports, more] })],
    delete: [],
  });
  expect(outcomes.map(({ fault }) => fault?.reason)).toEqual([Reason.PORT_IN_USE, undefined]);
  expect(await ask(client, '10.9.0.1', 8080)).toMatch(/^[01]$/);
  expect(await ask(client, '10.9.0.1', 9090)).toBe('theirs');
  server.kill('SIGKILL');
  await host.until(() => host.reports.some(({ recovered }) => recovered.includes(held(more).key)));
  expect(await ask(client, '10.9.0.1', 9090)).toMatch(/^[01]$/);
});

it('keep clients that stick, spread others by address and weight, and drain', async () => {
  const { host, client } = await build(3);
  const ports = [...both(8080, 80), port(8081, 81, { hostIp: '10.9.0.1' })];
  const web = (draining: readonly number[], more = {}) =>
    serviceObject(
      [0, 1, 2].map((at) => backend(at, { weight: at + 1, draining: draining.includes(at) })),
      { ports, ...more },
    );
  await host.apply([...ports.map(held), web([], { stickySeconds: 60 })]);
  for (const to of ['10.9.0.1', 'fd00:9::1']) {
    const [only, ...others] = Object.keys(tally(await connectMany(client, to, 50, { port: 8080 })));
    expect(others).toEqual([]);
    await host.apply([web([Number(only)], { stickySeconds: 60 })]);
    const [next, ...more] = Object.keys(tally(await connectMany(client, to, 50, { port: 8080 })));
    expect(more).toEqual([]);
    expect(next).not.toBe(only);
  }
  await host.apply([web([])]);
  const say = await talk(client, '10.9.0.1', 'tcp', 8081);
  const word = await say();
  await host.apply([web([Number(word)])]);
  expect(tally(await connectMany(client, '10.9.0.1', 100, { port: 8080 }))[word]).toBeUndefined();
  expect(await say()).toBe(word);
  await host.apply([web([], { balance: Balance.SOURCE })]);
  expect(Object.keys(tally(await connectMany(client, '10.9.0.1', 50, { port: 8080 })))).toHaveLength(1);
  await host.apply([web([], { balance: Balance.WEIGHTED })]);
  const counts = tally(await connectMany(client, '10.9.0.1', 1200, { port: 8080 }));
  // 200, 400, 600 are due; chi square that one fair run in a million exceeds, for two degrees of freedom.
  const chi = [200, 400, 600].reduce((sum, due, at) => sum + ((counts[at] ?? 0) - due) ** 2 / due, 0);
  expect(chi, JSON.stringify(counts)).toBeLessThan(27.63);
});

it('are seen by the invariants: what leads nowhere, elsewhere, or is asked for by nothing', async () => {
  const { host } = await build(2);
  const ports = [...both(8080, 80), port(8081, 81, { hostIp: '10.9.0.1' })];
  const objects = [...dualNetwork(2), ...ports.map(held), serviceObject([0, 1], { ports, stickySeconds: 5 })];
  await host.apply(objects);
  const sandboxes = new Map([0, 1].map((at) => [sandboxId(at), host.sandbox(sandboxId(at))]));
  const check = (wanted = objects) => checkServices(wanted, host.namespace, sandboxes, () => true);
  expect(check()).toEqual({ count: 7, missing: [], differing: [], unasked: [] });
  await host.writer.close();
  runNft(host.namespace, 'delete element inet weft-services ports4_any { 6 . 8080 }');
  expect(check().missing).toHaveLength(1);
  const other = serviceObject([1], { ports, stickySeconds: 5 });
  expect(check([...objects.slice(0, -1), other]).differing).toHaveLength(12);
  expect(check(objects.slice(0, -1)).unasked).toHaveLength(6);
});

it('come back when others flush them, and stay as they are when the agent starts again', async () => {
  const { host: first, client } = await build(2);
  const ports = both(8080, 80);
  const objects = [...dualNetwork(2), ...ports.map(held), serviceObject([0, 1], { ports })];
  await first.apply(objects);
  await ask(client, '10.9.0.1', 8080);
  runNft(first.namespace, 'delete table inet weft-services');
  await first.until(() => drifts(first).some(({ key }) => key === 'table inet weft-services'));
  expect(await ask(client, '10.9.0.1', 8080)).toMatch(/^[01]$/);
  await first.writer.close();
  const before = table(first);
  expect(await ask(client, '10.9.0.1', 8080)).toMatch(/^[01]$/);
  const host = await first.restart();
  await host.writer.apply({ put: objects, delete: [], reset: true, synced: true });
  expect(table(host)).toBe(before);
  expect(drifts(host)).toEqual([]);
  // What an agent before left goes when nothing asks for it.
  await host.writer.close();
  const last = await host.restart();
  await last.writer.apply({ put: dualNetwork(2), delete: [], reset: true, synced: true });
  expect(table(last)).toBeUndefined();
});
