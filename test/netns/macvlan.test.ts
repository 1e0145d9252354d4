// macvlan networks by the kernel: who reaches whom in each mode, with real packets, and what is refused. The outside machine is a
// namespace behind the parent, which is one end of a veth pair.
import { findLink, withNetlink } from '@weft/kernel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertInvariants } from '../invariants/check.ts';
import { type Clients, type Host, makeHost, type Running } from '../lib/host.ts';

let host: Host;
let outside: Host;
let api: Clients;
let weft: Running;
const modes = ['bridge', 'private', 'vepa', 'passthru'] as const;
const links = () => host.sh('ip -o link').stdout;
let before = '';

const subnet = (mode: string) => `10.${10 + (modes as readonly string[]).indexOf(mode)}.0`;
const addressOf = (name: string, mode: string) => `${subnet(mode)}.${name.endsWith('1') ? 11 : 12}`;

async function sandboxOn(network: string, name: string, ip = ''): Promise<void> {
  await api.sandboxes.createSandbox({ spec: { name }, attachments: [{ network, spec: { ipv4Address: ip } }] });
}

const reaches = (from: string, address: string): boolean =>
  host.weft('sandbox', 'exec', from, '--', 'ping', '-c1', '-W1', address).status === 0;

beforeAll(async () => {
  host = makeHost();
  outside = makeHost();
  for (const mode of [...modes, 'spare']) {
    host.sh(`ip link add p${mode} type veth peer name o${mode} netns ${outside.netns}`);
    host.sh(`ip link set p${mode} up`);
    outside.sh(`ip link set o${mode} up`);
    if (mode !== 'spare') outside.sh(`ip addr add ${subnet(mode)}.1/24 dev o${mode}`);
    if (mode !== 'spare') host.sh(`ip addr add ${subnet(mode)}.2/24 dev p${mode}`);
  }
  weft = await host.up();
  before = links();
  api = host.clients();
  for (const mode of modes) {
    const base = subnet(mode);
    const made = host.weft(
      ...['network', 'create', '-d', 'macvlan', '--subnet', `${base}.0/24`, '--gateway', `${base}.1`],
      ...['-o', `parent=p${mode}`, '-o', `macvlan_mode=${mode}`, `on-${mode}`],
    );
    expect(made.stderr).toBe('');
    await sandboxOn(`on-${mode}`, `${mode}1`, `${base}.11`);
    if (mode !== 'passthru') await sandboxOn(`on-${mode}`, `${mode}2`, `${base}.12`);
  }
});
afterAll(async () => {
  await host.remove();
  await outside.remove();
});

describe.each(modes)('mode %s', (mode) => {
  test('a sandbox reaches the machine behind the parent, by its gateway too', () => {
    expect(reaches(`${mode}1`, `${subnet(mode)}.1`)).toBe(true);
    const route = host.weft('sandbox', 'exec', `${mode}1`, '--', 'ip', 'route').stdout;
    expect(route).toContain(`default via ${subnet(mode)}.1 dev eth0`);
  });

  test('the host does not reach it, and explain says why', () => {
    expect(host.sh(`ping -c1 -W1 ${addressOf(`${mode}1`, mode)}`, { mayFail: true }).status).not.toBe(0);
    const said = host.weft('explain', 'host', `${mode}1`, 'icmp');
    expect(said.status).toBe(1);
    expect(said.stdout).toContain(`p${mode}`);
  });
});

test.each(modes.filter((mode) => mode !== 'passthru'))('two sandboxes reach each other as mode %s says', (mode) => {
  expect(reaches(`${mode}1`, addressOf(`${mode}2`, mode))).toBe(mode === 'bridge');
});

test('what explain says of two sandboxes is so', () => {
  expect(host.weft('explain', 'bridge1', 'bridge2', 'icmp').status).toBe(0);
  expect(host.weft('explain', 'private1', 'private2', 'icmp').status).toBe(1);
  const vepa = host.weft('explain', 'vepa1', 'vepa2', 'icmp');
  expect(vepa.status).toBe(1);
  expect(vepa.stdout).toContain('weft does not know');
});

test('names are answered in the sandbox', () => {
  const { stdout } = host.weft('sandbox', 'exec', 'bridge1', '--', 'getent', 'hosts', 'bridge2');
  expect(stdout).toContain(addressOf('bridge2', 'bridge'));
});

test('without a parent, sandboxes have each other and nothing else', async () => {
  await api.networks.createNetwork({
    spec: {
      ...{ name: 'lone', driver: 'macvlan', enableIpv6: true },
      ipam: { configs: [{ subnet: '10.30.0.0/24' }, { subnet: 'fd00:30::/64' }] },
    },
  });
  await sandboxOn('lone', 'lone1', '10.30.0.11');
  await sandboxOn('lone', 'lone2', '10.30.0.12');
  expect(reaches('lone1', '10.30.0.12')).toBe(true);
  expect(host.weft('sandbox', 'exec', 'lone1', '--', 'ip', 'route').stdout).not.toContain('default');
  expect(host.weft('sandbox', 'exec', 'lone1', '--', 'ip', 'link', 'show', 'eth0').stdout).toContain('mtu 1500');
  // Not even one that sets its own route hears the host: its frames end at the parent's far end.
  host.sh('ip addr add 10.99.0.1/32 dev lo');
  host.weft('sandbox', 'exec', 'lone1', '--', 'ip', 'route', 'add', '10.99.0.1/32', 'dev', 'eth0');
  expect(reaches('lone1', '10.99.0.1')).toBe(false);
  const id = host.weft('network', 'inspect', '-f', '{{.Id}}', 'lone').stdout.slice(0, 12);
  expect(links()).toContain(`dm-${id}`);
  await assertInvariants({ runDir: host.runDir, dataDir: host.dataDir, netns: host.netns });
  for (const name of ['lone1', 'lone2']) expect(host.weft('sandbox', 'rm', name).stderr).toBe('');
  expect(host.weft('network', 'rm', 'lone').stderr).toBe('');
  expect(links()).not.toContain(id);
});

test('a port is not published and does no harm', async () => {
  const made = host.weft('sandbox', 'create', 'porty', '--network', 'bridge0x', '-p', '8080:80');
  expect(made.status).not.toBe(0);
  expect(host.weft('sandbox', 'create', 'ported', '--network', 'on-private', '-p', '8080:80').stderr).toBe('');
  expect(host.weft('sandbox', 'port', 'ported').stdout).toBe('');
  host.weft('sandbox', 'rm', 'ported');
});

describe('drift', () => {
  const netnsOf = (name: string) => {
    const id = host.weft('sandbox', 'inspect', '-f', '{{.Id}}', name).stdout.trim();
    return `${host.runDir}/netns/${id.slice(0, 12)}`;
  };
  const linkIn = (name: string) => withNetlink(netnsOf(name), (socket) => findLink(socket, 'eth0'));
  const comesBack = async (name: string) =>
    await expect.poll(() => reaches(name, `${subnet('bridge')}.1`), { timeout: 10_000 }).toBe(true);

  test.each([
    ['deleted', 'ip link del eth0'],
    ['renamed', 'ip link set eth0 down; ip link set eth0 name other0'],
    ['without its address', 'ip addr flush dev eth0'],
    ['down', 'ip link set eth0 down'],
  ])('an interface that is %s comes back', async (_what, line) => {
    host.weft('sandbox', 'exec', 'bridge2', '--', 'sh', '-c', line);
    await comesBack('bridge2');
  });

  test('a parent that is gone is a fault, and all is back when it is', async () => {
    host.sh('ip link del pbridge');
    await expect.poll(() => linkIn('bridge1'), { timeout: 10_000 }).toBeUndefined();
    const status = async () => {
      const { sandbox } = await api.sandboxes.getSandbox({ sandbox: 'bridge1' });
      const { endpoints } = await api.endpoints.listEndpoints({});
      const faults = endpoints.filter((one) => one.desired?.sandboxId === sandbox?.id).map((one) => one.status?.fault);
      return JSON.stringify(faults);
    };
    await expect.poll(status, { timeout: 10_000 }).toContain('the host has no interface \\"pbridge\\"');
    host.sh(`ip link add pbridge type veth peer name obridge netns ${outside.netns} && ip link set pbridge up`);
    outside.sh(`ip link set obridge up && ip addr add ${subnet('bridge')}.1/24 dev obridge`);
    await comesBack('bridge1');
    await comesBack('bridge2');
  });

  test('an agent that starts again finds all as it was', async () => {
    const was = linkIn('bridge1')?.index;
    await weft.stop();
    weft = await host.up();
    expect(reaches('bridge1', addressOf('bridge2', 'bridge'))).toBe(true);
    expect(linkIn('bridge1')?.index).toBe(was);
  });
});

describe('what is refused leaves nothing behind', () => {
  const create = (...args: string[]) => host.weft('network', 'create', '-d', ...args, 'bad');
  test.each([
    [['macvlan', '-o', 'parent=lo'], 'loopback interface is not a valid macvlan parent link'],
    [['ipvlan', '-o', 'parent=lo'], 'loopback interface is not a valid ipvlan parent link'],
    [
      ['macvlan', '-o', 'macvlan_mode=x'],
      "requested macvlan mode 'x' is not valid, 'bridge' mode is the macvlan driver default",
    ],
    [
      ['ipvlan', '-o', 'ipvlan_mode=l4'],
      "requested ipvlan mode 'l4' is not valid, 'l2' mode is the ipvlan driver default",
    ],
    [['macvlan', '-o', 'parent=eth0.4095'], 'vlan id must be between 1-4094, received: 4095'],
    [['macvlan', '-o', 'macvlan_mode=passthru'], 'give one as option parent'],
    [['macvlan', '-o', 'macvlan_mod=bridge'], 'did you mean macvlan_mode?'],
    [['macvlan', '-o', 'parent=a name'], 'is not an interface name'],
    [['macvlan', '-o', 'parent=ppassthru'], 'parent ppassthru is used by network "on-passthru"'],
    [
      ['macvlan', '-o', 'parent=pbridge', '-o', 'macvlan_mode=passthru'],
      'parent pbridge is used by network "on-bridge"',
    ],
  ])('network create -d %j', (args, sentence) => {
    const { status, stderr } = create(...args);
    expect(stderr).toContain(sentence);
    expect(status).toBe(1);
    expect(host.weft('network', 'ls').stdout).not.toContain(' bad ');
  });

  test.each([
    ['a parent that is not there', ['macvlan', '-o', 'parent=none9'], 'the host has no interface "none9"'],
    ['a parent that is down', ['macvlan', '-o', 'parent=pdown'], 'the host\'s interface "pdown" is down'],
    [
      'an MTU above the parent\u2019s',
      ['macvlan', '-o', 'parent=pspare', '-o', 'com.docker.network.driver.mtu=9000'],
      'MTU 9000 is more than the 1500 of its parent "pspare"',
    ],
    ['ipvlan where the kernel has none', ['ipvlan', '-o', 'parent=pspare'], 'the kernel has no ipvlan interfaces'],
  ])('connecting to %s', (_what, args, sentence) => {
    host.sh('ip link add pdown type veth peer name odown', { mayFail: true });
    expect(create(...args).stderr).toBe('');
    const { status, stderr } = host.weft('sandbox', 'create', 'refused', '--network', 'bad');
    expect(stderr).toContain(sentence);
    expect(status).toBe(1);
    expect(host.weft('sandbox', 'ls').stdout).not.toContain('refused');
    expect(host.weft('network', 'rm', 'bad').stderr).toBe('');
    host.sh('ip link del pdown', { mayFail: true });
  });

  test('a VLAN where the kernel has none', () => {
    const { status, stderr } = create('macvlan', '-o', 'parent=pspare.10');
    expect(stderr).toContain('the kernel has no vlan interfaces');
    expect(status).toBe(1);
    expect(host.weft('network', 'ls').stdout).not.toContain(' bad ');
  });

  test('a second sandbox on a passthru parent', () => {
    const { stderr } = host.weft('sandbox', 'create', 'second', '--network', 'on-passthru');
    expect(stderr).toContain('mode passthru needs the parent "ppassthru" for itself');
    expect(host.weft('sandbox', 'ls').stdout).not.toContain('second');
  });

  test('a MAC address in mode passthru', () => {
    const { stderr } = host.weft(
      'sandbox',
      'create',
      'second',
      '--network',
      'name=on-passthru,mac-address=02:42:00:00:00:09',
    );
    expect(stderr).toContain('has the MAC address of its parent');
  });
});

test('macvlan networks share a parent', async () => {
  expect(
    host.weft('network', 'create', '-d', 'macvlan', '--subnet', '10.40.0.0/24', '-o', 'parent=pprivate', 'beside')
      .stderr,
  ).toBe('');
  await sandboxOn('beside', 'beside1');
  host.weft('sandbox', 'rm', 'beside1');
  expect(host.weft('network', 'rm', 'beside').stderr).toBe('');
  // The other one keeps its hold.
  const { stderr } = host.weft(
    'network',
    'create',
    '-d',
    'macvlan',
    '-o',
    'parent=pprivate',
    '-o',
    'macvlan_mode=passthru',
    'bad',
  );
  expect(stderr).toContain('parent pprivate is used by network "on-private"');
});

test('all of it goes', async () => {
  await assertInvariants({ runDir: host.runDir, dataDir: host.dataDir, netns: host.netns });
  for (const mode of modes) {
    for (const at of mode === 'passthru' ? [1] : [1, 2]) host.weft('sandbox', 'rm', `${mode}${at}`);
    expect(host.weft('network', 'rm', `on-${mode}`).stderr).toBe('');
  }
  const names = (text: string) => [...text.matchAll(/^\d+: ([^:@]+)/gm)].map(([, name]) => name).sort();
  expect(names(links())).toEqual(names(before));
});

test('weft down --purge takes interfaces from namespaces that weft adopted', async () => {
  const [one, adopted] = [makeHost(), makeHost()];
  try {
    one.sh('ip link add up0 type veth peer name up1 && ip link set up0 up && ip link set up1 up');
    const running = await one.up();
    expect(one.weft('network', 'create', '-d', 'macvlan', '-o', 'parent=up0', 'm').stderr).toBe('');
    expect(one.weft('sandbox', 'create', 'x', '--network', 'm', '--netns', adopted.netns).stderr).toBe('');
    expect(adopted.sh('ip -o link').stdout).toContain('eth0');
    await running.stop();
    one.weft('down', '--purge', '--run-dir', one.runDir, '--data-dir', one.dataDir);
    expect(adopted.sh('ip -o link').stdout).not.toContain('eth0');
    expect(one.sh('ip -o link show up0').stdout).toContain('UP');
  } finally {
    await one.remove();
    await adopted.remove();
  }
});
