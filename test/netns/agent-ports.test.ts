// Ports: held, directed, moved, let go; and what keeps them right. An outside machine is a namespace joined to the host.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { HostObject } from '@weft/hoststate';
import {
  addAddress,
  createNamespace,
  createVeth,
  deleteNamespace,
  inNamespace,
  listElements,
  listTableText,
  runNft,
  setLink,
  withNamespaceFd,
  withNetlink,
} from '@weft/kernel';
import { Reason } from '@weft/proto/fault';
import { Protocol } from '@weft/proto/model';
import { describe, expect, it } from 'vitest';
import { createHost, type Host, idOf, networkObjects, onCleanup, portObject } from './agent-host.ts';

const [a, b] = [idOf('s0'), idOf('s1')];
const tcp = (port: number, target = '10.1.0.2', hostIp = '0.0.0.0', targetPort = 80): HostObject =>
  portObject({ hostPort: port, targetIp: target, targetPort, hostIp });
const udp = (port: number, target: string): HostObject =>
  portObject({ protocol: Protocol.UDP, hostPort: port, targetIp: target, targetPort: 53 });

const start = (namespace: string, command: string, args: string[]): ChildProcess => {
  const child = inNamespace(namespace, () => spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  onCleanup(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  return child;
};
/** A server that answers every connection and datagram with a word, on TCP port 80 and UDP port 53. */
const serve = async (namespace: string, word: string, port = 80): Promise<ChildProcess> => {
  const script = `
    const [word, port] = process.argv.slice(1);
    const udp = require('node:dgram').createSocket('udp4');
    udp.on('message', (_, { port, address }) => udp.send(word + '\\n', port, address));
    require('node:net').createServer((socket) => socket.end(word)).listen(Number(port), () => udp.bind(53, () => console.log('ready')));`;
  const child = start(namespace, process.execPath, ['-e', script, word, `${port}`]);
  await once(child.stdout ?? expect.fail(), 'data');
  return child;
};
const ask = (namespace: string, address: string, port: number): string =>
  inNamespace(namespace, () =>
    spawnSync('timeout', ['2', 'bash', '-c', `cat < /dev/tcp/${address}/${port}`], { encoding: 'utf8' }),
  ).stdout;
const canListen = (namespace: string, port: number): boolean =>
  inNamespace(namespace, () =>
    spawnSync(process.execPath, [
      '-e',
      `require('node:net').createServer().on('error', () => process.exit(1)).listen(${port}, () => process.exit(0))`,
    ]),
  ).status === 0;

/** Another machine: 10.9.0.2, joined to the host's 10.9.0.1. */
const outside = (host: Host): string => {
  const path = host.directory('outside');
  createNamespace(path);
  onCleanup(() => void deleteNamespace(path));
  withNetlink(host.namespace, (socket) => {
    withNamespaceFd(path, (namespaceFd) =>
      socket.request(createVeth({ name: 'up0', peer: { name: 'eth0', namespaceFd } })),
    );
    socket.request(addAddress({ link: host.link('up0')?.index ?? 0, address: '10.9.0.1/24' }));
    socket.request(setLink('up0', { up: true }));
  });
  withNetlink(path, (socket) => {
    socket.request(addAddress({ link: host.link('eth0', path)?.index ?? 0, address: '10.9.0.2/24' }));
    socket.request(setLink('eth0', { up: true }));
  });
  return path;
};
const elements = (host: Host, name: string) =>
  listElements(host.namespace, {
    family: 'inet',
    table: 'weft',
    name,
    key: ['inet_proto', 'inet_service'],
    data: ['ipv4_addr', 'inet_service'],
  }) ?? [];
const drifts = (host: Host) =>
  host.reports.flatMap((report) => report.drifts).filter(({ what }) => !what.startsWith('switched'));

describe('a published port', () => {
  it('leads to its sandbox, is nobody else’s, and is free when it goes', async () => {
    const host = await createHost();
    await host.apply([...networkObjects('br-w', 2), tcp(8080)]);
    const client = outside(host);
    await serve(host.sandbox(a), 'one');
    expect(ask(client, '10.9.0.1', 8080)).toBe('one');
    expect(ask(host.namespace, '10.9.0.1', 8080)).toBe('one');
    expect(canListen(host.namespace, 8080)).toBe(false);
    // Another address of the same number cannot be held beside it.
    const [refused] = await host.writer.apply({ put: [tcp(8080, '10.1.0.3', '10.9.0.1')], delete: [] });
    expect(refused?.fault?.reason).toBe(Reason.PORT_IN_USE);
    // In one batch the number changes hands.
    await host.apply([tcp(8080, '10.1.0.3', '10.9.0.1', 8000)], [tcp(8080).key]);
    await serve(host.sandbox(b), 'two', 8000);
    expect(ask(client, '10.9.0.1', 8080)).toBe('two');
    await host.apply([], [tcp(8080, '10.1.0.3', '10.9.0.1').key]);
    expect(ask(client, '10.9.0.1', 8080)).toBe('');
    expect(canListen(host.namespace, 8080)).toBe(true);
    expect((await host.writer.look()).drifts).toEqual([]);
  });

  it('that somebody listens on is refused with the name of who does, and taken when it is free', async () => {
    const host = await createHost();
    const server = await serve(host.namespace, 'theirs', 8080);
    const [outcome] = await host.writer.apply({ put: [tcp(8080)], delete: [] });
    expect(outcome?.fault?.reason).toBe(Reason.PORT_IN_USE);
    expect(outcome?.fault?.message).toMatch(
      new RegExp(`Bind for 0\\.0\\.0\\.0:8080 failed: port is already allocated by .+ \\(pid ${server.pid}\\)`),
    );
    expect(outcome?.fault?.metadata).toMatchObject({ port: '8080' });
    expect(outcome?.fault?.metadata['holder']).toContain(`(pid ${server.pid})`);
    expect(elements(host, 'ports4_any')).toEqual([]);
    server.kill('SIGKILL');
    await host.until(() => host.reports.some(({ recovered }) => recovered.includes(tcp(8080).key)));
    expect(elements(host, 'ports4_any')).toHaveLength(1);
  });

  it('of an address that the host does not have is refused', async () => {
    const host = await createHost();
    const [outcome] = await host.writer.apply({ put: [tcp(8080, '10.1.0.2', '192.0.2.7')], delete: [] });
    expect(outcome?.fault).toMatchObject({ reason: Reason.INVALID_ADDRESS, metadata: { address: '192.0.2.7' } });
    expect(outcome?.fault?.message).toContain('Bind for 192.0.2.7:8080 failed: cannot assign requested address');
  });

  it('goes on leading while the agent is away, and is held again after', async () => {
    const first = await createHost();
    const objects = [...networkObjects('br-w', 1), tcp(8080)];
    await first.apply(objects);
    const client = outside(first);
    await serve(first.sandbox(a), 'one');
    await first.writer.close();
    expect(ask(client, '10.9.0.1', 8080)).toBe('one');
    const host = await first.restart();
    await host.writer.apply({ put: objects, delete: [], synced: true });
    expect(drifts(host)).toEqual([]);
    expect(ask(client, '10.9.0.1', 8080)).toBe('one');
    expect(canListen(host.namespace, 8080)).toBe(false);
  });
});

describe('UDP', () => {
  /** A client that keeps its port: says a line, hears a line. */
  const talk = (namespace: string, port: number) => {
    const script = `
      const udp = require('node:dgram').createSocket('udp4');
      let timer;
      udp.on('message', (text) => { clearTimeout(timer); process.stdout.write(text); });
      udp.on('error', () => undefined);
      udp.connect(${port}, '10.9.0.1', () => process.stdin.on('data', () => {
        timer = setTimeout(() => console.log('nothing'), 500);
        udp.send('x');
      }));`;
    const child = start(namespace, process.execPath, ['-e', script]);
    const lines = createInterface({ input: child.stdout ?? expect.fail() })[Symbol.asyncIterator]();
    return async (): Promise<string> => {
      child.stdin?.write('x\n');
      return String((await lines.next()).value);
    };
  };

  it('the same client reaches the new sandbox when its port moves or comes back', async () => {
    const host = await createHost();
    await host.apply([...networkObjects('br-w', 2), udp(5353, '10.1.0.2')]);
    const client = outside(host);
    await serve(host.sandbox(a), 'one');
    await serve(host.sandbox(b), 'two');
    const say = talk(client, 5353);
    expect(await say()).toBe('one');
    await host.apply([udp(5353, '10.1.0.3')]);
    expect(await say()).toBe('two');
    await host.apply([], [udp(5353, '10.1.0.3').key]);
    expect(await say()).toBe('nothing');
    await host.apply([udp(5353, '10.1.0.2')]);
    expect(await say()).toBe('one');
    expect((await host.writer.look()).drifts).toEqual([]);
  });
});

describe('a thousand ports', () => {
  const many = (target: string) => Array.from({ length: 1000 }, (_, at) => tcp(20_000 + at, target));

  it('come, move and go, each in one request', async () => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 2));
    const keys = many('').map(({ key }) => key);
    await host.apply(many('10.1.0.2'));
    await host.apply(many('10.1.0.3'));
    const all = elements(host, 'ports4_any');
    expect(all).toHaveLength(1000);
    expect(all.every(({ data }) => data?.[0] === '10.1.0.3')).toBe(true);
    await host.apply([], keys);
    expect(elements(host, 'ports4_any')).toEqual([]);
  });

  it('are back after the rule set was flushed, and one by one too', async () => {
    const host = await createHost();
    await host.apply([...networkObjects('br-w', 1), ...many('10.1.0.2')]);
    const right = listTableText(host.namespace, 'inet', 'weft');
    expect(right).toContain('20999');
    runNft(host.namespace, 'flush ruleset');
    const isRight = () => listTableText(host.namespace, 'inet', 'weft') === right;
    await host.until(isRight);

    runNft(
      host.namespace,
      `delete element inet weft ports4_any { tcp . 20007 }; add element inet weft ports4_any { tcp . 99 : 10.1.0.9 . 1 }`,
    );
    await host.until(() => drifts(host).some(({ key }) => key === tcp(20_007).key));

    await host.writer.apply({ put: [], delete: [], synced: true });
    await host.until(isRight);

    expect((await host.writer.look()).drifts).toEqual([]);
  });
});
