// The CNI plugin as runtimes call it: the real program, once for each word, against a real weft in a namespace.
import { dirname, join } from 'node:path';
import { createNamespace, deleteNamespace } from '@weft/kernel';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Clients, type Host, makeHost, type Running, root } from '../lib/host.ts';

// A test starts the program a dozen times; a start takes a second where the machine is busy.
vi.setConfig({ testTimeout: 120_000 });

let host: Host;
let weft: Running;
let api: Clients;
const plugin = join(root, 'node_modules/.bin/weft-cni');
const path = (name: string) => join(dirname(host.dataDir), name);

interface Answer {
  readonly status: number | null;
  readonly json: { [key: string]: unknown; code?: number; msg?: string; details?: string } | undefined;
}

/** Calls the plugin; `json` is undefined when it said nothing. */
function cni(command: string, env: Readonly<Record<string, string>>, conf: object | string, program = plugin): Answer {
  const input = typeof conf === 'string' ? conf : JSON.stringify(conf);
  const pairs = Object.entries({ CNI_COMMAND: command, CNI_PATH: '/opt/cni/bin', ...env }).map(([k, v]) => `${k}=${v}`);
  const { status, stdout, stderr } = host.run('env', [...pairs, program], { mayFail: true, input });
  expect(stderr).toBe('');
  return { status, json: stdout === '' ? undefined : JSON.parse(stdout) };
}
const container = (id: string, netns: string, ifname = 'eth0', args = '') => ({
  ...{ CNI_CONTAINERID: id, CNI_NETNS: netns, CNI_IFNAME: ifname },
  ...(args === '' ? {} : { CNI_ARGS: args }),
});
const conf = (network: string, more: object = {}) => ({
  ...{ cniVersion: '1.0.0', name: network, type: 'weft-cni', weftHost: host.address },
  ...more,
});
const inNamespace = (netns: string, line: string) => host.run('nsenter', [`--net=${netns}`, 'sh', '-c', line]).stdout;
async function everything() {
  const { sandboxes } = await api.sandboxes.listSandboxes({});
  const { endpoints } = await api.endpoints.listEndpoints({});
  const { waitingAddresses } = await api.system.getStatus({});
  return { sandboxes: sandboxes.length, endpoints: endpoints.length, waitingAddresses };
}
const nothing = { sandboxes: 0, endpoints: 0, waitingAddresses: [] };

beforeAll(async () => {
  host = makeHost();
  host.sh('ip link set lo up');
  weft = await host.up();
  api = host.clients();
  await api.networks.createNetwork({ spec: { name: 'web', ipam: { configs: [{ subnet: '10.61.0.0/24' }] } } });
  await api.networks.createNetwork({
    spec: {
      ...{ name: 'both', enableIpv6: true },
      ipam: { configs: [{ subnet: '10.62.0.0/24' }, { subnet: 'fd62::/64' }] },
    },
  });
  for (const name of ['c1', 'c2', 'c3']) createNamespace(path(name));
});
afterAll(() => host.remove());

test('VERSION needs no weft', () => {
  expect(cni('VERSION', { CNI_NETNS: 'dummy', CNI_IFNAME: 'dummy' }, { cniVersion: '1.0.0' })).toEqual({
    status: 0,
    json: { cniVersion: '1.0.0', supportedVersions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] },
  });
});

test('a container comes, is checked, and goes; each said twice', async () => {
  const c1 = container('c1-long', path('c1'), 'eth0', 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=pod-1');
  const first = cni('ADD', c1, conf('web'));
  expect(first).toEqual({
    status: 0,
    json: {
      cniVersion: '1.0.0',
      interfaces: [{ name: 'eth0', mac: '02:42:0a:3d:00:02', sandbox: path('c1') }],
      ips: [{ interface: 0, address: '10.61.0.2/24', gateway: '10.61.0.1' }],
      routes: [{ dst: '0.0.0.0/0', gw: '10.61.0.1' }],
      dns: { nameservers: ['127.0.0.11'], options: ['ndots:0'] },
    },
  });
  expect(inNamespace(path('c1'), 'ip -br -4 addr show eth0')).toContain('10.61.0.2/24');
  expect(inNamespace(path('c1'), 'ip route show default')).toContain('via 10.61.0.1');
  expect(cni('ADD', c1, conf('web'))).toEqual(first);

  const c2 = container('c2-long', path('c2'));
  expect(cni('ADD', c2, conf('web')).status).toBe(0);
  for (const name of ['pod-1', 'pod-1.shop']) {
    const { answers } = await api.system.resolve({ name, sandbox: 'c2-long' });
    expect(answers.map(({ data }) => data)).toEqual(['10.61.0.2']);
  }
  expect(inNamespace(path('c2'), 'ping -c1 -W5 10.61.0.2')).toContain('1 received');

  const prevResult = first.json;
  expect(cni('CHECK', c1, conf('web', { prevResult }))).toEqual({ status: 0, json: undefined });
  expect(cni('CHECK', c1, conf('web'))).toMatchObject({ status: 1, json: { code: 7 } });
  const other = { ...prevResult, ips: [{ interface: 0, address: '10.61.0.9/24' }] };
  expect(cni('CHECK', c1, conf('web', { prevResult: other }))).toMatchObject({
    ...{ status: 1, json: { code: 109, msg: 'eth0 of container c1-long: it has no address 10.61.0.9/24 any more' } },
  });

  expect(cni('DEL', c1, conf('web', { prevResult }))).toEqual({ status: 0, json: undefined });
  expect(inNamespace(path('c1'), 'ip -br link')).not.toContain('eth0');
  expect(cni('DEL', c1, conf('web', { prevResult }))).toEqual({ status: 0, json: undefined });
  expect(cni('CHECK', c1, conf('web', { prevResult }))).toMatchObject({ status: 1, json: { code: 3 } });
  expect(cni('ADD', c1, conf('web'))).toMatchObject({ status: 0 });
  expect(cni('DEL', c1, conf('web')).status).toBe(0);
  // The runtime may have forgotten the namespace.
  expect(cni('DEL', { ...c2, CNI_NETNS: '' }, conf('web')).status).toBe(0);
  expect(await everything()).toEqual(nothing);
});

test('two networks, ports, addresses and a MAC; versions before 1.0 say the family', async () => {
  const id = 'a'.repeat(64);
  const eth0 = container(id, path('c1'));
  const eth1 = container(id, path('c1'), 'eth1', 'IP=10.62.0.50;MAC=02:00:00:00:60:50');
  const ports = [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }];
  const runtimeConfig = { portMappings: ports, ips: ['10.61.0.40/24'], aliases: { web: ['shop'] } };
  expect(cni('ADD', eth0, conf('web', { runtimeConfig }))).toMatchObject({
    ...{ status: 0, json: { ips: [{ address: '10.61.0.40/24' }] } },
  });
  expect(cni('ADD', eth1, conf('both', { cniVersion: '0.4.0' }))).toMatchObject({
    status: 0,
    json: {
      cniVersion: '0.4.0',
      interfaces: [{ name: 'eth1', mac: '02:00:00:00:60:50' }],
      ips: [
        { version: '4', address: '10.62.0.50/24' },
        { version: '6', address: expect.stringMatching(/^fd62::.*\/64$/), gateway: 'fd62::1' },
      ],
    },
  });
  expect(host.weft('sandbox', 'port', id).stdout).toContain('80/tcp -> 0.0.0.0:8080');
  expect((await everything()).sandboxes).toBe(1);
  // The same interface on another network, and the same network twice: refused, and nothing is changed.
  expect(cni('ADD', eth1, conf('web'))).toMatchObject({ status: 1, json: { msg: expect.stringContaining('"both"') } });
  expect(cni('ADD', container(id, path('c1'), 'eth2'), conf('web'))).toMatchObject({ status: 1 });
  expect((await everything()).endpoints).toBe(2);

  expect(cni('DEL', eth0, conf('web')).status).toBe(0);
  expect(inNamespace(path('c1'), 'ip -br link')).toContain('eth1');
  expect(cni('DEL', eth1, conf('both')).status).toBe(0);
  expect(await everything()).toEqual(nothing);
});

test('a container that is started anew without DEL gets its new namespace; one whose namespace is gone goes', async () => {
  const before = container('again', path('c2'));
  expect(cni('ADD', before, conf('web')).status).toBe(0);
  const after = container('again', path('c3'));
  expect(cni('ADD', after, conf('web'))).toMatchObject({ status: 0, json: { interfaces: [{ sandbox: path('c3') }] } });
  expect(inNamespace(path('c2'), 'ip -br link')).not.toContain('eth0');
  expect((await everything()).sandboxes).toBe(1);
  deleteNamespace(path('c3'));
  await expect.poll(() => host.weft('sandbox', 'ls').stdout).toContain('lost');
  expect(cni('CHECK', after, conf('web', { prevResult: {} }))).toMatchObject({ status: 1, json: { code: 109 } });
  expect(cni('DEL', after, conf('web')).status).toBe(0);
  expect(await everything()).toEqual(nothing);
  createNamespace(path('c3'));
});

test('GC removes what is not in use, of this network and machine alone; STATUS tells', async () => {
  const web = conf('web', { cniVersion: '1.1.0', host: host.name });
  await api.sandboxes.createSandbox({ spec: { name: 'mine' }, attachments: [{ network: 'web' }] });
  for (const name of ['c1', 'c2']) expect(cni('ADD', container(name, path(name)), web).status).toBe(0);
  const both = conf('both', { cniVersion: '1.1.0', host: host.name });
  expect(cni('ADD', container('c3', path('c3')), both).status).toBe(0);
  const inUse = { 'cni.dev/valid-attachments': [{ containerID: 'c1', ifname: 'eth0' }] };
  expect(cni('GC', {}, { ...web, ...inUse })).toEqual({ status: 0, json: undefined });
  const names = (await api.sandboxes.listSandboxes({})).sandboxes.map(({ sandbox }) => sandbox?.spec?.name);
  expect(names).toEqual(['c1', 'c3', 'mine']);
  expect(cni('GC', {}, web)).toMatchObject({ status: 1, json: { code: 7 } });
  expect(cni('GC', {}, { ...web, ...inUse, host: 'elsewhere' })).toMatchObject({ status: 1, json: { code: 105 } });
  expect(cni('STATUS', {}, web)).toEqual({ status: 0, json: undefined });
  expect(cni('STATUS', {}, { ...web, network: 'nowhere' })).toMatchObject({ status: 1, json: { code: 50 } });
  for (const one of [web, both]) cni('GC', {}, { ...one, 'cni.dev/valid-attachments': [] });
  await api.sandboxes.removeSandbox({ sandbox: 'mine' });
  expect(await everything()).toEqual(nothing);
});

describe('what cannot be is said by its number, and leaves nothing', () => {
  const c1 = () => container('bad', path('c1'));
  test.each<[string, () => Answer, number, RegExp]>([
    ['no weft', () => cni('ADD', c1(), conf('web', { weftHost: 'unix:///no.sock' })), 11, /cannot reach weft.*ENOENT/],
    ['no weft, DEL', () => cni('DEL', c1(), conf('web', { weftHost: 'unix:///no.sock' })), 11, /cannot reach weft/],
    ['no network', () => cni('ADD', c1(), conf('nets')), 7, /network nets not found/],
    ['no namespace', () => cni('ADD', container('bad', '/no/netns'), conf('web')), 4, /\/no\/netns/],
    [
      'an address of another subnet',
      () => cni('ADD', c1(), conf('web', { runtimeConfig: { ips: ['10.9.9.9'] } })),
      103,
      /10\.9\.9\.9/,
    ],
    ['an address in use', () => cni('ADD', { ...c1(), CNI_ARGS: 'IP=10.61.0.1' }, conf('web')), 106, /10\.61\.0\.1/],
    ['no JSON', () => cni('ADD', c1(), '{'), 6, /no JSON/],
    ['an old version', () => cni('ADD', c1(), conf('web', { cniVersion: '0.2.0' })), 1, /0\.2\.0/],
    ['a host that is none', () => cni('ADD', c1(), conf('web', { host: 'elsewhere' })), 105, /no such host: elsewhere/],
    [
      "a sandbox of somebody's own",
      () => cni('ADD', container('taken', path('c1')), conf('web')),
      106,
      /weft sandbox rm taken/,
    ],
  ])('%s', async (_, call, code, msg) => {
    await api.sandboxes.createSandbox({ spec: { name: 'taken' } });
    try {
      expect(call()).toMatchObject({ status: 1, json: { code, msg: expect.stringMatching(msg) } });
      expect(await everything()).toEqual({ ...nothing, sandboxes: 1 });
      // Not its own either.
      expect(cni('DEL', container('taken', path('c1')), conf('web')).status).toBe(0);
      expect(await everything()).toEqual({ ...nothing, sandboxes: 1 });
    } finally {
      await api.sandboxes.removeSandbox({ sandbox: 'taken' });
    }
  });
});

test('what install makes is a plugin where runtimes look, with a configuration that works', () => {
  const flags = ['--network', 'web', '--weft-host', host.address, '--host', host.name];
  const directories = ['--bin-dir', path('bin'), '--conf-dir', path('net.d'), '--lib-dir', path('lib')];
  const installed = host.run(plugin, ['install', ...flags, ...directories]);
  expect(installed.stdout).toBe(`${path('bin')}/weft-cni\n${path('net.d')}/90-weft.conflist\n`);
  const list = JSON.parse(host.run('cat', [path('net.d/90-weft.conflist')]).stdout);
  const { cniVersion, name, plugins } = list as { cniVersion: string; name: string; plugins: object[] };
  // As libcni puts it together: the plugin's own keys, the list's version and name.
  const own = { ...plugins[0], capabilities: undefined, cniVersion, name };
  const program = path('bin/weft-cni');
  const c1 = container('installed', path('c1'));
  expect(cni('ADD', c1, own, program)).toMatchObject({ status: 0, json: { interfaces: [{ name: 'eth0' }] } });
  expect(cni('DEL', c1, own, program)).toEqual({ status: 0, json: undefined });
  // Again, over what is there: one copy of Node stays.
  host.run(plugin, ['install', ...flags, ...directories]);
  expect(
    host
      .run('ls', [path('lib')])
      .stdout.trim()
      .split('\n'),
  ).toHaveLength(1);
});

test('weft away: DEL fails, so that the runtime tries again, and the container is there when weft is back', async () => {
  const c1 = container('stays', path('c1'));
  const added = cni('ADD', c1, conf('web'));
  expect(added.status).toBe(0);
  await weft.stop();
  expect(cni('DEL', c1, conf('web'))).toMatchObject({ status: 1, json: { code: 11 } });
  expect(inNamespace(path('c1'), 'ip -br link')).toContain('eth0');
  weft = await host.up();
  expect(cni('CHECK', c1, conf('web', { prevResult: added.json }))).toEqual({ status: 0, json: undefined });
  expect(cni('DEL', c1, conf('web')).status).toBe(0);
  await expect.poll(everything).toEqual(nothing);
});
