import { FaultError, Reason } from '@weft/fault';
import { describe, expect, test } from 'vitest';
import { flagsOf } from '../testing/flags.ts';
import { driverOptions, endpointSpec } from './connect.ts';
import { networkSpec } from './create.ts';
import { groupIpamFlags } from './ipam.ts';

const none = { subnets: [], ranges: [], gateways: [], auxAddresses: {} };
const config = { subnet: '', ipRange: '', gateway: '', auxAddresses: {} };

describe('subnets and what lies in them', () => {
  test.each([
    ['nothing', {}, []],
    ['a subnet', { subnets: ['10.0.0.0/24'] }, [{ ...config, subnet: '10.0.0.0/24' }]],
    [
      'two families, each with its own',
      {
        subnets: ['10.0.0.0/24', 'fd00::/64'],
        gateways: ['fd00::9', '10.0.0.9'],
        ranges: ['10.0.0.128/25'],
        auxAddresses: { r: 'fd00::7' },
      },
      [
        { subnet: '10.0.0.0/24', ipRange: '10.0.0.128/25', gateway: '10.0.0.9', auxAddresses: {} },
        { subnet: 'fd00::/64', ipRange: '', gateway: 'fd00::9', auxAddresses: { r: 'fd00::7' } },
      ],
    ],
    [
      'host bits, for the server to judge',
      { subnets: ['10.0.0.1/24'], gateways: ['10.0.0.2'] },
      [{ ...config, subnet: '10.0.0.1/24', gateway: '10.0.0.2' }],
    ],
    [
      'two sizes',
      { subnets: ['0.0.0.0/26', '0.0.0.0/26'] },
      [
        { ...config, subnet: '0.0.0.0/26' },
        { ...config, subnet: '0.0.0.0/26' },
      ],
    ],
  ])('%s', (_, flags, expected) => {
    expect(groupIpamFlags({ ...none, ...flags })).toEqual(expected);
  });

  test.each([
    [
      { gateways: ['1.2.3.4'] },
      Reason.CONFLICTING_FIELDS,
      'every ip-range or gateway must have a corresponding subnet',
    ],
    [
      { subnets: ['10.0.0.0/16', '10.0.1.0/24'] },
      Reason.SUBNETS_OVERLAP,
      'multiple overlapping subnet configuration is not supported',
    ],
    [
      { subnets: ['10.0.1.0/24', '10.0.0.0/16'] },
      Reason.SUBNETS_OVERLAP,
      'multiple overlapping subnet configuration is not supported',
    ],
    [
      { subnets: ['10.0.0.0/24'], ranges: ['10.1.0.0/25'] },
      Reason.INVALID_IP_RANGE,
      'no matching subnet for range 10.1.0.0/25',
    ],
    [
      { subnets: ['10.0.0.0/24'], gateways: ['10.1.0.1'] },
      Reason.INVALID_GATEWAY,
      'no matching subnet for gateway 10.1.0.1',
    ],
    [{ subnets: ['10.0.0.0/24'], gateways: ['x'] }, Reason.INVALID_GATEWAY, 'no matching subnet for gateway x'],
    [{ auxAddresses: { a: '1.1.1.1' } }, Reason.INVALID_AUX_ADDRESS, 'no matching subnet for aux-address 1.1.1.1'],
    [
      { subnets: ['10.0.0.0/24', 'fd00::/64'], ranges: ['10.0.0.0/25', '10.0.0.128/25'] },
      Reason.CONFLICTING_FIELDS,
      'cannot configure multiple ranges (10.0.0.128/25, 10.0.0.0/25) on the same subnet (10.0.0.0/24)',
    ],
    [
      { subnets: ['10.0.0.0/24', 'fd00::/64'], gateways: ['10.0.0.1', '10.0.0.2'] },
      Reason.CONFLICTING_FIELDS,
      'cannot configure multiple gateways (10.0.0.2, 10.0.0.1) for the same subnet (10.0.0.0/24)',
    ],
    [{ subnets: ['x'] }, Reason.INVALID_SUBNET, 'invalid subnet: invalid CIDR address: x'],
    [{ subnets: ['10.0.0.0/24'], ranges: ['x/y'] }, Reason.INVALID_IP_RANGE, 'invalid CIDR address: x/y'],
  ])('%j is refused', (flags, reason, message) => {
    expect(() => groupIpamFlags({ ...none, ...flags })).toThrow(expect.objectContaining({ reason, message }));
  });
});

test('every flag of create has its field', () => {
  const flags = flagsOf(
    ...'network create -d macvlan --scope local --ipv4=false --ipv6 --internal --attachable --ingress --config-only'.split(
      ' ',
    ),
    ...'--config-from c --ipam-driver d --ipam-opt a=1 --subnet 10.0.0.0/24 -o parent=eth0 --label a=b --label c n'.split(
      ' ',
    ),
  );
  expect(networkSpec('n', flags)).toEqual({
    name: 'n',
    driver: 'macvlan',
    scope: 'local',
    enableIpv4: false,
    enableIpv6: true,
    internal: true,
    attachable: true,
    ingress: true,
    configOnly: true,
    configFrom: 'c',
    ipam: { driver: 'd', options: { a: '1' }, configs: [{ ...config, subnet: '10.0.0.0/24' }] },
    options: { parent: 'eth0' },
    labels: { a: 'b', c: '' },
  });
});

test('the defaults of create are docker\u2019s', () => {
  expect(networkSpec('n', flagsOf('network', 'create', 'n'))).toMatchObject({
    driver: 'bridge',
    enableIpv4: undefined,
    enableIpv6: undefined,
    ipam: { driver: 'default', options: {}, configs: [] },
  });
});

test('every flag of connect has its field', () => {
  const flags = flagsOf(
    ...'network connect --alias a,b --alias c --ip 10.0.0.9 --ip6 fd00::9 --link db:d --link-local-ip 169.254.1.2'.split(
      ' ',
    ),
    ...'--driver-opt x=1,y=2=3 --gw-priority -7 n s'.split(' '),
  );
  expect(endpointSpec(flags)).toEqual({
    name: '',
    ipv4Address: '10.0.0.9',
    ipv6Address: 'fd00::9',
    macAddress: '',
    linkLocalIps: ['169.254.1.2'],
    aliases: ['a', 'b', 'c'],
    links: ['db:d'],
    driverOptions: { x: '1', y: '2=3' },
    gatewayPriority: -7,
    ports: [],
  });
});

test.each([['x'], ['=x'], ['']])('the driver option %j is refused', (word) => {
  expect(() => driverOptions([word])).toThrow(FaultError);
});
