// Intent in, HostState out: for each kind of bridge network and endpoint the exact objects, one line each, in
// test/golden/hoststate. A change there is a change of what hosts do: read it before you accept it.
import { bridgeDriver } from '@weft/bridge-driver';
import { keyOf, textOfAll } from '@weft/hoststate';
import { Endpoint, Family, Network, Phase, Sandbox } from '@weft/proto/model';
import { describe, expect, test } from 'vitest';

const id = (digit: string) => digit.repeat(64);
const four = { poolId: 'p4', family: Family.IPV4, subnet: '172.18.0.0/16', gateway: '172.18.0.1' };
const six = { poolId: 'p6', family: Family.IPV6, subnet: 'fd00:18::/64', gateway: 'fd00:18::1' };
const option = (key: string, value: string) => ({ [`com.docker.network.${key}`]: value });

interface Case {
  readonly options?: Record<string, string>;
  readonly desired?: object;
  readonly endpoint?: object;
}

const cases: Record<string, Case> = {
  plain: {},
  'dual-stack': { desired: { enableIpv6: true, pools: [four, six] } },
  'ipv6-only': { desired: { enableIpv4: false, enableIpv6: true, pools: [six] } },
  internal: { desired: { internal: true } },
  'icc-off': { options: option('bridge.enable_icc', 'false') },
  'no-masquerade': { options: option('bridge.enable_ip_masquerade', 'false') },
  'inhibit-ipv4': { options: option('bridge.inhibit_ipv4', 'true') },
  'named-bridge-and-mtu': { options: { ...option('bridge.name', 'mybridge'), ...option('driver.mtu', '1400') } },
  'auxiliary-gateway': { desired: { pools: [{ ...four, auxAddresses: { DefaultGatewayIPv4: '172.18.0.254' } }] } },
  'endpoint-options': {
    endpoint: {
      linkLocalIps: ['169.254.7.7'],
      driverOptions: option('endpoint.sysctls', 'net.ipv4.conf.IFNAME.log_martians=1'),
    },
  },
};

function compile({ options = {}, desired = {}, endpoint = {} }: Case) {
  const draft = Network.fromPartial({
    id: id('a'),
    spec: { name: 'web', options },
    desired: {
      phase: Phase.READY,
      driver: 'bridge',
      scope: 'local',
      options,
      enableIpv4: true,
      pools: [four],
      ...desired,
    },
  });
  const verdict = bridgeDriver.validateNetwork(draft);
  expect(verdict.faults).toEqual([]);
  const network = Network.fromPartial({ ...draft, desired: { ...draft.desired, options: verdict.options } });
  const addresses = (network.desired?.pools ?? []).map((pool) => ({
    family: pool.family,
    poolId: pool.poolId,
    cidr: pool.family === Family.IPV4 ? '172.18.0.2/16' : 'fd00:18::2/64',
  }));
  const joined = {
    network,
    endpoint: Endpoint.fromPartial({
      id: id('e'),
      networkId: network.id,
      spec: { name: 'web', ...endpoint },
      desired: {
        phase: Phase.READY,
        addresses,
        macAddress: '02:42:ac:12:00:02',
        sandboxId: id('5'),
        hostId: id('0'),
        interfaceName: 'eth0',
      },
    }),
    sandbox: Sandbox.fromPartial({ id: id('5'), spec: { name: 'web' } }),
  };
  return { network: bridgeDriver.compileNetwork(network, id('0')), endpoint: bridgeDriver.compileEndpoint(joined) };
}

describe.each(Object.entries(cases))('%s', (name, one) => {
  const { network, endpoint } = compile(one);

  test('compiles to what the golden says', async () => {
    const gateways = `gateways ${endpoint.gatewayIpv4 || '-'} ${endpoint.gatewayIpv6 || '-'}`;
    const text = [
      '# the network',
      textOfAll(network),
      '# an endpoint of it',
      textOfAll(endpoint.local),
      gateways,
      '',
    ].join('\n');
    await expect(text).toMatchFileSnapshot(`hoststate/${name}.txt`);
  });

  test('keys are those the specs give, and none twice', () => {
    const objects = [...network, ...endpoint.local];
    expect(objects.map((object) => object.key)).toEqual(objects.map((object) => object.spec && keyOf(object.spec)));
    expect(new Set(objects.map((object) => object.key)).size).toBe(objects.length);
  });

  test('is deterministic', () => expect(compile(one)).toEqual({ network, endpoint }));
});
