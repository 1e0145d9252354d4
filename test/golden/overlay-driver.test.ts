// Intent in, HostState out: for each kind of overlay the exact objects of a host, of an endpoint's own host and of all other hosts, in
// test/golden/hoststate.
import { FaultError, Reason, reasonName } from '@weft/fault';
import { keyOf, textOfAll } from '@weft/hoststate';
import { overlayDriver } from '@weft/overlay-driver';
import {
  Endpoint,
  Family,
  Host,
  type HostFacts,
  Network,
  type NetworkDesired,
  Phase,
  Sandbox,
} from '@weft/proto/model';
import { expect, test } from 'vitest';

const id = (digit: string) => digit.repeat(64);
const key = (name: string) => `com.docker.network.${name}`;

interface Case {
  readonly options?: Readonly<Record<string, string>>;
  readonly desired?: Partial<NetworkDesired>;
  readonly facts?: Partial<HostFacts>;
}
const six = { family: Family.IPV6, poolId: 'p6', subnet: 'fd00:18::/64', gateway: 'fd00:18::1' };
const four = { family: Family.IPV4, poolId: 'p4', subnet: '10.0.0.0/24', gateway: '10.0.0.1' };
const both = { enableIpv6: true, pools: [four, six].map((one) => ({ ipRange: '', auxAddresses: {}, ...one })) };
const tunnelKey = 'a2V5LW9mLWhvc3Qta2V5LW9mLWhvc3Qta2V5LW9mLWE=';

const cases: Readonly<Record<string, Case>> = {
  plain: {},
  'both-families': { desired: both },
  'ipv6-underlay': { desired: both, facts: { underlayAddress: '2001:db8::1' } },
  'small-underlay': { facts: { underlayMtu: 1400 } },
  'given-mtu-and-port': { options: { [key('driver.mtu')]: '9000', [key('driver.overlay.data_path_port')]: '8472' } },
  internal: { desired: { internal: true } },
  'no-icc': { options: { [key('bridge.enable_icc')]: 'false' } },
  encrypted: { options: { encrypted: '' }, facts: { tunnelKey } },
};

function compile({ options = {}, desired = {}, facts = {} }: Case) {
  const draft = Network.fromPartial({
    id: id('a'),
    spec: { name: 'web', options },
    desired: {
      phase: Phase.READY,
      ...{ driver: 'overlay', scope: 'global', options, enableIpv4: true, pools: [four] },
      numbers: { vni: 4096n },
      ...desired,
    },
  });
  const verdict = overlayDriver.validateNetwork(draft);
  const [fault] = verdict.faults;
  if (fault !== undefined) throw fault;
  const network = Network.fromPartial({ ...draft, desired: { ...draft.desired, options: verdict.options } });
  const host = Host.fromPartial({ id: id('0'), name: 'h1', facts: { underlayAddress: '192.0.2.1', ...facts } });
  const endpoint = Endpoint.fromPartial({
    id: id('e'),
    networkId: network.id,
    spec: { name: 'web' },
    desired: {
      phase: Phase.READY,
      addresses: (network.desired?.pools ?? []).map(({ family, poolId }) => ({
        ...{ family, poolId, cidr: family === Family.IPV4 ? '10.0.0.2/24' : 'fd00:18::2/64' },
      })),
      ...{ sandboxId: id('5'), hostId: host.id, macAddress: '02:42:0a:00:00:02', interfaceName: 'eth0' },
    },
  });
  const sandbox = Sandbox.fromPartial({ id: id('5'), spec: { name: 'web' } });
  return {
    verdict,
    network: overlayDriver.compileNetwork(network, host),
    endpoint: overlayDriver.compileEndpoint({ network, endpoint, sandbox, host }),
  };
}

test.each(Object.entries(cases))('%s', async (name, one) => {
  const { network, endpoint } = compile(one);
  const remote = endpoint.remote ?? [];
  const text = ['# the network', textOfAll(network), '# an endpoint of it, on its host', textOfAll(endpoint.local)];
  text.push(
    `gateways ${endpoint.gatewayIpv4 || '-'} ${endpoint.gatewayIpv6 || '-'}`,
    '# on the others',
    textOfAll(remote),
    '',
  );
  await expect(text.join('\n')).toMatchFileSnapshot(`hoststate/overlay-${name}.txt`);
  const all = [...network, ...endpoint.local, ...remote];
  expect(all.map((object) => object.key)).toEqual(all.map((object) => object.spec && keyOf(object.spec)));
  expect(compile(one)).toEqual(compile(one));
});

test('the number that is asked for', () => {
  expect(compile({ options: { [key('driver.overlay.vxlanid_list')]: '5000' } }).verdict.numbers).toEqual({
    vni: 5000n,
  });
  expect(compile({}).verdict.numbers).toEqual({});
});

test.each<[string, Case, Reason, string]>([
  ['no address', { facts: { underlayAddress: '' } }, Reason.UNDERLAY_MISSING, 'host h1 has no address'],
  ['no tunnel', { options: { encrypted: '' } }, Reason.TUNNEL_MISSING, 'wireguard-go'],
  ['too little room', { desired: both, facts: { underlayMtu: 1300 } }, Reason.INVALID_MTU, 'less than 1280'],
  [
    'two VNIs',
    { options: { [key('driver.overlay.vxlanid_list')]: '1,2' } },
    Reason.INVALID_OPTION,
    'from 1 to 16777215',
  ],
  ['no VNI', { options: { [key('driver.overlay.vxlanid_list')]: '0' } }, Reason.INVALID_OPTION, 'from 1 to 16777215'],
  [
    'a port',
    { options: { [key('driver.overlay.data_path_port')]: '80' } },
    Reason.INVALID_OPTION,
    'from 1024 to 49151',
  ],
  [
    'a mode',
    { options: { [key('bridge.gateway_mode_ipv4')]: 'routed' } },
    Reason.INVALID_OPTION,
    'one of nat, isolated',
  ],
  ["a bridge's name", { options: { [key('bridge.name')]: 'br0' } }, Reason.UNKNOWN_OPTION, 'unknown option'],
])('refuses %s', (_, one, reason, says) => {
  try {
    compile(one);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(FaultError);
    if (error instanceof FaultError)
      expect([reasonName(error.reason), error.message]).toEqual([reasonName(reason), expect.stringContaining(says)]);
  }
});
