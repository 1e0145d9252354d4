// What the agent does to others' firewall, sysctls and neighbours: exactly what it says, and it is undone when weft leaves.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  addAddress,
  createBridge,
  createNamespace,
  createVeth,
  deleteNamespace,
  inNamespace,
  listTableText,
  readSysctl,
  runNft,
  setLink,
  withNamespaceFd,
  withNetlink,
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

const [a, b] = [idOf('s0'), idOf('s1')];
const run = (namespace: string, command: string, ...args: string[]) =>
  inNamespace(namespace, () => spawnSync(command, args, { encoding: 'utf8' }));
const must = (namespace: string, command: string, ...args: string[]): string => {
  const { status, stdout, stderr } = run(namespace, command, ...args);
  expect([status, stderr.replace(/^# Warning.*\n/gm, '')]).toEqual([0, '']);
  return stdout;
};
const drifts = (host: Host) => host.reports.flatMap((report) => report.drifts);
const RULE = '-A DOCKER-USER -m mark --mark 0x4e000000/0x4e000000 -m comment --comment weft -j ACCEPT';

describe.each(['iptables-nft', 'ip6tables-nft'])('DOCKER-USER of %s', (program) => {
  const rules = (host: Host) =>
    run(host.namespace, program, '-S', 'DOCKER-USER')
      .stdout.split('\n')
      .filter((line) => line.startsWith('-A'));
  const docker = (host: Host) => {
    must(host.namespace, program, '-N', 'DOCKER-USER');
    must(host.namespace, program, '-A', 'DOCKER-USER', '-j', 'RETURN');
  };
  const key = `${program.replace('-nft', '')}/DOCKER-USER`;

  it('gets one rule while weft has a bridge, first, and loses it with the last bridge', async () => {
    const host = await createHost();
    docker(host);
    await host.apply([element('masquerade4', ['10.1.0.0/24'])]);
    expect(rules(host)).toEqual(['-A DOCKER-USER -j RETURN']);
    await host.apply(networkObjects('br-w', 1));
    expect(rules(host)).toEqual([RULE, '-A DOCKER-USER -j RETURN']);
    await host.apply([element('bridges', ['br-x'])]);
    await host.writer.look();
    expect(rules(host)).toEqual([RULE, '-A DOCKER-USER -j RETURN']);
    expect(drifts(host).filter((one) => one.key === key)).toEqual([]);
    await host.writer.apply({ put: [], delete: [], reset: true, synced: true });
    expect(rules(host)).toEqual(['-A DOCKER-USER -j RETURN']);
  });

  it.each<[string, (host: Host) => void]>([
    ['it is deleted', (host) => void must(host.namespace, program, '-D', 'DOCKER-USER', '1')],
    ['the chain is flushed', (host) => void must(host.namespace, program, '-F', 'DOCKER-USER')],
    [
      'another one is put before it',
      (host) =>
        void must(
          host.namespace,
          program,
          '-I',
          'DOCKER-USER',
          '-s',
          host.directory('x') && (program.startsWith('ip6') ? 'fd09::1' : '10.9.9.9'),
          '-j',
          'DROP',
        ),
    ],
    [
      'everything is flushed and the chain comes anew',
      (host) => {
        runNft(host.namespace, 'flush ruleset');
        docker(host);
      },
    ],
  ])('is put right when %s', async (_, harm) => {
    const host = await createHost();
    docker(host);
    await host.apply(networkObjects('br-w', 0));
    expect(rules(host)[0]).toBe(RULE);
    harm(host);
    const isRight = () => rules(host)[0] === RULE && rules(host).filter((rule) => rule === RULE).length === 1;
    await host.until(() => isRight() && drifts(host).some((one) => one.key === key));
    expect(drifts(host).find((one) => one.key === key)?.repaired).toBeDefined();
  });

  it('gets it when Docker comes after weft', async () => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 0));
    docker(host);
    await host.until(() => rules(host)[0] === RULE);
    expect(drifts(host).filter((one) => one.key === key)).toEqual([]);
  });
});

it('DOCKER-USER of iptables-legacy gets its rule by a full look', async () => {
  const host = await createHost();
  must(host.namespace, 'iptables-legacy', '-N', 'DOCKER-USER');
  await host.apply(networkObjects('br-w', 0));
  await host.writer.look();
  expect(must(host.namespace, 'iptables-legacy', '-S', 'DOCKER-USER')).toContain(RULE);
  await host.writer.apply({ put: [], delete: [], reset: true, synced: true });
  await host.writer.look();
  expect(must(host.namespace, 'iptables-legacy', '-S', 'DOCKER-USER')).not.toContain('weft');
});

it('what weft decides about passes a Docker that drops by default', async () => {
  const host = await createHost();
  for (const args of [
    ['-N', 'DOCKER-USER'],
    ['-A', 'FORWARD', '-j', 'DOCKER-USER'],
    ['-P', 'FORWARD', 'DROP'],
  ]) {
    must(host.namespace, 'iptables-nft', ...args);
  }
  await host.apply(networkObjects('br-w', 2));
  // Routed by the host: bridge-nf would not see frames within the bridge where it is off.
  const ping = () => run(host.sandbox(a), 'ping', '-c1', '-W1', '10.9.0.2').status === 0;
  outside(host);
  expect(ping()).toBe(true);
  await host.writer.close();
  must(host.namespace, 'iptables-nft', '-F', 'DOCKER-USER');
  expect(ping()).toBe(false);
});

/** Another machine: 10.9.0.2, joined to the host's 10.9.0.1, with a way back. */
function outside(host: Host): string {
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
  must(path, 'ip', 'route', 'add', '10.1.0.0/24', 'via', '10.9.0.1');
  return path;
}

describe('the administrator’s table', () => {
  it('is made beside weft’s, lets pass what weft drops, drops what weft lets pass, and is left alone', async () => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 2));
    const client = outside(host);
    const goesIn = () => run(client, 'ping', '-c1', '-W1', '10.1.0.2').status === 0;
    const goesOut = () => run(host.sandbox(a), 'ping', '-c1', '-W1', '10.9.0.2').status === 0;
    expect([goesIn(), goesOut()]).toEqual([false, true]);
    runNft(
      host.namespace,
      `add rule inet weft-user forward ip saddr 10.9.0.2 meta mark set meta mark | 0x57000000
       add rule inet weft-user forward ip saddr 10.1.0.3 drop`,
    );
    const text = listTableText(host.namespace, 'inet', 'weft-user');
    expect(goesIn()).toBe(true);
    expect(run(host.sandbox(b), 'ping', '-c1', '-W1', '10.9.0.2').status).not.toBe(0);
    runNft(host.namespace, 'delete table inet weft');
    await host.until(() => listTableText(host.namespace, 'inet', 'weft')?.includes('br-w') === true);
    expect(listTableText(host.namespace, 'inet', 'weft-user')).toBe(text);
    expect(goesIn()).toBe(true);
  });

  it('comes back empty with weft’s own', async () => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 0));
    const text = listTableText(host.namespace, 'inet', 'weft-user');
    expect(text).toContain('type filter hook forward priority filter - 10; policy accept;');
    runNft(host.namespace, 'flush ruleset');
    await host.until(() => listTableText(host.namespace, 'inet', 'weft-user') === text);
  });
});

describe('route_localnet', () => {
  const key = 'net.ipv4.conf.br-w.route_localnet';
  it('is a bridge’s own when a port needs it', async () => {
    const host = await createHost();
    await host.apply([bridgeObject('br-w')]);
    expect(readSysctl(host.namespace, key)).toBe('0');
    await host.apply([bridgeObject('br-w', { routeLocalnet: true })]);
    expect(readSysctl(host.namespace, key)).toBe('1');
  });

  it('of a bridge that weft did not make is as before when weft leaves, also after a crash', async () => {
    const first = await createHost();
    withNetlink(first.namespace, (socket) => socket.request(createBridge({ name: 'br-w' })));
    const theirs = bridgeObject('br-w', { mayExist: true, routeLocalnet: true });
    await first.apply([theirs]);
    expect(readSysctl(first.namespace, key)).toBe('1');
    await first.apply([bridgeObject('br-w', { mayExist: true })]);
    expect(readSysctl(first.namespace, key)).toBe('0');
    await first.apply([theirs]);
    await first.apply([], [theirs.key]);
    expect(readSysctl(first.namespace, key)).toBe('0');
    await first.apply([theirs]);
    const host = await first.restart();
    await host.writer.apply({ put: [theirs], delete: [], synced: true });
    expect(readSysctl(host.namespace, key)).toBe('1');
    await host.writer.apply({ put: [], delete: [], reset: true, synced: true });
    expect(readSysctl(host.namespace, key)).toBe('0');
    expect(host.link('br-w')).toBeDefined();
  });
});

describe('announcements', () => {
  /** What tcpdump hears on the bridge while `use` runs and until it has heard `count` packets. */
  const hear = async (
    host: Host,
    filter: string,
    count: number,
    use: (lines: readonly string[]) => Promise<void>,
  ): Promise<string[]> => {
    const child = inNamespace(host.namespace, () =>
      spawn('tcpdump', ['-i', 'br-w', '-l', '-n', '-e', '--immediate-mode', filter], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    onCleanup(() => void child.kill('SIGKILL'));
    const lines: string[] = [];
    let text = '';
    child.stdout.on('data', (data) => {
      text += String(data);
      lines.splice(
        0,
        lines.length,
        ...text
          .split('\n')
          .slice(0, -1)
          .filter((line) => line !== ''),
      );
    });
    // Its stderr stays open: it says more than that line, and would die of a pipe that nobody reads.
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (data) => String(data).includes('listening on') && resolve());
    });
    await use(lines);
    await host.until(() => lines.length >= count);
    child.kill('SIGINT');
    await once(child, 'close');
    return lines;
  };
  const veth = (advertiseCount: number, advertiseIntervalMs = 60) =>
    vethObject(2, a, 'br-w', { addresses: ['10.1.0.2/24', 'fd01::2/64'], advertiseCount, advertiseIntervalMs });
  const ARP = 'arp';
  const NA = 'icmp6 and ip6[40] == 136';

  it('are as many as the object says, of both families, and none is sent twice', async () => {
    const host = await createHost();
    await host.apply([bridgeObject('br-w', { ipv6: true })]);
    const heard = await hear(host, `${ARP} or (${NA})`, 8, async () => {
      await host.apply([sandboxObject(a), veth(3)]);
      // The second announcement of this one comes when a fourth of the other would have come.
      await host.apply([sandboxObject(b), vethObject(3, b, 'br-w', { advertiseCount: 2, advertiseIntervalMs: 300 })]);
    });
    const arps = heard.filter((line) => line.includes('Request who-has 10.1.0.2 tell 10.1.0.2'));
    const advertisements = heard.filter((line) => line.includes('neighbor advertisement, tgt is fd01::2'));
    expect([arps.length, advertisements.length, heard.length]).toEqual([3, 3, 8]);
    for (const line of [...arps, ...advertisements]) {
      expect(line).toMatch(/^\S+ 02:42:0a:01:00:02 > (ff:ff:ff:ff:ff:ff|33:33:00:00:00:01)/);
    }
    const seconds = arps.map((line) => Number(/:(\d+\.\d+) /.exec(line)?.[1]));
    const [first = 0, second = 0] = seconds;
    expect((second - first + 60) % 60).toBeGreaterThan(0.055);
  });

  it('are none where the object says none', async () => {
    const host = await createHost();
    await host.apply([bridgeObject('br-w', { ipv6: true })]);
    const heard = await hear(host, ARP, 1, async () => {
      await host.apply([sandboxObject(a), veth(0)]);
      // The first ARP that is heard is the one asked for here.
      run(host.sandbox(a), 'ping', '-c4', '-i0.5', '-W1', '10.1.0.1');
    });
    expect(heard[0]).toContain('Request who-has 10.1.0.1 tell 10.1.0.2');
    expect(readSysctl(host.sandbox(a), 'net.ipv4.conf.eth0.arp_notify')).toBe('0');
  });

  it('are not repeated for what is put again, and end when the endpoint goes', async () => {
    const host = await createHost();
    await host.apply([bridgeObject('br-w', { ipv6: true })]);
    const heard = await hear(host, ARP, 2, async (lines) => {
      await host.apply([sandboxObject(a), veth(2, 5_000)]);
      await host.until(() => lines.length === 1);
      await host.apply([veth(1, 5_000)]);
      await host.apply([], [veth(1).key]);
      await host.apply([vethObject(3, a, 'br-w', { advertiseCount: 1 })]);
    });
    expect(heard.map((line) => /who-has (\S+)/.exec(line)?.[1])).toEqual(['10.1.0.2', '10.1.0.3']);
  });
});

it('a sysctl that is switched on is said once', async () => {
  const host = await createHost();
  await host.apply(networkObjects('br-w', 0));
  run(host.namespace, 'sysctl', '-qw', 'net.ipv4.ip_forward=0');
  await host.writer.look();
  const said = drifts(host).filter(({ what }) => what.startsWith('switched'));
  expect(said).toMatchObject([{ key: 'sysctl/net.ipv4.ip_forward', what: 'switched from 0 to 1: a network needs it' }]);
  expect(said[0]?.repaired).toBeDefined();
});
