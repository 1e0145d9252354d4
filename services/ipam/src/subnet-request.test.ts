import { formatAddress, formatPrefix } from '@weft/address';
import { reasonName } from '@weft/fault';
import { PoolRequest } from '@weft/proto/ipam';
import { describe, expect, it } from 'vitest';
import { readSubnetRequest } from './subnet-request.ts';

const v4 = { family: 4, subnet: '172.28.0.0/16' } as const;
const v6 = { family: 6, subnet: 'fd00:1::/64' } as const;

const refused: [Partial<PoolRequest>, ...string[]][] = [
  [{ family: 0 }, 'INVALID_VALUE a pool is of the family IPv4 or IPv6'],
  [{ family: 4, subnet: '172.28.0.0' }, 'INVALID_SUBNET invalid subnet 172.28.0.0: invalid CIDR block notation'],
  [{ family: 4, subnet: '1.2.3.0/33' }, 'INVALID_SUBNET invalid subnet 1.2.3.0/33: invalid CIDR block notation'],
  [{ family: 4, subnet: '172.28.5.1/16' }, 'INVALID_SUBNET invalid subnet 172.28.5.1/16: it should be 172.28.0.0/16'],
  [
    { family: 4, subnet: '0.0.0.0/0' },
    'INVALID_SUBNET invalid subnet 0.0.0.0/0: all addresses there are do not make a subnet',
  ],
  [{ ...v4, family: 6 }, 'WRONG_FAMILY invalid subnet 172.28.0.0/16: it is an IPv4 block'],
  [{ ...v6, family: 4 }, 'WRONG_FAMILY invalid subnet fd00:1::/64: it is an IPv6 block'],
  [{ ...v4, ipRange: 'x' }, 'INVALID_IP_RANGE invalid ip-range x: invalid CIDR block notation'],
  [{ ...v4, ipRange: 'fd00::/64' }, 'WRONG_FAMILY invalid ip-range fd00::/64: parent subnet is an IPv4 block'],
  [{ ...v6, ipRange: '10.0.0.0/24' }, 'WRONG_FAMILY invalid ip-range 10.0.0.0/24: parent subnet is an IPv6 block'],
  [
    { ...v4, ipRange: '172.0.0.0/8' },
    'INVALID_IP_RANGE invalid ip-range 172.0.0.0/8: CIDR block is bigger than its parent subnet 172.28.0.0/16',
  ],
  [{ ...v4, ipRange: '172.28.5.1/24' }, 'INVALID_IP_RANGE invalid ip-range 172.28.5.1/24: it should be 172.28.5.0/24'],
  [
    { ...v4, ipRange: '10.0.0.0/24' },
    "INVALID_IP_RANGE invalid ip-range 10.0.0.0/24: parent subnet 172.28.0.0/16 doesn't contain ip-range",
  ],
  [
    { family: 4, ipRange: '10.0.0.0/24' },
    'INVALID_IP_RANGE invalid ip-range 10.0.0.0/24: every ip-range or gateway must have a corresponding subnet',
  ],
  [
    { family: 4, subnet: '0.0.0.0/26', gateway: '10.0.0.1' },
    'INVALID_GATEWAY invalid gateway 10.0.0.1: every ip-range or gateway must have a corresponding subnet',
  ],
  [{ ...v4, gateway: 'gate' }, 'INVALID_GATEWAY invalid gateway gate: invalid address'],
  [{ ...v4, gateway: 'fd00::1' }, 'WRONG_FAMILY invalid gateway fd00::1: parent subnet is an IPv4 block'],
  [
    { ...v4, gateway: '10.0.0.1' },
    "INVALID_GATEWAY invalid gateway 10.0.0.1: parent subnet 172.28.0.0/16 doesn't contain this address",
  ],
  [
    { ...v4, gateway: '172.28.0.1', noGateway: true },
    'CONFLICTING_FIELDS invalid gateway 172.28.0.1: the request also says that there is to be none',
  ],
  [{ ...v4, auxAddresses: { dns: 'x' } }, 'INVALID_AUX_ADDRESS invalid auxiliary address dns: invalid address'],
  [
    { ...v4, auxAddresses: { dns: '10.0.0.1' } },
    "INVALID_AUX_ADDRESS invalid auxiliary address dns: parent subnet 172.28.0.0/16 doesn't contain this address",
  ],
  [
    { family: 4, auxAddresses: { dns: '10.0.0.1' } },
    'INVALID_AUX_ADDRESS invalid auxiliary address dns: no matching subnet for aux-address 10.0.0.1',
  ],
  [
    { ...v4, ipRange: 'x', gateway: 'y', auxAddresses: { b: 'z', a: 'z' } },
    'INVALID_IP_RANGE invalid ip-range x: invalid CIDR block notation',
    'INVALID_GATEWAY invalid gateway y: invalid address',
    'INVALID_AUX_ADDRESS invalid auxiliary address a: invalid address',
    'INVALID_AUX_ADDRESS invalid auxiliary address b: invalid address',
  ],
];

describe('readSubnetRequest', () => {
  it.each(refused)('refuses %o', (request, ...sentences) => {
    const faults = readSubnetRequest(PoolRequest.fromPartial(request));
    expect(Array.isArray(faults) && faults.map((one) => `${reasonName(one.reason)} ${one.message}`)).toEqual(sentences);
  });

  it.each([
    [{ family: 4 }, undefined],
    [{ family: 6 }, undefined],
    [{ family: 4, subnet: '0.0.0.0/26' }, 26],
    [{ family: 6, subnet: '::/80' }, 80],
    [{ family: 6, subnet: '0:0::/80' }, 80],
  ] as const)('reads %o as any subnet, or one of a size', (request, subnet) => {
    expect(readSubnetRequest(PoolRequest.fromPartial(request))).toMatchObject({ subnet, gateway: 'chosen' });
  });

  it('reads all fields', () => {
    const read = readSubnetRequest(
      PoolRequest.fromPartial({
        ...{ ...v6, ipRange: 'fd00:1::8000/113', gateway: 'FD00:1:0::1' },
        auxAddresses: { b: 'fd00:1::3', a: 'fd00:1::2' },
      }),
    );
    if (Array.isArray(read) || typeof read.subnet !== 'object' || typeof read.gateway !== 'object') throw read;
    expect(formatPrefix(read.subnet)).toBe('fd00:1::/64');
    expect(formatPrefix(read.range!)).toBe('fd00:1::8000/113');
    expect(formatAddress(read.gateway)).toBe('fd00:1::1');
    expect(read.auxiliary.map(([name, address]) => [name, formatAddress(address)])).toEqual([
      ['a', 'fd00:1::2'],
      ['b', 'fd00:1::3'],
    ]);
    expect(readSubnetRequest(PoolRequest.fromPartial({ ...v4, noGateway: true }))).toMatchObject({ gateway: 'none' });
  });
});
