// Intent in, HostState out: for each kind of bridge network and endpoint the exact objects, one line each, in
// test/golden/hoststate. A change there is a change of what hosts do: read it before you accept it.
import { bridgeDriver } from '@weft/bridge-driver';
import { Reason, reasonName } from '@weft/fault';
import { keyOf, textOfAll } from '@weft/hoststate';
import type { PortPlan } from '@weft/proto/driver';
import { Endpoint, Network, Protocol } from '@weft/proto/model';
import { describe, expect, test } from 'vitest';
import { type Case, cases, compileCase, draftOf } from './bridge-cases.ts';

const planText = ({ hostIps, families }: PortPlan, at: number) =>
  `plan ${at}: hold ${hostIps.join(' ') || '-'}, reach by ${families.map((family) => `IPv${family}`).join(' ') || '-'}`;

describe.each(Object.entries<Case>(cases))('%s', (name, one) => {
  const { faults, network, endpoint, plans, ports } = compileCase(one);

  test('compiles to what the golden says', async () => {
    expect(faults).toEqual([]);
    const gateways = `gateways ${endpoint.gatewayIpv4 || '-'} ${endpoint.gatewayIpv6 || '-'}`;
    const text = [
      '# the network',
      textOfAll(network),
      '# an endpoint of it',
      textOfAll(endpoint.local),
      gateways,
      ...(plans.length === 0 ? [] : ['# its ports', ...plans.map(planText)]),
      ...(ports.length === 0 ? [] : [textOfAll(new Map(ports.map((object) => [object.key, object])).values())]),
      '',
    ].join('\n');
    await expect(text).toMatchFileSnapshot(`hoststate/${name}.txt`);
  });

  test('keys are those the specs give, and none twice with different text', () => {
    const objects = [...network, ...endpoint.local];
    const all = [...objects, ...ports];
    expect(all.map((object) => object.key)).toEqual(all.map((object) => object.spec && keyOf(object.spec)));
    expect(new Set(objects.map((object) => object.key)).size).toBe(objects.length);
    const texts = new Map(all.map((object) => [object.key, textOfAll([object])]));
    for (const object of all) expect(textOfAll([object])).toBe(texts.get(object.key));
  });

  test('is deterministic', () => expect(compileCase(one)).toEqual({ faults, network, endpoint, plans, ports }));
});

const option = (key: string, value: string) => ({ options: { [`com.docker.network.${key}`]: value } });
const isolated = "gateway mode 'isolated' can only be used for an internal network";

test.each<[string, Case, Reason, string]>([
  [
    'an unknown key',
    option('bridge.enable_ic', 'true'),
    Reason.UNKNOWN_OPTION,
    'did you mean com.docker.network.bridge.enable_icc?',
  ],
  ['a slip', option('host_ip4', '192.0.2.9'), Reason.UNKNOWN_OPTION, 'did you mean com.docker.network.host_ipv4?'],
  ["an endpoint's option", option('endpoint.ifname', 'x'), Reason.UNKNOWN_OPTION, 'belongs to endpoints'],
  [
    'a mode',
    option('bridge.gateway_mode_ipv4', 'open'),
    Reason.INVALID_OPTION,
    'is not one of nat, nat-unprotected, routed, isolated',
  ],
  ['isolated and not internal', option('bridge.gateway_mode_ipv4', 'isolated'), Reason.CONFLICTING_FIELDS, isolated],
  [
    'isolated of a family that is off',
    option('bridge.gateway_mode_ipv6', 'isolated'),
    Reason.CONFLICTING_FIELDS,
    isolated,
  ],
  [
    'to isolated',
    { ...option('bridge.gateway_mode_ipv4', 'isolated'), desired: { internal: true } },
    Reason.OPTION_FIXED,
    'cannot change from or to isolated',
  ],
  ['host_ipv4 of IPv6', option('host_ipv4', 'fd00::9'), Reason.INVALID_OPTION, 'is not an IPv4 address of the host'],
  ['host_ipv6 of IPv4', option('host_ipv6', '192.0.2.9'), Reason.INVALID_OPTION, 'is not an IPv6 address of the host'],
  ['host_ipv4 of nobody', option('host_ipv4', '0.0.0.0'), Reason.INVALID_OPTION, 'is not an IPv4 address of the host'],
  [
    'a binding that is no address',
    option('bridge.host_binding_ipv4', 'eth0'),
    Reason.INVALID_OPTION,
    'is not an address',
  ],
  [
    'a binding to [::1]',
    option('bridge.host_binding_ipv4', '[::1]'),
    Reason.INVALID_OPTION,
    'publish on 127.0.0.1: the kernel cannot redirect [::1]',
  ],
  [
    'trusted interfaces',
    option('bridge.trusted_host_interfaces', 'eth0,eth1'),
    Reason.INVALID_OPTION,
    'separated by colons',
  ],
  ['a pattern for a name', option('bridge.name', 'br*'), Reason.INVALID_OPTION, 'is not an interface name'],
  ["another network's name", option('bridge.name', 'br-0123456789ab'), Reason.INVALID_OPTION, 'is not free'],
  [
    'too many announcements',
    option('advertise_addr_nmsgs', '4'),
    Reason.INVALID_OPTION,
    'is not a whole number from 0 to 3',
  ],
  [
    'announcements too fast',
    option('advertise_addr_ms', '99'),
    Reason.INVALID_OPTION,
    'is not a whole number from 100 to 2000',
  ],
  ['an MTU', option('driver.mtu', '67'), Reason.INVALID_MTU, 'is not from 68 to 65535'],
  ['a family twice', option('enable_ipv6', 'true'), Reason.CONFLICTING_FIELDS, 'leave the option out'],
])('refused of networks: %s', (_, one, reason, text) => {
  const { faults } = bridgeDriver.validateNetwork(draftOf(one));
  expect(faults.map((error) => reasonName(error.reason))).toEqual([reasonName(reason)]);
  expect(faults[0]?.message).toContain(text);
  expect(faults[0]?.metadata['field']).toBe('options');
});

const port = (more: object) => ({ ports: [{ protocol: Protocol.TCP, port: 80, hostPort: 8080, ...more }] });
const driverOption = (key: string, value: string) => ({ driverOptions: { [`com.docker.network.${key}`]: value } });

test.each<[string, object, Reason, string, string]>([
  [
    '[::1]',
    port({ hostIp: '[::1]' }),
    Reason.INVALID_ADDRESS,
    'publish on 127.0.0.1: the kernel cannot redirect [::1]',
    'spec.ports[0].host_ip',
  ],
  [
    'a family it lacks',
    port({ hostIp: '2001:db8::9' }),
    Reason.WRONG_FAMILY,
    'the network has no IPv6',
    'spec.ports[0].host_ip',
  ],
  ['no address', port({ hostIp: 'eth0' }), Reason.INVALID_ADDRESS, 'give one of the host', 'spec.ports[0].host_ip'],
  [
    'a multicast address',
    port({ hostIp: '224.0.0.1' }),
    Reason.INVALID_ADDRESS,
    'give one of the host',
    'spec.ports[0].host_ip',
  ],
  ['no protocol', port({ protocol: 1 }), Reason.INVALID_PORT, 'tcp, udp or sctp', 'spec.ports[0].protocol'],
  ['port 0', port({ port: 0 }), Reason.INVALID_PORT, 'not from 1 to 65535', 'spec.ports[0].port'],
  ['a range backwards', port({ hostPortEnd: 8000 }), Reason.INVALID_PORT, 'not a range', 'spec.ports[0].host_port_end'],
  [
    'a MAC of many',
    driverOption('endpoint.macaddress', '01:00:5e:00:00:01'),
    Reason.INVALID_OPTION,
    'unicast',
    'spec.driver_options',
  ],
  [
    'two MACs',
    { macAddress: '02:42:00:00:00:01', ...driverOption('endpoint.macaddress', '02:42:00:00:00:02') },
    Reason.CONFLICTING_FIELDS,
    'give one of them',
    'spec.driver_options',
  ],
  [
    "a network's option",
    driverOption('driver.mtu', '1400'),
    Reason.UNKNOWN_OPTION,
    'belongs to networks',
    'spec.driver_options',
  ],
])('refused of endpoints: %s', (_, spec, reason, text, field) => {
  const network = draftOf({});
  const { faults } = bridgeDriver.validateEndpoint(Network.fromPartial(network), Endpoint.fromPartial({ spec }));
  expect(faults.map((error) => reasonName(error.reason))).toEqual([reasonName(reason)]);
  expect(faults[0]?.message).toContain(text);
  expect(faults[0]?.metadata['field']).toBe(field);
});

test('a default address of a family the network lacks is named when a port needs it', () => {
  const network = draftOf(option('bridge.host_binding_ipv4', '::'));
  expect(bridgeDriver.validateNetwork(network).faults).toEqual([]);
  const { faults } = bridgeDriver.validateEndpoint(network, Endpoint.fromPartial({ spec: port({}) }));
  expect(faults.map((error) => error.message)).toEqual([
    "publish port 80: the network's default address :: is of a family it does not have: give one",
  ]);
});

test('families in mode isolated take no gateway address', () => {
  const { withoutGateway } = bridgeDriver.validateNetwork(draftOf(cases['isolated-ipv6']));
  expect(withoutGateway).toEqual([6]);
});
