// Sandboxes as people use them: made or adopted, with static addresses, several networks, files, and commands in them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createNamespace, deleteNamespace } from '@weft/kernel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clients, type Host, makeHost } from '../lib/host.ts';
import { Reason } from '../lib/proto.ts';

let host: Host;
let api: Clients;
beforeEach(async () => {
  host = makeHost();
  await host.up();
  api = host.clients();
  await api.networks.createNetwork({ spec: { name: 'one', ipam: { configs: [{ subnet: '10.1.0.0/24' }] } } });
  await api.networks.createNetwork({ spec: { name: 'two', ipam: { configs: [{ subnet: '10.2.0.0/24' }] } } });
});
afterEach(async () => await host.remove());

const inside = (sandbox: string, ...command: string[]) => host.weft('sandbox', 'exec', sandbox, '--', ...command);
const defaultRoute = (sandbox: string) =>
  JSON.parse(inside(sandbox, 'ip', '-j', 'route').stdout).find((one: { dst: string }) => one.dst === 'default');
const links = (sandbox: string) =>
  JSON.parse(inside(sandbox, 'ip', '-j', 'addr').stdout) as {
    ifname: string;
    address: string;
    addr_info: { local: string }[];
  }[];

test('static address, MAC, link-local address and interface name', async () => {
  await api.sandboxes.createSandbox({
    spec: { name: 'a' },
    attachments: [
      {
        network: 'one',
        spec: {
          ipv4Address: '10.1.0.99',
          macAddress: '02:00:00:00:00:99',
          linkLocalIps: ['169.254.7.7'],
          driverOptions: {
            'com.docker.network.endpoint.ifname': 'wan0',
            'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.log_martians=1',
          },
        },
      },
    ],
  });
  const wan0 = links('a').find((link) => link.ifname === 'wan0');
  expect(wan0?.address).toBe('02:00:00:00:00:99');
  expect(wan0?.addr_info.map((one) => one.local)).toEqual(expect.arrayContaining(['10.1.0.99', '169.254.7.7']));
  expect(inside('a', 'cat', '/proc/sys/net/ipv4/conf/wan0/log_martians').stdout.trim()).toBe('1');
});

test('the default route follows the gateway priority, and moves when its endpoint goes', async () => {
  await api.sandboxes.createSandbox({
    spec: { name: 'a' },
    attachments: [{ network: 'one' }, { network: 'two', spec: { gatewayPriority: 10 } }],
  });
  expect(defaultRoute('a')).toMatchObject({ gateway: '10.2.0.1', dev: 'eth1' });
  await api.endpoints.disconnect({ network: 'two', sandbox: 'a' });
  expect(defaultRoute('a')).toMatchObject({ gateway: '10.1.0.1', dev: 'eth0' });
  await api.endpoints.disconnect({ network: 'one', sandbox: 'a' });
  expect(defaultRoute('a')).toBeUndefined();
  expect(links('a').map((link) => link.ifname)).toEqual(['lo']);
});

test('hosts and resolv.conf are generated, and commands in the sandbox see them', async () => {
  await api.sandboxes.createSandbox({
    spec: {
      name: 'a',
      hostname: 'web',
      dns: { servers: ['192.0.2.53'], search: ['example.org'], options: [] },
      extraHosts: ['db:10.9.9.9'],
    },
    attachments: [{ network: 'one' }],
  });
  expect(inside('a', 'cat', '/etc/hosts').stdout).toContain('10.9.9.9\tdb\n10.1.0.2\tweb\n');
  expect(inside('a', 'cat', '/etc/resolv.conf').stdout).toContain(
    'nameserver 127.0.0.11\nsearch example.org\noptions ndots:0\n',
  );
  await api.endpoints.connect({ network: 'two', sandbox: 'a' });
  expect(inside('a', 'cat', '/etc/hosts').stdout).toContain('10.2.0.2\tweb\n');
});

test('exec runs in the caller\u2019s tree: exit code, standard input, environment, directory', async () => {
  await api.sandboxes.createSandbox({ spec: { name: 'a' }, attachments: [{ network: 'one' }] });
  const echo = host.run(
    'sh',
    [
      '-c',
      'cd /usr && X=y node_modules/.bin/weft sandbox exec a -- sh -c \'cat; echo "$X $PWD"; exit 7\''.replace(
        'node_modules',
        `${new URL('../../node_modules', import.meta.url).pathname}`,
      ),
    ],
    { mayFail: true, input: 'in\n' },
  );
  expect(echo).toEqual({ status: 7, stdout: 'in\ny /usr\n', stderr: '' });
  expect(inside('a', 'no-such-command').status).toBe(127);
  expect(inside('nobody', 'true')).toMatchObject({ status: 1, stderr: expect.stringContaining('[not found]') });
});

test('a namespace adopted by path keeps what was in it, and is lost when it goes', async () => {
  const path = `${host.runDir}/theirs`;
  createNamespace(path);
  host.run('nsenter', [`--net=${path}`, 'ip', 'link', 'add', 'mine', 'type', 'bridge']);
  const { sandbox } = await api.sandboxes.createSandbox({
    spec: { name: 'a', namespace: { $case: 'path', value: path } },
    attachments: [{ network: 'one' }],
  });
  expect(
    links('a')
      .map((link) => link.ifname)
      .sort(),
  ).toEqual(['eth0', 'lo', 'mine']);
  const lost = events('sandbox', 'lost');
  deleteNamespace(path);
  expect((await lost)?.id).toBe(sandbox?.id);
  const { endpoints } = await api.endpoints.listEndpoints({ network: 'one' });
  expect(endpoints[0]?.desired?.addresses[0]?.cidr).toBe('10.1.0.2/24'); // it keeps its address until it is removed
  await expect(api.endpoints.connect({ network: 'two', sandbox: 'a' })).rejects.toMatchObject({
    reason: Reason.NAMESPACE_GONE,
  });
  await api.sandboxes.removeSandbox({ sandbox: 'a' });
  expect((await api.endpoints.listEndpoints({ network: 'one' })).endpoints).toEqual([]);
});

test('a namespace adopted by pid gives everything back when the sandbox is removed', async () => {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  await api.sandboxes.createSandbox({
    spec: { name: 'a', namespace: { $case: 'pid', value: pid } },
    attachments: [{ network: 'one' }, { network: 'two' }],
  });
  const namesInside = () =>
    JSON.parse(host.run('nsenter', ['-t', String(pid), '-n', 'ip', '-j', 'link']).stdout).map(
      (link: { ifname: string }) => link.ifname,
    );
  expect(namesInside()).toEqual(['lo', 'eth0', 'eth1']);
  await api.sandboxes.removeSandbox({ sandbox: 'a' });
  expect(namesInside()).toEqual(['lo']);
  child.kill('SIGKILL');
});

test('a sandbox that shares another\u2019s namespace has its interfaces and none of its own', async () => {
  await api.sandboxes.createSandbox({ spec: { name: 'a' }, attachments: [{ network: 'one' }] });
  await api.sandboxes.createSandbox({ spec: { name: 'side', namespace: { $case: 'sharedWith', value: 'a' } } });
  expect(links('side')).toEqual(links('a'));
  await expect(api.endpoints.connect({ network: 'two', sandbox: 'side' })).rejects.toMatchObject({
    reason: Reason.SHARED_NAMESPACE,
  });
  await expect(api.sandboxes.removeSandbox({ sandbox: 'a' })).rejects.toMatchObject({ reason: Reason.IN_USE });
  await api.sandboxes.removeSandbox({ sandbox: 'side' });
  await api.sandboxes.removeSandbox({ sandbox: 'a' });
});

test('networks host and none', async () => {
  await api.sandboxes.createSandbox({ spec: { name: 'h' }, attachments: [{ network: 'host' }] });
  await api.sandboxes.createSandbox({ spec: { name: 'n' }, attachments: [{ network: 'none' }] });
  expect(links('n').map((link) => link.ifname)).toEqual(['lo']);
  expect(links('h').map((link) => link.ifname)).toContain('weft0');
  const { endpoints } = await api.networks.getNetwork({ network: 'host' });
  expect(endpoints.map((one) => one.sandbox?.spec?.name)).toEqual(['h']);
  await api.sandboxes.removeSandbox({ sandbox: 'h' });
});

/** The first event of a kind from now on. */
async function events(kind: string, what: string) {
  for await (const { event } of api.system.events({ filters: { kind: { values: [kind] }, what: { values: [what] } } }))
    return event;
  return undefined;
}
