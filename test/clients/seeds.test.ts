// The first sessions people had with docker network, typed with weft in place of docker.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Host, makeHost } from '../lib/host.ts';

let host: Host;
const words = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s{2,}/));
const inspect = (name: string) => JSON.parse(host.weft('network', 'inspect', name).stdout)[0];
const weft = (...args: string[]) => {
  const ran = host.weft(...args);
  expect(ran, `weft ${args.join(' ')}`).toMatchObject({ status: 0, stderr: '' });
  return ran.stdout;
};

beforeAll(async () => {
  host = makeHost();
  await host.up();
});
afterAll(async () => await host.remove());

test('network ls shows bridge, host and none', () => {
  const [head, ...rows] = words(weft('network', 'ls'));
  expect(head).toEqual(['NETWORK ID', 'NAME', 'DRIVER', 'SCOPE']);
  expect(rows.map(([id, ...rest]) => [id?.length, ...rest])).toEqual([
    [12, 'bridge', 'bridge', 'local'],
    [12, 'host', 'host', 'local'],
    [12, 'none', 'null', 'local'],
  ]);
});

test('inspect shows each of them with every field', () => {
  for (const [name, driver] of [
    ['none', 'null'],
    ['host', 'host'],
    ['bridge', 'bridge'],
  ] as const) {
    const one = inspect(name);
    expect(Object.keys(one)).toEqual(
      expect.arrayContaining([
        'Name',
        'Id',
        'Created',
        'Scope',
        'Driver',
        'EnableIPv4',
        'EnableIPv6',
        'IPAM',
        'Internal',
        'Attachable',
        'Ingress',
        'ConfigFrom',
        'ConfigOnly',
        'Containers',
        'Options',
        'Labels',
      ]),
    );
    expect(one).toMatchObject({ Name: name, Driver: driver, Scope: 'local', IPAM: { Driver: 'default' } });
    expect(one.Id).toMatch(/^[0-9a-f]{64}$/);
  }
  expect(inspect('bridge').Options).toMatchObject({
    'com.docker.network.bridge.default_bridge': 'true',
    'com.docker.network.bridge.enable_icc': 'true',
    'com.docker.network.bridge.enable_ip_masquerade': 'true',
    'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
    'com.docker.network.bridge.name': 'weft0',
    'com.docker.network.driver.mtu': '1500',
  });
  expect(inspect('bridge').IPAM.Config).toEqual([{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }]);
});

test('create, connect, disconnect, rm: eth1 comes and goes, and nothing else changes', () => {
  weft('sandbox', 'create', 'vim', '--network', 'bridge');
  const addresses = () => JSON.parse(weft('sandbox', 'exec', 'vim', '--', 'ip', '-j', 'addr'));
  const names = (links: { ifname: string }[]) => links.map((link) => link.ifname);
  const before = addresses();
  expect(names(before)).toEqual(['lo', 'eth0']);

  const id = weft(
    'network',
    'create',
    '-d',
    'bridge',
    '--ip-range=192.168.1.0/24',
    '--gateway=192.168.1.1',
    '--subnet=192.168.1.0/24',
    'bridge2',
  ).trim();
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  expect(words(weft('network', 'ls')).map(([, name]) => name)).toContain('bridge2');

  weft('network', 'connect', 'bridge2', 'vim');
  const during = addresses();
  expect(names(during)).toEqual(['lo', 'eth0', 'eth1']);
  const eth1 = during[2];
  expect(eth1.address).toBe('02:42:c0:a8:01:02');
  const infos = eth1.addr_info.map((one: { local: string; prefixlen: number }) => `${one.local}/${one.prefixlen}`);
  expect(infos).toEqual(['192.168.1.2/24', 'fe80::42:c0ff:fea8:102/64']);
  const [container] = Object.values(inspect('bridge2').Containers) as Record<string, string>[];
  expect(container).toMatchObject({ Name: 'vim', MacAddress: '02:42:c0:a8:01:02', IPv4Address: '192.168.1.2/24' });

  weft('network', 'disconnect', 'bridge2', 'vim');
  expect(names(addresses())).toEqual(names(before));
  weft('network', 'rm', 'bridge2');
  expect(words(weft('network', 'ls')).map(([, name]) => name)).not.toContain('bridge2');
  weft('sandbox', 'rm', 'vim');
});
