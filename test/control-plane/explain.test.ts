// Explain through the real contract: what the bridge driver compiled for each kind of network, and the setting that each
// answer names. The agent has no kernel; what packets do is tried in test/netns/explain.test.ts.
import { Reason as FaultReason } from '@weft/fault';
import { ExplainRequest } from '@weft/proto/controller';
import { type Family, Protocol } from '@weft/proto/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';
import { Reason } from '../lib/proto.ts';

let plane: ControlPlane;
let agent: FakeAgent;
const ids = new Map<string, string>();

const option = (name: string, value: string) => ({ [`com.docker.network.bridge.${name}`]: value });
const networks: Record<string, object> = {
  one: { ipam: { configs: [{ subnet: '10.1.0.0/24' }, { subnet: 'fd00:1::/64' }] }, enableIpv6: true },
  two: { ipam: { configs: [{ subnet: '10.2.0.0/24' }, { subnet: 'fd00:2::/64' }] }, enableIpv6: true },
  inside: { ipam: { configs: [{ subnet: '10.3.0.0/24' }] }, internal: true },
  quiet: { ipam: { configs: [{ subnet: '10.4.0.0/24' }] }, options: option('enable_icc', 'false') },
  plain: { ipam: { configs: [{ subnet: '10.5.0.0/24' }] }, options: option('enable_ip_masquerade', 'false') },
  bare: { ipam: { configs: [{ subnet: '10.6.0.0/24' }] }, options: option('inhibit_ipv4', 'true') },
  other: { ipam: { configs: [{ subnet: '10.7.0.0/24', auxAddresses: { DefaultGatewayIPv4: '10.7.0.9' } }] } },
};

beforeAll(async () => {
  plane = await startControlPlane();
  agent = await startFakeAgent(plane.agents, 'h1', { agentPid: 77 });
  await plane.controller.predefined;
  const create = async (name: string, on: string[], spec: object = {}, attach: object = {}) => {
    const { sandbox } = await plane.sandboxes.createSandbox({
      spec: { name, ...spec },
      attachments: on.map((network) => ({ network, ...attach })),
    });
    ids.set(name, sandbox?.id ?? '');
  };
  for (const [name, spec] of Object.entries(networks)) {
    await plane.networks.createNetwork({ spec: { name, ...spec } });
    await create(`${name}1`, [name]);
    await create(`${name}2`, [name]);
  }
  await create('both', ['two', 'inside']);
  await create('preferred', ['one'], {}, { spec: { gatewayPriority: 7 } });
  await create('alone', ['none']);
  await create('hosted', ['host']);
  await create('sharing', [], { namespace: { $case: 'sharedWith', value: 'one1' } });
});
afterAll(async () => {
  await agent.stop();
  await plane.stop();
});

function ask(line: string) {
  const [from = '', to = '', word = '', port = '0', family = '0', host = ''] = line.split(' ');
  const protocol = { tcp: Protocol.TCP, udp: Protocol.UDP, sctp: Protocol.SCTP }[word] ?? Protocol.UNSPECIFIED;
  const request = { from, to, protocol, port: Number(port), family: Number(family) as Family, host };
  return plane.system.explain(ExplainRequest.fromPartial(request));
}

describe('whether, why, and by which setting', () => {
  test.each<[string, boolean, string, string]>([
    ['one1 one2', true, 'are on network one', 'network one: com.docker.network.bridge.enable_icc=true'],
    ['one1 one2 tcp 80 6', true, 'are on network one', 'network one: com.docker.network.bridge.enable_icc=true'],
    ['one1 two1', false, 'networks one and two are kept apart', 'network two'],
    ['one1 inside1', false, 'nothing enters an internal network', 'network inside: --internal'],
    ['inside1 outside', false, 'has no route to the world', 'network inside: --internal'],
    ['quiet1 quiet2', false, 'are isolated ports', 'network quiet: com.docker.network.bridge.enable_icc=false'],
    ['one1 outside', true, 'no rule holds back', 'network one: com.docker.network.bridge.enable_ip_masquerade=true'],
    ['preferred outside', true, 'no rule holds back', 'endpoint preferred on network one: gw-priority=7'],
    ['plain1 outside', true, 'no rule holds back', 'endpoint plain1 on network plain'],
    ['other1 outside', false, '10.7.0.9 is not the host', '--aux-address DefaultGatewayIPv4=10.7.0.9'],
    ['bare1 outside', false, '10.6.0.1 is not the host', 'network bare: com.docker.network.bridge.inhibit_ipv4=true'],
    ['host bare1', false, 'no IPv4 address in network bare', 'com.docker.network.bridge.inhibit_ipv4=true'],
    ['outside one1 tcp 80', false, 'nothing lets tcp port 80 into network one', 'network one'],
    ['both inside1', true, 'are on network inside', 'network inside: com.docker.network.bridge.enable_icc=true'],
    ['inside1 both', true, 'are on network inside', 'network inside: com.docker.network.bridge.enable_icc=true'],
    ['one1 hosted tcp 22', true, 'arrives at 10.1.0.1', 'endpoint one1 on network one'],
    ['hosted one1', true, 'the host is on network one', 'endpoint one1 on network one'],
    ['sharing one1', true, 'an address of one1 itself', ''],
    ['sharing one2', true, 'one1 and one2 are on network one', ''],
    ['alone one1', false, 'alone is on no network', 'network none'],
    ['one1 alone', false, 'alone is on no network', 'network none'],
    ['alone alone', true, 'an address of alone itself', ''],
    ['alone 127.0.0.1 tcp 80', true, 'an address of alone itself', ''],
    ['one1 two1 udp 53 0 h1', false, 'nothing lets udp port 53 through', 'network two'],
  ])('%s: %s', async (line, reaches, because, setting) => {
    const answer = await ask(line);
    expect([answer.reaches, answer.because]).toEqual([reaches, expect.stringContaining(because)]);
    expect(answer.steps.map((step) => step.setting).join('\n')).toContain(setting);
  });
});

test('ids and their prefixes are references too', async () => {
  const id = ids.get('one1') ?? '';
  for (const text of [id, id.slice(0, 20)]) expect((await ask(`${text} one2`)).because).toContain('one1 and one2');
});

describe('how it can be tried', () => {
  const path = (name: string) => `/fake/${ids.get(name)?.slice(0, 12)}`;

  test('from a sandbox to a sandbox', async () => {
    expect((await ask('one1 one2 tcp 80')).probe).toEqual({
      fromNetns: path('one1'),
      impossible: '',
      address: '10.1.0.3',
      port: 80,
      toNetns: path('one2'),
      toAddress: '10.1.0.3',
      toPort: 80,
    });
  });

  test('also when it is said not to reach', async () => {
    expect((await ask('one1 two1 tcp 80')).probe).toMatchObject({ fromNetns: path('one1'), toNetns: path('two1') });
  });

  test('the host is where its agent is', async () => {
    expect((await ask('one1 host')).probe).toMatchObject({ toNetns: '/proc/77/ns/net', toAddress: '10.1.0.1' });
  });

  test.each([
    ['outside one1', 'another machine'],
    ['one1 outside', 'no address'],
    ['one1 192.0.2.7', 'another machine'],
    ['one1 one2 sctp 9', 'sctp'],
    ['one1 alone', 'on no network'],
  ])('%s cannot', async (line, why) => expect((await ask(line)).probe?.impossible).toContain(why));
});

test('what the host could not apply stops the way, by name', async () => {
  const why = { reason: Reason.KERNEL_REFUSED, message: 'the kernel refused', metadata: {} };
  agent.failing = (object) => (object.key.startsWith('veth/') ? why : undefined);
  await plane.sandboxes.createSandbox({
    spec: { name: 'broken' },
    attachments: [{ network: 'one' }],
    // Whoever does not wait keeps what fails.
    mutation: { wait: { seconds: 0 } },
  });
  await expect
    .poll(async () => (await ask('one1 broken')).because)
    .toMatch(/^object veth\/[0-9a-f]{64} is not in the kernel: .*the kernel refused$/);
  agent.failing = () => undefined;
});

test.each<[string, FaultReason]>([
  ['nobody one1', FaultReason.SANDBOX_NOT_FOUND],
  ['one1 nobody', FaultReason.SANDBOX_NOT_FOUND],
  [' one1', FaultReason.MISSING_FIELD],
  ['one1 one2 tcp', FaultReason.MISSING_FIELD],
  ['one1 one2 tcp 65536', FaultReason.INVALID_PORT],
  ['one1 one2 icmp 80', FaultReason.CONFLICTING_FIELDS],
  ['one1 quiet1 icmp 0 6', FaultReason.WRONG_FAMILY],
  ['one1 10.1.0.3 icmp 0 6', FaultReason.WRONG_FAMILY],
  ['quiet1 fd00:1::3', FaultReason.WRONG_FAMILY],
  ['10.1.0.3 one1', FaultReason.INVALID_VALUE],
  ['outside outside', FaultReason.CONFLICTING_FIELDS],
  ['one1 one2 icmp 0 0 h9', FaultReason.HOST_NOT_FOUND],
])('%s is refused', async (line, reason) => await expect(ask(line)).rejects.toMatchObject({ reason }));

test('a sandbox on another host, and the wrong host', async () => {
  const second = await startFakeAgent(plane.agents, 'h2');
  await plane.sandboxes.createSandbox({
    spec: { name: 'far', host: 'h2' },
    attachments: [{ network: 'one' }],
  });
  expect((await ask('one1 far')).because).toBe('far is on host h2, and networks of host h1 end there');
  await expect(ask('one1 one2 icmp 0 0 h2')).rejects.toMatchObject({ reason: FaultReason.CONFLICTING_FIELDS });
  await expect(ask('host outside')).rejects.toMatchObject({ reason: FaultReason.MISSING_FIELD });
  expect((await ask('host outside icmp 0 0 h2')).reaches).toBe(true);
  await second.stop();
});
