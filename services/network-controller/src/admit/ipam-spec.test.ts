import { Reason } from '@weft/fault';
import { Family, IpamConfig } from '@weft/proto/model';
import { expect, test } from 'vitest';
import { readIpamConfigs } from './ipam-spec.ts';

const read = (configs: Partial<IpamConfig>[], ipv6 = false, ipv4 = true) =>
  readIpamConfigs(
    configs.map((one) => IpamConfig.fromPartial(one)),
    { ipv4, ipv6 },
    false,
  );

test.each([
  [
    'host bits',
    { subnet: '10.1.2.3/24' },
    Reason.INVALID_SUBNET,
    'invalid subnet 10.1.2.3/24: it should be 10.1.2.0/24',
  ],
  ['no CIDR', { subnet: 'x' }, Reason.INVALID_SUBNET, 'invalid subnet x: invalid CIDR block notation'],
  [
    'gateway outside',
    { subnet: '10.1.2.0/24', gateway: '10.1.3.1' },
    Reason.INVALID_GATEWAY,
    "invalid gateway 10.1.3.1: parent subnet 10.1.2.0/24 doesn't contain this address",
  ],
  [
    'gateway of the other family',
    { subnet: '10.1.2.0/24', gateway: 'fd00::1' },
    Reason.WRONG_FAMILY,
    'invalid gateway fd00::1: parent subnet is an IPv4 block',
  ],
  [
    'range outside',
    { subnet: '10.1.2.0/24', ipRange: '10.1.3.0/25' },
    Reason.INVALID_IP_RANGE,
    "invalid ip-range 10.1.3.0/25: parent subnet 10.1.2.0/24 doesn't contain ip-range",
  ],
  [
    'range too large',
    { subnet: '10.1.2.0/24', ipRange: '10.1.0.0/16' },
    Reason.INVALID_IP_RANGE,
    'invalid ip-range 10.1.0.0/16: CIDR block is bigger than its parent subnet 10.1.2.0/24',
  ],
  [
    'range with host bits',
    { subnet: '10.1.2.0/24', ipRange: '10.1.2.1/25' },
    Reason.INVALID_IP_RANGE,
    'invalid ip-range 10.1.2.1/25: it should be 10.1.2.0/25',
  ],
  [
    'range of the other family',
    { subnet: '10.1.2.0/24', ipRange: 'fd00::/80' },
    Reason.WRONG_FAMILY,
    'invalid ip-range fd00::/80: parent subnet is an IPv4 block',
  ],
  [
    'aux outside',
    { subnet: '10.1.2.0/24', auxAddresses: { r: '10.9.9.9' } },
    Reason.INVALID_AUX_ADDRESS,
    "invalid auxiliary address r: 10.9.9.9: parent subnet 10.1.2.0/24 doesn't contain this address",
  ],
  [
    'gateway without subnet',
    { gateway: '10.0.0.1' },
    Reason.MISSING_FIELD,
    'every ip-range, gateway or auxiliary address must have a corresponding subnet',
  ],
])('%s is refused', (_name, config, reason, message) => {
  const { faults } = read([config as Partial<IpamConfig>]);
  expect(faults.map((one) => [one.reason, one.message])).toEqual([[reason, message]]);
  expect(faults[0]?.metadata['field']).toContain('ipam.configs[0]');
});

test('overlapping subnets are refused, and all problems are told at once', () => {
  const { faults } = read([{ subnet: '10.0.0.0/8' }, { subnet: '10.1.0.0/16', gateway: '1.1.1.1' }]);
  expect(faults.map((one) => one.reason)).toEqual([Reason.INVALID_GATEWAY, Reason.SUBNETS_OVERLAP]);
});

test('a family that is on and has no subnet gets an automatic pool; one that is off is left out', () => {
  expect(read([], true).pools.map((one) => [one.family, one.subnet])).toEqual([
    [Family.IPV4, ''],
    [Family.IPV6, ''],
  ]);
  expect(read([{ subnet: 'fd00::/64' }]).pools.map((one) => one.family)).toEqual([Family.IPV4]);
  expect(read([{ subnet: '10.0.0.0/24' }], true, false).pools.map((one) => [one.family, one.subnet])).toEqual([
    [Family.IPV6, ''],
  ]);
});
