// weft and a Docker Engine in one network namespace: both keep working, whoever comes first, flushes or restarts. The table
// of who reaches whom after each step is the expectation.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DockerEngine, startDockerEngine } from '../lib/docker-engine.ts';
import { type Clients, type Host, joinHosts, makeHost } from '../lib/host.ts';
import { type Station, startStation } from '../lib/station.ts';

let host: Host;
let world: Host;
let api: Clients;
let engine: DockerEngine;
const stations = new Map<string, Station>();
const addresses = new Map<string, string>([
  ['world', '198.51.100.2'],
  ['host', '198.51.100.1'],
]);
/** Ids by name. */
const containers = new Map<string, string>();
const weftPort = 8080;
const dockerPort = 9090;

async function station(name: string, netns: string): Promise<void> {
  const one = await startStation(name, netns);
  await one.listen('tcp', 80);
  stations.set(name, one);
}

async function container(name: string, ports: object = {}): Promise<string> {
  const made = await engine.call('POST', `/containers/create?name=${name}`, {
    Image: 'weft-test:latest',
    Cmd: ['sleep', '2147483647'],
    HostConfig: { NetworkMode: 'bridge', PortBindings: ports },
    ExposedPorts: Object.fromEntries(Object.keys(ports).map((port) => [port, {}])),
  });
  const { Id } = made as { Id: string };
  await startContainer(name, Id);
  return Id;
}

async function startContainer(name: string, id: string): Promise<void> {
  await engine.call('POST', `/containers/${id}/start`);
  const { State, NetworkSettings } = (await engine.call('GET', `/containers/${id}/json`)) as {
    State: { Pid: number };
    NetworkSettings: { Networks: { bridge: { IPAddress: string } } };
  };
  addresses.set(name, NetworkSettings.Networks.bridge.IPAddress);
  await station(name, `/proc/${State.Pid}/ns/net`);
}

beforeAll(async () => {
  host = makeHost();
  world = makeHost();
  joinHosts(host, '198.51.100.1/24', world, '198.51.100.2/24');
  host.sh('ip route add default via 198.51.100.2');
  world.sh('ip route add 172.16.0.0/12 via 198.51.100.1 && ip route add 10.77.0.0/16 via 198.51.100.1');
  // The Engine finds forwarding off: it switches it on and makes the policy of FORWARD drop.
  engine = await startDockerEngine(host, ['--bip', '172.30.0.1/24']);
  await host.up();
  api = host.clients();
  await api.networks.createNetwork({ spec: { name: 'web', ipam: { configs: [{ subnet: '10.77.0.0/24' }] } } });
  for (const [name, ports] of [
    ['a', [{ protocol: 6, port: 80, hostPort: weftPort }]],
    ['b', []],
  ] as const) {
    const { endpoints } = await api.sandboxes.createSandbox({
      spec: { name },
      attachments: [{ network: 'web', spec: { ports: [...ports] } }],
    });
    addresses.set(name, endpoints[0]?.desired?.addresses[0]?.cidr.split('/')[0] ?? '');
    const { sandbox } = await api.sandboxes.getSandbox({ sandbox: name });
    await station(name, sandbox?.status?.namespacePath ?? '');
  }
  await station('world', world.netns);
  containers.set('con1', await container('con1', { '80/tcp': [{ HostPort: `${dockerPort}` }] }));
  containers.set('con2', await container('con2'));
});
afterAll(async () => {
  await Promise.all([...stations.values()].map((one) => one.stop()));
  await engine.stop();
  await host.remove();
  await world.remove();
});

// a and b are sandboxes, con1 and con2 containers; a and con1 publish a port. What each asks for, and who must answer.
const paths: readonly (readonly [from: string, to: string, port: number, answers: string])[] = [
  ['b', 'a', 80, 'a'],
  ['b', 'world', 80, 'world'],
  ['world', 'host', weftPort, 'a'],
  ['b', 'host', weftPort, 'a'],
  ['world', 'a', 80, ''],
  ['con2', 'con1', 80, 'con1'],
  ['con2', 'world', 80, 'world'],
  ['world', 'host', dockerPort, 'con1'],
  ['con2', 'host', weftPort, 'a'],
  ['b', 'host', dockerPort, 'con1'],
  ['con2', 'a', 80, ''],
  ['b', 'con2', 80, ''],
];
const isWefts = ([from, to]: (typeof paths)[number]) =>
  !['con1', 'con2'].includes(from) && !['con1', 'con2'].includes(to);

async function asked(these: typeof paths): Promise<string[]> {
  return await Promise.all(
    these.map(async ([from, to, port]) => {
      const answer = await stations.get(from)?.connect('tcp', addresses.get(to) ?? '', port);
      return `${from} -> ${to}:${port}: ${answer === 'refused' ? '' : (answer ?? '').split(' ')[0]}`;
    }),
  );
}
const wanted = (these: typeof paths): string[] =>
  these.map(([from, to, port, answers]) => `${from} -> ${to}:${port}: ${answers}`);

/** Asks until all is as wanted, for as long as a repair may take. */
async function becomes(these: typeof paths, patienceMs: number): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const found = await asked(these);
    if (JSON.stringify(found) === JSON.stringify(wanted(these)) || performance.now() > end) {
      expect(found).toEqual(wanted(these));
      return;
    }
  }
}

const acceptRules = () =>
  host
    .sh('iptables -S DOCKER-USER')
    .stdout.split('\n')
    .filter((line) => line.includes('weft'));

test('an Engine that drops what it does not know leaves both working', async () => {
  expect(host.sh('iptables -S FORWARD').stdout).toContain('-P FORWARD DROP');
  await becomes(paths, 1000);
  expect(acceptRules()).toHaveLength(1);
});

test('our rule in DOCKER-USER comes back when it is lost, once', async () => {
  host.sh('iptables -F DOCKER-USER');
  await becomes(paths, 1000);
  expect(acceptRules()).toHaveLength(1);
});

test('after a flush of everything weft\u2019s are back within a second, and Docker\u2019s with its restart', async () => {
  host.sh('nft flush ruleset');
  await becomes(paths.filter(isWefts), 1000);
  for (const name of containers.keys()) await stations.get(name)?.stop();
  await engine.restart();
  // Forwarding is on now, so the Engine leaves the policy alone; an administrator does not.
  host.sh('iptables -P FORWARD DROP');
  for (const [name, id] of containers) await startContainer(name, id);
  await becomes(paths, 1000);
  expect(acceptRules()).toHaveLength(1);
});

test('nothing of Docker\u2019s was touched but for the one rule', async () => {
  const rules = host
    .sh('iptables-save')
    .stdout.split('\n')
    .filter((line) => line.startsWith('-A'));
  expect(
    rules.filter((line) => line.includes('weft') || line.includes('10.77.') || line.includes('0x4e000000')),
  ).toEqual(['-A DOCKER-USER -m mark --mark 0x4e000000/0x4e000000 -m comment --comment weft -j ACCEPT']);
});

test('the rule goes with the last bridge', async () => {
  for (const name of ['a', 'b']) await api.sandboxes.removeSandbox({ sandbox: name });
  await api.networks.removeNetwork({ network: 'web' });
  expect(host.sh('iptables -S DOCKER-USER').stdout).toContain('weft'); // the predefined network `bridge` is left
  await host.weft('down', '--purge', '--data-dir', host.dataDir, '--run-dir', host.runDir);
  expect(acceptRules()).toEqual([]);
});
