// Services in sandboxes, against a real kernel: who gets connections, how evenly, and what stays when things change.
import { once } from 'node:events';
import { hostObject } from '@weft/hoststate';
import { listTableText, runNft } from '@weft/kernel';
import type { ServiceObject } from '@weft/proto/agent';
import { Reason } from '@weft/proto/fault';
import { Balance, Protocol } from '@weft/proto/model';
import { describe, expect, it } from 'vitest';
import { createHost, type Host, idOf, resolverObject } from './agent-host.ts';
import {
  address,
  ask,
  backend,
  connectMany,
  dualNetwork,
  net,
  run,
  sandboxId,
  serve,
  serviceObject,
  start,
  talk,
  tally,
  VIP,
  VIP6,
} from './service-host.ts';

const CONNECTIONS = 10_000;
/** Chi square that one fair run in a million exceeds, by degrees of freedom: a run has several. A share wrong by 3 % is far beyond. */
const CHI_SQUARE: Readonly<Record<number, number>> = { 1: 23.93, 2: 27.63, 3: 30.66, 4: 33.38 };

/** Fails where the counts are no likely outcome of the shares. */
const expectShares = (words: readonly string[], shares: readonly number[]): void => {
  const counts = tally(words);
  const sum = shares.reduce((a, b) => a + b);
  expect(Object.keys(counts).sort()).toEqual(shares.map((_, at) => `${at}`));
  const chi = shares.reduce((total, share, at) => {
    const due = (words.length * share) / sum;
    return total + ((counts[at] ?? 0) - due) ** 2 / due;
  }, 0);
  expect(chi, JSON.stringify(counts)).toBeLessThan(CHI_SQUARE[shares.length - 1] ?? 0);
};

/** The last sandbox is a client. */
const build = async (backends: number): Promise<{ host: Host; client: string }> => {
  const host = await createHost();
  await host.apply(dualNetwork(backends + 1));
  for (let at = 0; at < backends; at++) await serve(host, at);
  return { host, client: host.sandbox(sandboxId(backends)) };
};
const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
const drifts = (host: Host) =>
  host.reports.flatMap((report) => report.drifts).filter(({ what }) => !what.startsWith('switched'));

describe('10,000 connections over 3, then 5, then 4 backends', () => {
  it('in turn: each gets its share within 3 %, in both families', async () => {
    const { host, client } = await build(5);
    for (const count of [3, 5, 4]) {
      await host.apply([serviceObject(range(count))]);
      for (const [to, connections] of [
        [VIP, CONNECTIONS],
        [VIP6, CONNECTIONS / 10],
      ] as const) {
        const counts = Object.values(tally(await connectMany(client, to, connections)));
        expect(counts).toHaveLength(count);
        for (const one of counts)
          expect(Math.abs(one - connections / count)).toBeLessThan((0.03 * connections) / count);
      }
    }
    expect((await host.writer.look()).drifts).toEqual([]);
  }, 120_000);

  it('by chance, and by weight', async () => {
    const { host, client } = await build(5);
    for (const count of [3, 5, 4]) {
      await host.apply([serviceObject(range(count), { balance: Balance.RANDOM })]);
      expectShares(
        await connectMany(client, VIP, CONNECTIONS),
        range(count).map(() => 1),
      );
      const weights = range(count).map((at) => at + 1);
      const weighted = weights.map((weight, at) => backend(at, { weight }));
      await host.apply([serviceObject(weighted, { balance: Balance.WEIGHTED })]);
      expectShares(await connectMany(client, VIP, CONNECTIONS), weights);
    }
  }, 120_000);

  it('by the client’s address: even over many clients, and one client has one backend', async () => {
    const { host, client } = await build(5);
    // 10,000 addresses that are the client's; behind it, so that they take no neighbour entries.
    run(client, 'ip', 'route', 'add', 'local', '10.200.0.0/16', 'dev', 'lo');
    for (const at of range(5))
      run(host.sandbox(sandboxId(at)), 'ip', 'route', 'add', '10.200.0.0/16', 'via', address(5));
    const from = Array.from({ length: CONNECTIONS }, (_, at) => `10.200.${at >> 8}.${at & 255}`);
    let before: string[] = [];
    for (const count of [3, 5, 4]) {
      await host.apply([serviceObject(range(count), { balance: Balance.SOURCE })]);
      const words = await connectMany(client, VIP, CONNECTIONS, { from });
      expectShares(
        words,
        range(count).map(() => 1),
      );
      if (count === 5) expect((await connectMany(client, VIP, 500, { from })).join()).toBe(words.slice(0, 500).join());
      // From five to four: the clients of the fifth move, and hardly anybody else.
      if (count === 4) {
        const moved = words.filter((word, at) => before[at] !== '4' && before[at] !== word).length;
        expect(moved).toBeLessThan(0.1 * CONNECTIONS);
      }
      before = words;
    }
  }, 120_000);
});

describe('a service in a sandbox', () => {
  it('begins its rounds elsewhere in each sandbox, and counts on when another service changes', async () => {
    const { host, client } = await build(3);
    const other = serviceObject([0, 1, 2], { serviceId: idOf('db'), name: 'db', addresses: ['10.1.9.10'] });
    await host.apply([serviceObject([0, 1, 2]), other]);
    expect(
      new Set(await Promise.all(range(4).map((at) => ask(host.sandbox(sandboxId(at)), VIP)))).size,
    ).toBeGreaterThan(1);
    const first = Number(await ask(client, VIP));
    await host.apply([], [other.key]);
    await host.apply([other]);
    expect(Number(await ask(client, VIP))).toBe((first + 1) % 3);
    expect((await host.writer.look()).drifts).toEqual([]);
  });

  it('refuses at once where nobody serves: TCP, UDP and a ping; and one family alone', async () => {
    const { host, client } = await build(2);
    await host.apply([serviceObject([])]);
    for (const to of [VIP, VIP6]) {
      expect(await ask(client, to)).toBe('ECONNREFUSED');
      expect(await (await talk(client, to, 'udp'))()).toBe('ECONNREFUSED');
    }
    expect(run(client, 'ping', '-c1', '-W5', VIP).stdout).toContain('Port Unreachable');
    await host.apply([serviceObject([backend(0, { addresses: [address(0)] })])]);
    expect(await ask(client, VIP)).toBe('0');
    expect(await ask(client, VIP6)).toBe('ECONNREFUSED');
    // A backend asks for its own service.
    expect(await ask(host.sandbox(sandboxId(0)), VIP)).toBe('0');
    expect(run(client, 'ping', '-c1', '-W5', VIP).status).toBe(0);
    await host.apply([serviceObject([1])]);
    expect(run(client, 'ping', '-c1', '-W5', VIP6).status).toBe(0);
  });

  it('keeps clients that stick, and lets them choose anew when their backend drains', async () => {
    const { host, client } = await build(3);
    const stick = (at: readonly number[], draining: readonly number[] = []) =>
      serviceObject(
        at.map((one) => backend(one, { draining: draining.includes(one) })),
        { stickySeconds: 60 },
      );
    await host.apply([stick([0, 1, 2])]);
    for (const to of [VIP, VIP6]) {
      const [only, ...others] = Object.keys(tally(await connectMany(client, to, 50)));
      expect(others).toEqual([]);
      await host.apply([stick([0, 1, 2])]);
      expect(Object.keys(tally(await connectMany(client, to, 10)))).toEqual([only]);
      await host.apply([stick([0, 1, 2], [Number(only)])]);
      const [next, ...more] = Object.keys(tally(await connectMany(client, to, 50)));
      expect(more).toEqual([]);
      expect(next).not.toBe(only);
      await host.apply([stick([0, 1, 2])]);
      expect(Object.keys(tally(await connectMany(client, to, 50)))).toEqual([next]);
    }
    expect((await host.writer.look()).drifts).toEqual([]);
    await host.apply([serviceObject([0, 1, 2])]);
    expect(Object.keys(tally(await connectMany(client, VIP, 30)))).toHaveLength(3);
  });

  it('gives a backend that drains nothing new and takes nothing from it', async () => {
    const { host, client } = await build(2);
    await host.apply([serviceObject([0])]);
    const [say, say6] = [await talk(client, VIP, 'tcp'), await talk(client, VIP6, 'tcp')];
    const shout = await talk(client, VIP, 'udp');
    expect([await say(), await say6(), await shout()]).toEqual(['0', '0', '0']);
    await host.apply([serviceObject([backend(0, { draining: true }), 1])]);
    expect(tally(await connectMany(client, VIP, 200))).toEqual({ 1: 200 });
    expect([await say(), await say6(), await shout()]).toEqual(['0', '0', '0']);
    // When it has left, what has no connection goes elsewhere at once, and what has one ends by itself.
    await host.apply([serviceObject([1])]);
    expect([await say(), await say6(), await shout()]).toEqual(['0', '0', '1']);
    await host.apply([], [serviceObject([1]).key]);
    expect([await say(), await say6()]).toEqual(['0', '0']);
    expect(listTableText(client, 'inet', 'weft')).not.toContain('service_');
  });

  it('stays through a flush by others, a restart of the agent, and changes of who is on the network', async () => {
    const { host: first, client } = await build(2);
    const objects = [...dualNetwork(3), serviceObject([0, 1])];
    await first.apply(objects);
    const say = await talk(client, VIP, 'tcp');
    const word = await say();
    runNft(client, 'flush chain inet weft service_776562000000');
    await first.until(() => drifts(first).some(({ what }) => what.includes('service/')));
    expect(Object.keys(tally(await connectMany(client, VIP, 10)))).toHaveLength(2);
    runNft(client, 'flush ruleset');
    await first.until(() => drifts(first).some(({ what }) => what.includes('its redirect is missing')));
    expect(Object.keys(tally(await connectMany(client, VIP, 10)))).toHaveLength(2);
    await first.writer.close();
    expect(await say()).toBe(word);
    const host = await first.restart();
    const from = run(client, 'nft', 'list', 'ruleset').stdout;
    await host.writer.apply({ put: objects, delete: [], reset: true, synced: true });
    expect(drifts(host)).toEqual([]);
    expect(run(client, 'nft', 'list', 'ruleset').stdout).toBe(from);
    expect(await say()).toBe(word);
    // Leaving the network, and coming to it.
    await host.apply([resolverObject(sandboxId(2), idOf('other'))]);
    expect(run(client, 'nft', 'list', 'ruleset').stdout).not.toContain('service_');
    await host.apply([resolverObject(sandboxId(2), net)]);
    expect(Object.keys(tally(await connectMany(client, VIP, 10)))).toHaveLength(2);
    await host.apply([], [`resolver/${sandboxId(2)}`]);
    expect(run(client, 'nft', 'list', 'tables').stdout).toBe('');
  });

  it('that comes before its sandboxes is there when they come', async () => {
    const host = await createHost();
    await host.apply([serviceObject([0, 1])]);
    await host.apply(dualNetwork(3));
    await serve(host, 0);
    await serve(host, 1);
    expect(Object.keys(tally(await connectMany(host.sandbox(sandboxId(2)), VIP, 10)))).toHaveLength(2);
    // Nothing of it is on the host without ports.
    expect(listTableText(host.namespace, 'inet', 'weft-services')).toBeUndefined();
  });

  it('is refused where it does not make sense, with the field, and leaves nothing behind', async () => {
    const host = await createHost();
    await host.apply([...dualNetwork(2), serviceObject([0])]);
    const before = run(host.sandbox(sandboxId(1)), 'nft', 'list', 'ruleset').stdout;
    const twin = { serviceId: idOf('wef'), addresses: ['10.1.9.8'] };
    const cases: readonly [Partial<ServiceObject>, string][] = [
      [{ serviceId: 'x; flush ruleset' }, 'service_id: "x; flush ruleset" is not 64 hexadecimal digits'],
      [{ ...twin, addresses: ['10.1.9'] }, 'addresses: "10.1.9" is not an IP address'],
      [{ ...twin, addresses: ['10.1.9.8', '10.1.9.7'] }, 'addresses: 10.1.9.8 and 10.1.9.7 are of one family'],
      [{ ...twin, backends: [backend(0, { weight: -1 })] }, 'backends[0].weight: -1 is not a whole number from 0'],
      [{ ...twin, backends: [backend(0), backend(0)] }, 'backends: 10.1.0.2 stands there twice'],
      [{ ...twin, backends: [backend(0, { addresses: ['10.1.9.8'] })] }, 'is the address of the service itself'],
      [{ ...twin, balance: 77 as Balance }, 'balance: '],
      [{ ...twin, stickySeconds: 4e9 }, 'sticky_seconds: 4000000000 is not'],
      [
        { ...twin, ports: [{ protocol: 9 as Protocol, hostIp: '0.0.0.0', hostPort: 80, targetPort: 80 }] },
        'ports[0].protocol: 9',
      ],
      [
        { ...twin, ports: [{ protocol: Protocol.TCP, hostIp: '0.0.0.0', hostPort: 0, targetPort: 80 }] },
        'ports[0].host_port: 0',
      ],
      [{ serviceId: idOf('xyz'), addresses: [VIP] }, `addresses: ${VIP} is that of service "web"`],
    ];
    for (const [more, words] of cases) {
      const object = serviceObject([0], more);
      const [outcome] = await host.writer.apply({ put: [object], delete: [] });
      expect(outcome?.fault?.reason, words).toBe(Reason.OBJECT_REFUSED);
      expect(outcome?.fault?.message).toContain(words);
      await host.writer.apply({ put: [], delete: [object.key] });
    }
    expect(run(host.sandbox(sandboxId(1)), 'nft', 'list', 'ruleset').stdout).toBe(before);
    expect((await host.writer.look()).drifts).toEqual([]);
  });

  it('leaves out a backend whose process is killed, without a word from anybody', async () => {
    const { host, client } = await build(1);
    const holder = start(host.namespace, 'unshare', ['-n', 'sh', '-c', 'echo ready; exec sleep 1000']);
    await once(holder.stdout ?? expect.fail(), 'data');
    const adopted = idOf('adopted');
    await host.apply([
      hostObject({
        $case: 'sandbox',
        value: { sandboxId: adopted, namespace: { $case: 'pid', value: holder.pid ?? 0 } },
      }),
      resolverObject(adopted, net),
      serviceObject([0, backend(7, { sandboxId: adopted })]),
    ]);
    expect(run(client, 'nft', 'list', 'ruleset').stdout).toContain(address(7));
    holder.kill('SIGKILL');
    const from = performance.now();
    await host.until(() => !run(client, 'nft', 'list', 'ruleset').stdout.includes(address(7)));
    console.log(`a killed backend was left out after ${(performance.now() - from).toFixed(0)} ms`);
    expect(tally(await connectMany(client, VIP, 100))).toEqual({ 0: 100 });
    expect(host.reports.flatMap(({ sandboxes }) => sandboxes).at(-1)).toMatchObject({ sandboxId: adopted, lost: true });
  });
});
