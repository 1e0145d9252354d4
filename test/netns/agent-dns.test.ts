// Names in sandboxes, by the agent's own sockets: asked with dig, a program nobody here wrote.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import { createHostWriter } from '@weft/agent';
import { type HostObject, hostObject } from '@weft/hoststate';
import {
  addAddress,
  addRoute,
  createNamespace,
  createVeth,
  deleteNamespace,
  findLink,
  inNamespace,
  listTableText,
  namespaceIdentity,
  runNft,
  setLink,
  withNamespaceFd,
  withNetlink,
} from '@weft/kernel';
import { createLog } from '@weft/process';
import { Reason } from '@weft/proto/fault';
import { describe, expect, it, vi } from 'vitest';
import {
  createHost,
  type Host,
  idOf,
  namesObject,
  networkObjects,
  onCleanup,
  resolverObject,
  zoneObject,
} from './agent-host.ts';

// Each question is a process of its own: on a busy machine they take a while.
vi.setConfig({ testTimeout: 120_000 });

const net = idOf('net');
const [a, b] = [idOf('s0'), idOf('s1')];
const names = [
  zoneObject(net, 'mynet'),
  namesObject(net, 'web', ['10.1.0.2']),
  namesObject(net, 'db', ['10.1.0.3', 'fd00::3']),
];
const resolvers = [resolverObject(a, net), resolverObject(b, net)];

const inside = (namespace: string, command: string, args: readonly string[]) =>
  inNamespace(namespace, () => spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 }));
/** What dig prints; `+short` unless other options are given. */
const dig = (namespace: string, ...args: string[]): string =>
  inside(namespace, 'dig', ['@127.0.0.11', '+tries=1', '+time=2', '+nocookie', ...args]).stdout;
const short = (namespace: string, ...args: string[]): string[] =>
  dig(namespace, '+short', ...args)
    .split('\n')
    .filter((line) => line !== '')
    .sort();
const statusOf = (namespace: string, ...args: string[]): string | undefined =>
  /status: (\w+)/.exec(dig(namespace, ...args))?.[1];

/** Sockets that this process has open, wherever. */
const openSockets = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;

/** Runs a script in a namespace until the test ends; resolves when it says so. */
const start = async (namespace: string, script: string) => {
  const child = inNamespace(namespace, () =>
    spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  onCleanup(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  await once(child.stdout, 'data');
  return child;
};

/** A server of the world, 10.9.0.2 beside the host's 10.9.0.1: all names are 192.0.2.1, those with `big` come whole over TCP only. */
const world = async (host: Host): Promise<void> => {
  const path = host.directory('world');
  createNamespace(path);
  onCleanup(() => void deleteNamespace(path));
  withNetlink(host.namespace, (socket) => {
    withNamespaceFd(path, (namespaceFd) =>
      socket.request(createVeth({ name: 'up0', peer: { name: 'eth0', namespaceFd } })),
    );
    socket.request(addAddress({ link: findLink(socket, 'up0')?.index ?? 0, address: '10.9.0.1/24' }));
    socket.request(setLink('up0', { up: true }));
  });
  withNetlink(path, (socket) => {
    socket.request(addAddress({ link: findLink(socket, 'eth0')?.index ?? 0, address: '10.9.0.2/24' }));
    socket.request(setLink('eth0', { up: true }));
  });
  await start(
    path,
    `const answer = (query, isTcp) => {
      let end = 12;
      while (query[end] !== 0) end += 1 + query[end];
      end += 5;
      const isBig = !isTcp && query.subarray(12, end).toString('latin1').toLowerCase().includes('big');
      const head = Buffer.from(query.subarray(0, end));
      head.writeUInt16BE(isBig ? 0x8380 : 0x8180, 2);
      head.writeUInt16BE(isBig ? 0 : 1, 6);
      head.writeUInt16BE(0, 8);
      head.writeUInt16BE(0, 10);
      const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
      return isBig ? head : Buffer.concat([head, record]);
    };
    const udp = require('node:dgram').createSocket('udp4');
    udp.on('message', (query, { port, address }) => udp.send(answer(query, false), port, address));
    require('node:net').createServer((socket) => socket.on('data', (bytes) => {
      const said = answer(bytes.subarray(2), true);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(said.length);
      socket.write(Buffer.concat([length, said]));
    }).on('error', () => {})).listen(53, () => udp.bind(53, () => console.log('ready')));`,
  );
};

describe('a sandbox’s resolver', () => {
  it('answers names over UDP and TCP, says no for the rest of its zone, and follows changes', async () => {
    const host = await createHost();
    await host.apply([...networkObjects('br-w', 2), ...names, ...resolvers]);
    const [one, two] = [host.sandbox(a), host.sandbox(b)];
    expect(short(one, 'web')).toEqual(['10.1.0.2']);
    expect(short(two, 'DB.mynet')).toEqual(['10.1.0.3']);
    expect(short(one, 'db', 'AAAA')).toEqual(['fd00::3']);
    expect(short(one, '+tcp', 'web')).toEqual(['10.1.0.2']);
    expect(short(one, '-x', '10.1.0.3')).toEqual(['db.mynet.']);
    expect(statusOf(one, 'nobody.mynet')).toBe('NXDOMAIN');
    expect(statusOf(one, 'example.com')).toBe('SERVFAIL');
    await host.apply([namesObject(net, 'web', ['10.1.0.9'])], [namesObject(net, 'db', []).key]);
    expect(short(one, 'web')).toEqual(['10.1.0.9']);
    expect(statusOf(one, 'db.mynet')).toBe('NXDOMAIN');
    // What was on the network before its zone went and came again is still there.
    await host.apply([], [zoneObject(net, 'mynet').key]);
    await host.apply([zoneObject(net, 'other')]);
    expect(short(one, 'web.other')).toEqual(['10.1.0.9']);
    expect((await host.writer.look()).drifts).toEqual([]);
    // An agent that starts again has what it remembers, whether there is a controller or not.
    const again = await host.restart();
    expect(statusOf(one, 'web.other')).toBeUndefined();
    const remembered = [...networkObjects('br-w', 2), zoneObject(net, 'other'), namesObject(net, 'web', ['10.1.0.9'])];
    const outcomes = await again.writer.apply({ put: [...remembered, ...resolvers], delete: [], reset: true });
    expect(outcomes.filter(({ fault }) => fault !== undefined)).toEqual([]);
    expect(short(one, 'web.other')).toEqual(['10.1.0.9']);
    // What a reset does not say again goes.
    await again.writer.apply({
      put: [...remembered, resolvers[0] as HostObject],
      delete: [],
      reset: true,
      synced: true,
    });
    expect(short(one, 'web')).toEqual(['10.1.0.9']);
    expect(statusOf(two, 'web')).toBeUndefined();
    expect(again.reports.flatMap(({ failed, drifts }) => [...failed, ...drifts])).toEqual([]);
  });

  it('answers records of every type with their own names', async () => {
    const host = await createHost();
    const records = [
      { name: 'mail', type: 'A', data: '10.1.0.7', ttlSeconds: 60 },
      { name: 'www', type: 'CNAME', data: 'web.mynet', ttlSeconds: 0 },
      { name: 'about', type: 'TXT', data: '"one two" "three"', ttlSeconds: 0 },
      { name: '_sip._tcp', type: 'SRV', data: '10 20 5060 web.mynet', ttlSeconds: 0 },
      { name: '*.apps', type: 'A', data: '10.1.0.8', ttlSeconds: 0 },
    ];
    const service = namesObject(net, 'web', ['10.1.0.2'], { records });
    await host.apply([...networkObjects('br-w', 1), zoneObject(net, 'mynet'), service, resolverObject(a, net)]);
    const one = host.sandbox(a);
    expect(short(one, 'mail')).toEqual(['10.1.0.7']);
    expect(dig(one, 'mail')).toMatch(/mail\.\s+60\s/);
    expect(short(one, 'www.mynet')).toEqual(['10.1.0.2', 'web.mynet.']);
    expect(short(one, 'about', 'TXT')).toEqual(['"one two" "three"']);
    expect(short(one, '_sip._tcp.mynet', 'SRV')).toEqual(['10 20 5060 web.mynet.']);
    expect(short(one, 'x.apps')).toEqual(['10.1.0.8']);
    await host.apply([namesObject(net, 'web', ['10.1.0.2'])]);
    expect(statusOf(one, 'mail.mynet')).toBe('NXDOMAIN');
  });

  it('leaves port 53 to programs of the sandbox, and its redirect comes back', async () => {
    const host = await createHost();
    await host.apply([...networkObjects('br-w', 1), ...names, resolverObject(a, net)]);
    const one = host.sandbox(a);
    await start(
      one,
      `require('node:net').createServer().listen(53, '0.0.0.0', () =>
        require('node:dgram').createSocket('udp4').bind(53, '0.0.0.0', () => console.log('ready')));`,
    );
    expect(short(one, 'web')).toEqual(['10.1.0.2']);
    const before = listTableText(one, 'inet', 'weft');
    runNft(one, 'flush ruleset');
    await host.until(() => listTableText(one, 'inet', 'weft') === before);
    expect(short(one, 'web')).toEqual(['10.1.0.2']);
    await host.until(() => host.reports.some(({ drifts }) => drifts.some(({ key }) => key === `resolver/${a}`)));
    runNft(one, 'flush chain inet weft resolver');
    await host.until(() => listTableText(one, 'inet', 'weft') === before);
  });

  it('has nothing of its sandbox tracked: questions do not fill a table, nor slow down the rest', async () => {
    const host = await createHost();
    await host.apply([...networkObjects('br-w', 1), ...names, resolverObject(a, net)]);
    const one = host.sandbox(a);
    expect(short(one, 'web')).toEqual(['10.1.0.2']);
    expect(short(one, '+tcp', 'web')).toEqual(['10.1.0.2']);
    expect(inside(one, 'ping', ['-c', '1', '-W', '2', '10.1.0.1']).status).toBe(0);
    // A NAT rule beside it, as a program of the sandbox may have, changes nothing for questions.
    const count = () => inside(one, 'cat', ['/proc/sys/net/netfilter/nf_conntrack_count']).stdout;
    expect(count()).toBe('0\n');
    runNft(one, 'add table ip theirs; add chain ip theirs out { type nat hook output priority -100; }');
    runNft(one, 'add rule ip theirs out ip daddr 192.0.2.9 dnat to 10.1.0.1');
    expect(short(one, 'web')).toEqual(['10.1.0.2']);
    expect(short(one, '+tcp', 'web')).toEqual(['10.1.0.2']);
    expect(count()).toBe('0\n');
    expect(inside(one, 'ping', ['-c', '1', '-W', '2', '10.1.0.1']).status).toBe(0);
    expect(count()).toBe('1\n');
  });

  it('asks servers from the host or from the sandbox, over TCP where it must', async () => {
    const host = await createHost();
    await world(host);
    const servers = ['10.9.0.77', '10.9.0.2'];
    await host.apply([
      ...networkObjects('br-w', 2),
      ...names,
      resolverObject(a, net, { servers }),
      resolverObject(b, net, { servers: ['10.9.0.2'], serversInSandbox: true }),
    ]);
    const [one, two] = [host.sandbox(a), host.sandbox(b)];
    for (const namespace of [one, two]) {
      expect(short(namespace, 'example.com')).toEqual(['192.0.2.1']);
      expect(short(namespace, '+tcp', 'one.example.com')).toEqual(['192.0.2.1']);
      expect(short(namespace, 'big.example.com')).toEqual(['192.0.2.1']);
    }
    expect(statusOf(one, 'nobody.mynet')).toBe('NXDOMAIN');
    await host.apply([resolverObject(a, net, { servers, internal: true })]);
    expect(statusOf(one, 'another.example.com')).toBe('SERVFAIL');
  });

  it('asks a server on a link, by its interface', async () => {
    const host = await createHost();
    await host.apply([...networkObjects('br-w', 2), ...names]);
    const [one, two] = [host.sandbox(a), host.sandbox(b)];
    withNetlink(two, (socket) =>
      socket.request(addAddress({ link: findLink(socket, 'eth0')?.index ?? 0, address: 'fe80::5353/64' })),
    );
    await start(
      two,
      `const udp = require('node:dgram').createSocket('udp6');
      udp.on('message', (query, { port, address }) => {
        const head = Buffer.from(query.subarray(0, 29));
        head.writeUInt16BE(0x8180, 2);
        head.writeUInt16BE(1, 6);
        head.writeUInt16BE(0, 10);
        udp.send(Buffer.concat([head, Buffer.from('c00c000100010000003c0004c0000201', 'hex')]), port, address);
      });
      udp.bind(53, '::', () => console.log('ready'));`,
    );
    await host.apply([resolverObject(a, net, { servers: ['fe80::5353%eth0'], serversInSandbox: true })]);
    await host.until(() => short(one, 'example.com').join() === '192.0.2.1');
    await host.apply([resolverObject(a, net, { servers: ['fe80::5353%none'], serversInSandbox: true })]);
    expect(statusOf(one, 'example.com')).toBe('SERVFAIL');
  });

  it('says what was asked', async () => {
    const host = await createHost();
    await host.apply([...networkObjects('br-w', 1), ...names, resolverObject(a, net)]);
    const one = host.sandbox(a);
    short(one, 'web');
    short(one, 'web', 'TXT');
    short(one, 'nobody.mynet');
    dig(one, 'mynet', 'AXFR');
    short(one, 'example.com');
    await expect
      .poll(() => host.reports.findLast(({ names: counters }) => counters !== undefined)?.names, { timeout: 10_000 })
      .toMatchObject({ queries: 5n, found: 1n, empty: 1n, unknown: 1n, refused: 1n, failed: 1n, forwarded: 0n });
  });

  it('leaves nothing open when its sandbox goes', async () => {
    const host = await createHost();
    await host.apply([...networkObjects('br-w', 1), ...names]);
    const one = host.sandbox(a);
    // One question will be under way, and one connection open.
    const client = await start(
      one,
      `process.stdin.once('data', () => {
        const udp = require('node:dgram').createSocket('udp4');
        udp.send(Buffer.from('000101000001000000000000076578616d706c6503636f6d0000010001', 'hex'), 53, '127.0.0.11');
        require('node:net').connect(53, '127.0.0.11').on('error', () => {});
      });
      console.log('ready');`,
    );
    const before = openSockets();
    const resolver = resolverObject(a, net, { servers: ['10.1.0.77'], serversInSandbox: true });
    await host.apply([resolver]);
    client.stdin.write('go');
    await host.until(() => openSockets() >= before + 4);
    const objects = [...networkObjects('br-w', 1), ...names, resolver];
    await host.apply(
      [],
      objects.map(({ key }) => key),
    );
    // The deletion of its link keeps a socket of the host's for a moment.
    await host.until(() => openSockets() === before);
    expect(host.reports.flatMap(({ failed }) => failed)).toEqual([]);
  });

  it('follows a namespace that is made again, and leaves an adopted one that dies', async () => {
    const host = await createHost();
    const adopted = host.directory('theirs');
    createNamespace(adopted);
    onCleanup(() => void deleteNamespace(adopted));
    const c = idOf('adopted');
    const theirs = hostObject({
      $case: 'sandbox',
      value: { sandboxId: c, namespace: { $case: 'path', value: adopted } },
    });
    await host.apply([...networkObjects('br-w', 1), ...names, resolverObject(a, net), theirs, resolverObject(c, net)]);
    expect(short(adopted, 'web')).toEqual(['10.1.0.2']);
    deleteNamespace(host.sandbox(a));
    await host.until(() => namespaceIdentity(host.sandbox(a)) !== undefined);
    await host.until(() => short(host.sandbox(a), 'web').join() === '10.1.0.2');
    const open = openSockets();
    deleteNamespace(adopted);
    await host.until(() => host.reports.some(({ sandboxes }) => sandboxes.some(({ lost }) => lost)));
    await host.until(() => openSockets() === open - 2);
    rmSync(adopted, { force: true });
  });

  it('asks no more of a client that holds on: many connections, and one that says nothing', async () => {
    const host = await createHost();
    await host.apply([...networkObjects('br-w', 1), ...names, resolverObject(a, net)]);
    const one = host.sandbox(a);
    const before = openSockets();
    await start(
      one,
      `let open = 0;
      for (let at = 0; at < 100; at++) require('node:net').connect(53, '127.0.0.11', () => {
        if (++open === 100) setTimeout(() => console.log('ready'), 200);
      }).on('error', () => {});`,
    );
    // 64 of them, and the two of the program's own standard streams.
    expect(openSockets()).toBeLessThanOrEqual(before + 66);
    expect(short(one, 'web')).toEqual(['10.1.0.2']);
  });

  it('is taken from an adopted sandbox that weft leaves', async () => {
    const host = await createHost();
    const adopted = host.directory('theirs');
    createNamespace(adopted);
    onCleanup(() => void deleteNamespace(adopted));
    const c = idOf('adopted');
    const theirs = hostObject({
      $case: 'sandbox',
      value: { sandboxId: c, namespace: { $case: 'path', value: adopted } },
    });
    const objects = [...names, theirs, resolverObject(c, net)];
    await host.apply(objects);
    expect(listTableText(adopted, 'inet', 'weft')).toContain('127.0.0.11');
    await host.apply(
      [],
      objects.map(({ key }) => key),
    );
    expect(listTableText(adopted, 'inet', 'weft')).toBeUndefined();
  });
});

describe('a gateway', () => {
  const zone = zoneObject(net, 'mynet', { listen: ['10.1.0.1'] });

  it('answers its networks’ names on port 53, and says who has it', async () => {
    const host = await createHost();
    await host.apply([...networkObjects('br-w', 2), zone, namesObject(net, 'web', ['10.1.0.2'])]);
    const ask = (...args: string[]) =>
      inside(host.sandbox(a), 'dig', ['@10.1.0.1', '+short', '+tries=1', '+time=1', 'web.mynet', ...args]).stdout;
    expect([ask(), ask('+tcp')]).toEqual(['10.1.0.2\n', '10.1.0.2\n']);
    await host.apply([zoneObject(net, 'mynet')]);
    const holder = await start(
      host.namespace,
      `require('node:dgram').createSocket('udp4').bind(53, '10.1.0.1', () => console.log('ready'));
      process.stdin.once('data', () => process.exit());`,
    );
    // Another network of the batch is answered all the same.
    const other = zoneObject(idOf('other'), 'other', { subnets: ['10.9.0.0/24'], listen: ['10.9.0.1'] });
    const outcomes = await host.writer.apply({ put: [zone, other], delete: [] });
    expect(outcomes.map(({ fault }) => fault?.reason)).toEqual([Reason.PORT_IN_USE, undefined]);
    expect(outcomes[0]?.fault).toMatchObject({
      message: expect.stringContaining(
        `answer names on 10.1.0.1:53: the port is taken by node (pid ${holder.pid}); stop it there, or have it leave`,
      ),
      metadata: { holder: `node (pid ${holder.pid})` },
    });
    holder.stdin.write('go');
    await host.until(() => host.reports.some(({ recovered }) => recovered.includes(zone.key)));
    expect(ask()).toBe('10.1.0.2\n');
  });

  it('may be told of before its address is there', async () => {
    const host = await createHost();
    await host.apply([zone, namesObject(net, 'web', ['10.1.0.2'])]);
    await host.apply(networkObjects('br-w', 1));
    expect(inside(host.sandbox(a), 'dig', ['@10.1.0.1', '+short', '+tries=1', 'web.mynet']).stdout).toBe('10.1.0.2\n');
  });

  it('asks neither itself nor another gateway, whichever comes first', async () => {
    const host = await createHost();
    const ours = ['10.1.0.1', '10.8.0.1'];
    await host.apply([
      ...networkObjects('br-w', 1),
      zoneObject(net, 'mynet', { listen: ['10.1.0.1'], servers: ours }),
      zoneObject(idOf('other'), 'other', { subnets: ['10.8.0.0/24'], listen: ['10.8.0.1'], servers: ours }),
    ]);
    const told = inside(host.sandbox(a), 'dig', [
      '@10.1.0.1',
      '+tries=1',
      '+time=9',
      '+nocookie',
      'example.com',
    ]).stdout;
    expect(told).toContain('status: REFUSED');
  });

  it('answers who is on the network and nobody else, and refuses what is not its networks’', async () => {
    const host = await createHost();
    await world(host);
    await host.apply([
      ...networkObjects('br-w', 1),
      zone,
      namesObject(net, 'web', ['10.1.0.2']),
      resolverObject(a, net),
    ]);
    const ask = (where: string, ...args: string[]) =>
      inside(where, 'dig', ['@10.1.0.1', '+tries=1', '+time=1', '+nocookie', ...args]).stdout;
    const outside = host.directory('world');
    withNetlink(outside, (socket) =>
      socket.request(
        addRoute({ destination: '10.1.0.0/24', via: '10.9.0.1', link: findLink(socket, 'eth0')?.index ?? 0 }),
      ),
    );
    expect(ask(outside, 'web.mynet')).toContain('no servers could be reached');
    expect(ask(outside, '+tcp', 'web.mynet')).not.toContain('status:');
    // It can be reached from there.
    expect(inside(outside, 'ping', ['-c1', '-W1', '10.1.0.1']).status).toBe(0);
    expect(ask(host.sandbox(a), 'web')).toContain('10.1.0.2');
    expect(ask(host.sandbox(a), 'example.com')).toContain('status: REFUSED');
    expect(ask(host.sandbox(a), 'nobody.mynet')).toContain('status: NXDOMAIN');

    // With servers the host asks them for who is on the network, and for nobody else.
    await host.apply([zoneObject(net, 'mynet', { listen: ['10.1.0.1'], servers: ['10.9.0.2'] })]);
    expect(ask(host.sandbox(a), 'example.com')).toContain('192.0.2.1');
    expect(ask(host.sandbox(a), 'nobody.mynet')).toContain('status: NXDOMAIN');
    expect(ask(outside, 'example.com')).toContain('no servers could be reached');
  });
});

describe('a place for clients outside', () => {
  const dns = { address: '10.9.0.1', port: 5354 };
  const ask = (where: string, ...args: string[]) =>
    inside(where, 'dig', ['@10.9.0.1', '-p5354', '+tries=1', '+time=1', '+nocookie', ...args]).stdout;

  it('answers NAME.NETWORK of all networks, authoritatively, and nothing else', async () => {
    const host = await createHost({ dns });
    await world(host);
    const other = idOf('other');
    const records = [{ name: 'out', type: 'CNAME', data: 'example.com', ttlSeconds: 0 }];
    await host.apply([
      ...names,
      zoneObject(other, 'other', { subnets: ['10.2.0.0/24'] }),
      namesObject(other, 'db', ['10.2.0.3'], { records }),
    ]);
    const outside = host.directory('world');
    expect(ask(outside, 'web.mynet')).toMatch(/status: NOERROR[\s\S]*flags: qr aa[\s\S]*10\.1\.0\.2/);
    expect(ask(outside, '+tcp', '+short', 'DB.other')).toBe('10.2.0.3\n');
    expect(ask(outside, '+short', '-x', '10.2.0.3')).toBe('db.other.\n');
    expect(ask(outside, '+short', 'mynet', 'SOA')).toContain('mynet.');
    expect(ask(outside, '+short', 'out.other')).toBe('example.com.\n');
    expect(ask(outside, 'nobody.mynet')).toContain('status: NXDOMAIN');
    for (const name of ['web', 'db', 'example.com', '9.9.9.9.in-addr.arpa'])
      expect(ask(outside, name)).toContain('status: REFUSED');
    await host.apply([], [zoneObject(other, 'other').key]);
    expect(ask(outside, 'db.other')).toContain('status: REFUSED');
  });

  it('that somebody has keeps the agent from starting', async () => {
    const host = await createHost();
    const holder = await start(
      host.namespace,
      `require('node:net').createServer().listen(5354, '127.0.0.1', () => console.log('ready'));`,
    );
    const starting = createHostWriter({
      ...{ runDir: host.directory('run2'), dataDir: host.directory('data2') },
      ...{ hostNamespace: host.namespace, log: createLog('agent'), dns: { address: '127.0.0.1', port: 5354 } },
    });
    await expect(starting).rejects.toThrow(`127.0.0.1:5354: the port is taken by node (pid ${holder.pid})`);
  });
});
