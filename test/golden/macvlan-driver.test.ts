// Intent in, HostState out: for each kind of macvlan and ipvlan network and endpoint the exact objects, one line each, in
// test/golden/hoststate; and what is refused before anything is written.
import type { Driver } from '@weft/driver';
import { Reason, reasonName } from '@weft/fault';
import { keyOf, textOfAll } from '@weft/hoststate';
import { ipvlanDriver, macvlanDriver } from '@weft/macvlan-driver';
import { Endpoint, Family, Host, Network, Phase, Protocol, Sandbox } from '@weft/proto/model';
import { describe, expect, test } from 'vitest';

const id = (digit: string) => digit.repeat(64);

interface Case {
  readonly driver?: Driver;
  readonly options?: Record<string, string>;
  readonly internal?: boolean;
  readonly ipv6?: boolean;
  readonly gateway?: string;
  readonly endpoint?: Parameters<typeof Endpoint.fromPartial>[0]['spec'];
}

const cases: Record<string, Case> = {
  'macvlan-bridge': { options: { parent: 'eth0' }, gateway: '10.1.0.1', ipv6: true },
  'macvlan-private-vlan': { options: { parent: 'eth0.10', macvlan_mode: 'private' }, gateway: '10.1.0.254' },
  'macvlan-vepa-mtu': {
    options: { parent: 'eth0', macvlan_mode: 'vepa', 'com.docker.network.driver.mtu': '1400' },
    endpoint: {
      driverOptions: { 'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.log_martians=1' },
      linkLocalIps: ['169.254.1.2'],
    },
  },
  'macvlan-passthru': { options: { parent: 'eth0', macvlan_mode: 'passthru' }, gateway: '10.1.0.1' },
  'macvlan-internal': { options: { parent: 'eth0' }, internal: true, gateway: '10.1.0.1' },
  'macvlan-without-parent': { gateway: '10.1.0.1' },
  'ipvlan-l2': { driver: ipvlanDriver, options: { parent: 'eth0' }, gateway: '10.1.0.1' },
  'ipvlan-l3-private': {
    driver: ipvlanDriver,
    options: { parent: 'eth0', ipvlan_mode: 'l3', ipvlan_flag: 'private' },
    gateway: '10.1.0.1',
    ipv6: true,
  },
  'ipvlan-l3s-vlan': {
    driver: ipvlanDriver,
    options: { parent: 'eth1.4094', ipvlan_mode: 'l3s', ipvlan_flag: 'vepa' },
  },
  'ipvlan-without-parent': { driver: ipvlanDriver },
};

function draftOf({ options = {}, internal = false, ipv6 = false, gateway = '' }: Case): Network {
  const pool = (family: Family, subnet: string, at: string) => ({ poolId: `p${family}`, family, subnet, gateway: at });
  return Network.fromPartial({
    id: id('a'),
    spec: { name: 'net', options },
    desired: {
      phase: Phase.ALLOCATING,
      options,
      enableIpv4: true,
      enableIpv6: ipv6,
      internal,
      pools: [
        pool(Family.IPV4, '10.1.0.0/24', gateway),
        ...(ipv6 ? [pool(Family.IPV6, 'fd00:1::/64', 'fd00:1::1')] : []),
      ],
    },
  });
}

function compileCase(one: Case) {
  const driver = one.driver ?? macvlanDriver;
  const draft = draftOf(one);
  const verdict = driver.validateNetwork(draft);
  const network = Network.fromPartial({ ...draft, desired: { ...draft.desired, options: { ...verdict.options } } });
  const wanted = Endpoint.fromPartial({ id: id('b'), networkId: network.id, spec: one.endpoint ?? {} });
  const answer = driver.validateEndpoint(network, wanted);
  const endpoint = Endpoint.fromPartial({
    ...wanted,
    desired: {
      phase: Phase.READY,
      sandboxId: id('c'),
      interfaceName: `${answer.interfacePrefix}0`,
      macAddress: answer.withoutMac ? '' : '02:42:0a:01:00:02',
      addresses: [
        { family: Family.IPV4, cidr: '10.1.0.2/24', poolId: 'p4' },
        ...(one.ipv6 ? [{ family: Family.IPV6, cidr: 'fd00:1::2/64', poolId: 'p6' }] : []),
      ],
    },
  });
  return {
    faults: [...verdict.faults, ...answer.faults],
    claims: verdict.claims ?? [],
    network: driver.compileNetwork(network, host),
    endpoint: driver.compileEndpoint({ network, endpoint, sandbox: Sandbox.fromPartial({ id: id('c') }), host }),
  };
}

const host = Host.fromPartial({ id: id('0'), name: 'h' });

describe.each(Object.entries(cases))('%s', (name, one) => {
  const { faults, claims, network, endpoint } = compileCase(one);

  test('compiles to what the golden says', async () => {
    expect(faults).toEqual([]);
    const text = [
      `claims ${claims.join(', ') || '-'}`,
      '# the network',
      textOfAll(network),
      '# an endpoint of it',
      textOfAll(endpoint.local),
      `gateways ${endpoint.gatewayIpv4 || '-'} ${endpoint.gatewayIpv6 || '-'}`,
      '',
    ].join('\n');
    await expect(text).toMatchFileSnapshot(`hoststate/${name}.txt`);
  });

  test('keys are those the specs give', () => {
    const all = [...network, ...endpoint.local];
    expect(all.map((object) => object.key)).toEqual(all.map((object) => object.spec && keyOf(object.spec)));
  });

  test('is deterministic', () => expect(compileCase(one)).toEqual({ faults, claims, network, endpoint }));
});

const long = 'com.docker.network.';
test.each<[string, Case, Reason, string]>([
  ['lo', { options: { parent: 'lo' } }, Reason.INVALID_OPTION, 'loopback interface is not a valid macvlan parent link'],
  ['VLAN 0', { options: { parent: 'eth0.0' } }, Reason.INVALID_OPTION, 'must be between 1-4094, received: 0'],
  ['a VLAN of lo', { options: { parent: 'lo.5' } }, Reason.INVALID_OPTION, 'loopback interface'],
  ['no interface name', { options: { parent: 'eth 0' } }, Reason.INVALID_OPTION, 'is not an interface name'],
  ["weft's own", { options: { parent: 'dm-0123456789ab' } }, Reason.INVALID_OPTION, 'weft gives by itself'],
  ['a mode', { options: { macvlan_mode: 'l2' } }, Reason.INVALID_OPTION, "requested macvlan mode 'l2' is not valid"],
  ['passthru of nothing', { options: { macvlan_mode: 'passthru' } }, Reason.CONFLICTING_FIELDS, 'option parent'],
  ["the other's option", { options: { ipvlan_mode: 'l2' } }, Reason.UNKNOWN_OPTION, 'ipvlan_mode'],
  ['an unknown key', { options: { macvlan_made: 'x' } }, Reason.UNKNOWN_OPTION, 'did you mean macvlan_mode?'],
  ['an MTU', { options: { [`${long}driver.mtu`]: '60' } }, Reason.INVALID_MTU, 'MTU 60 is not from 68'],
  ['an MTU of letters', { options: { [`${long}driver.mtu`]: 'x' } }, Reason.INVALID_MTU, 'is not a whole number'],
  [
    'a family twice',
    { options: { [`${long}enable_ipv6`]: 'true' } },
    Reason.CONFLICTING_FIELDS,
    'leave the option out',
  ],
  [
    'a flag',
    { driver: ipvlanDriver, options: { ipvlan_flag: 'x' } },
    Reason.INVALID_OPTION,
    "requested ipvlan flag 'x' is not valid",
  ],
  [
    "an endpoint's option",
    { options: { [`${long}endpoint.ifname`]: 'x' } },
    Reason.UNKNOWN_OPTION,
    'belongs to endpoints',
  ],
  [
    'a MAC of ipvlan',
    { driver: ipvlanDriver, endpoint: { macAddress: '02:42:00:00:00:01' } },
    Reason.INVALID_MAC,
    'ipvlan interfaces do not support custom mac address assignment',
  ],
  [
    'a MAC of passthru',
    {
      options: { parent: 'eth0', macvlan_mode: 'passthru' },
      endpoint: { driverOptions: { [`${long}endpoint.macaddress`]: '02:42:00:00:00:01' } },
    },
    Reason.INVALID_MAC,
    'the MAC address of its parent',
  ],
  [
    'port 0',
    { endpoint: { ports: [{ port: 0, protocol: Protocol.TCP }] } },
    Reason.INVALID_PORT,
    'it is not from 1 to 65535',
  ],
  [
    "a network's option",
    { endpoint: { driverOptions: { parent: 'eth0' } } },
    Reason.UNKNOWN_OPTION,
    'belongs to networks',
  ],
])('%s is refused', (_what, one, reason, sentence) => {
  const { faults } = compileCase(one);
  expect(faults.map((error) => reasonName(error.reason))).toEqual([reasonName(reason)]);
  expect(faults[0]?.message).toContain(sentence);
  expect(faults[0]?.metadata['field']).toMatch(/^(options|spec\.)/);
});
