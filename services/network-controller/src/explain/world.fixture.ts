// A host for tests of explaining: a network of each kind with two sandboxes, published ports, and questions with their answers.
// The unit tests ask the evaluator; test/netns makes the same host and asks packets.
import { type HostObject, hostObject, type Spec } from '@weft/hoststate';
import { Protocol } from '@weft/proto/model';
import { type Asked, explain } from './explain.ts';
import { Ground } from './ground.ts';

const element = (set: string, key: string[], data: string[] = []) =>
  hostObject({ $case: 'nftElement', value: { set, key, data } });

interface Net {
  readonly subnet?: number;
  readonly verdict?: string;
  readonly sets?: readonly string[];
  readonly internal?: true;
  readonly isolated?: boolean;
  readonly gateway?: false;
  readonly routeLocalnet?: boolean;
  readonly masquerade?: false;
}

/** A network of 10.N.0.0/24 and fd00:N::/64 with sandboxes nameA and nameB. */
function net(name: string, n: number, { verdict = 'accept', sets = [], ...rest }: Net = {}): HostObject[] {
  const bridge = `br-${name}`;
  const sandbox = (suffix: string, index: number): HostObject[] => {
    const sandboxId = `${name}${suffix}`;
    const veth: Extract<Spec, { $case: 'veth' }>['value'] = {
      endpointId: `e-${sandboxId}`,
      hostName: `wv-${sandboxId}`,
      bridge,
      sandboxId,
      name: 'eth0',
      macAddress: '',
      mtu: 0,
      addresses: [`10.${n}.0.${index}/24`, `fd00:${n}::${index}/64`],
      isolated: rest.isolated ?? false,
      hairpin: true,
      advertiseCount: 0,
      advertiseIntervalMs: 0,
      sysctls: {},
    };
    const route = (destination: string, gateway: string) =>
      hostObject({ $case: 'route', value: { sandboxId, destination, gateway, interfaceName: 'eth0' } });
    const routes = [route('0.0.0.0/0', `10.${n}.0.1`), route('::/0', `fd00:${n}::1`)];
    return [
      hostObject({ $case: 'sandbox', value: { sandboxId, namespace: { $case: 'managed', value: true } } }),
      hostObject({ $case: 'veth', value: veth }),
      ...(rest.internal ? [] : routes),
    ];
  };
  return [
    element('bridges', [bridge]),
    element('bridge_pairs', [bridge, bridge], [verdict]),
    ...sets.map((set) => element(set, [bridge])),
    ...(rest.internal ? [element('internal_bridges', [bridge])] : []),
    ...(rest.internal || rest.masquerade === false ? [] : [element('masquerade4', [`10.${n}.0.0/24`])]),
    hostObject({ $case: 'sysctl', value: { key: 'net.ipv4.ip_forward', value: '1' } }),
    hostObject({ $case: 'sysctl', value: { key: 'net.ipv6.conf.all.forwarding', value: '1' } }),
    hostObject({
      $case: 'bridge',
      value: {
        name: bridge,
        macAddress: '',
        mtu: 0,
        addresses: rest.gateway === false ? [] : [`10.${n}.0.1/24`, `fd00:${n}::1/64`],
        mayExist: false,
        ipv6: true,
        routeLocalnet: rest.routeLocalnet ?? false,
      },
    }),
    ...sandbox('A', 2),
    ...sandbox('B', 3),
  ];
}

const port = (hostIp: string, hostPort: number, targetIp: string, targetPort: number) =>
  hostObject({
    $case: 'port',
    value: { protocol: Protocol.TCP, hostIp, hostPort, targetIp, targetPort },
  });

export const world: readonly HostObject[] = [
  ...net('one', 1),
  ...net('two', 2),
  ...net('in', 3, { internal: true }),
  ...net('in2', 13, { internal: true }),
  ...net('quiet', 4, { verdict: 'drop', isolated: true }),
  ...net('plain', 5, { masquerade: false }),
  ...net('open', 6, { sets: ['unprotected4'] }),
  ...net('flat', 7, { sets: ['routed4'], masquerade: false }),
  ...net('alone', 8, { internal: true, gateway: false }),
  ...net('loop', 9, { routeLocalnet: true }),
  ...net('fixed', 10, { masquerade: false }),
  element('open4', ['10.7.0.2', 'tcp', '80']),
  element('open4', ['10.2.0.2', 'tcp', '80']),
  element('trusted', ['br-one', 'br-two']),
  element('snat4', ['10.10.0.0/24'], ['192.0.2.9']),
  element('hairpins', ['br-one', 'br-one']),
  port('0.0.0.0', 8080, '10.1.0.2', 80),
  port('127.0.0.1', 8081, '10.9.0.2', 80),
  port('192.0.2.1', 8082, '10.1.0.2', 80),
  port('0.0.0.0', 8083, '10.2.0.2', 80),
  port('0.0.0.0', 8084, '10.3.0.2', 80),
  port('::', 8085, 'fd00:1::2', 80),
  hostObject({ $case: 'sandbox', value: { sandboxId: 'none', namespace: { $case: 'managed', value: true } } }),
];

const words = {
  host: 'h1',
  sandbox: (id: string) => id,
  network: (bridge: string) => bridge.slice(3),
  setting: () => '',
};

export function ask(line: string, failures = new Map<string, string>(), objects = world) {
  const [from = '', to = '', protocol = 'icmp', portText = '0', family = '4'] = line.split(' ');
  const end = (text: string): Asked['to'] => {
    if (text === 'host' || text === 'outside') return { at: text };
    return /[.:]/.test(text) ? { at: 'address', address: text } : { at: 'sandbox', id: text };
  };
  return explain(
    { ground: new Ground(objects), words, failures },
    {
      from: end(from) as Asked['from'],
      to: end(to),
      protocol: protocol as Asked['protocol'],
      port: Number(portText),
      family: Number(family) as 4 | 6,
    },
  );
}

/** A question, whether it reaches, and a part of the reason. */
export const questions: readonly (readonly [line: string, reaches: boolean, because: string])[] = [
  ['oneA oneB', true, 'whose sandboxes talk to each other'],
  ['oneA oneB tcp 80', true, 'talk to each other'],
  ['oneA oneB icmp 0 6', true, 'talk to each other'],
  ['oneA oneA', true, 'an address of oneA itself'],
  ['oneA 127.0.0.1 tcp 80', true, 'an address of oneA itself'],
  ['oneA 10.1.0.77', false, 'nobody has the address 10.1.0.77'],
  ['oneA twoA', false, 'networks one and two are kept apart'],
  ['oneA twoA icmp 0 6', false, 'networks one and two are kept apart'],
  ['oneA twoA tcp 80', true, 'from a trusted interface'],
  ['oneA twoA tcp 81', false, 'networks one and two are kept apart'],
  ['oneA host', true, 'arrives at 10.1.0.1'],
  ['oneA 10.2.0.1', true, 'arrives at 10.2.0.1'],
  ['oneA outside', true, 'no rule holds back'],
  ['oneA 192.0.2.7 tcp 443', true, 'no rule holds back'],
  ['inA inB', true, 'talk to each other'],
  ['inA outside', false, 'has no route to the world'],
  ['inA host', true, 'arrives at 10.3.0.1'],
  ['inA oneA', false, 'has no route to 10.1.0.2'],
  ['oneA inA', false, 'nothing enters an internal network'],
  ['host inA', true, 'the host is on network in itself'],
  ['outside inA', false, 'nothing enters an internal network'],
  ['quietA quietB', false, 'isolated ports of its bridge'],
  ['quietA outside', true, 'no rule holds back'],
  ['quietA host', true, 'arrives at 10.4.0.1'],
  ['plainA outside', true, 'no rule holds back'],
  ['fixedA outside', true, 'no rule holds back'],
  ['host oneA', true, 'the host is on network one itself'],
  ['host aloneA', false, 'no IPv4 address in network alone'],
  ['aloneA host', false, 'no route to the host'],
  ['aloneA aloneB', true, 'talk to each other'],
  ['outside oneA', false, 'from outside only published ports'],
  ['outside openA tcp 9', true, 'nat-unprotected'],
  ['oneA openA', true, 'nat-unprotected'],
  ['outside openA icmp 0 6', false, 'from outside only published ports'],
  ['outside flatA', true, 'ICMP passes'],
  ['outside flatA tcp 80', true, 'published ports are reached at the address of the sandbox'],
  ['outside flatA tcp 81', false, 'from outside only published ports'],
  ['outside flatB tcp 80', false, 'from outside only published ports'],
  ['flatA outside', true, 'no rule holds back'],
  ['outside host tcp 8080', true, 'is published: it leads to oneA'],
  ['outside host udp 8080', true, 'arrives at the host'],
  ['outside host tcp 8082', true, 'is published: it leads to oneA'],
  ['outside 192.0.2.1 tcp 8082', true, 'is published: it leads to oneA'],
  ['outside host tcp 8081', true, 'port 8081 is published on 127.0.0.1, not there'],
  ['outside host tcp 8085 6', true, 'is published: it leads to oneA'],
  ['outside host tcp 8084', false, 'nothing enters an internal network'],
  ['outside 127.0.0.1 tcp 8081', false, "another machine's own"],
  ['host 127.0.0.1 tcp 8081', true, 'it leads to loopA'],
  ['host host tcp 8081', true, 'it leads to loopA'],
  ['host 127.0.0.1 tcp 8080', false, 'what comes from 127.0.0.1 may not leave by br-one'],
  ['host host tcp 8080', true, 'it leads to oneA'],
  ['host host tcp 8085 6', true, 'it leads to oneA'],
  ['host host tcp 9', true, 'arrives at 127.0.0.1'],
  ['host outside', true, 'it leaves for the world'],
  ['twoA host tcp 8080', true, 'is published: it leads to oneA'],
  ['twoA host tcp 8082', true, 'is published: it leads to oneA'],
  ['oneB host tcp 8080', true, 'is published: it leads to oneA'],
  ['oneA host tcp 8080', true, 'is published: it leads to oneA'],
  ['twoB host tcp 8083', false, 'twoA answers twoB directly'],
  ['twoA host tcp 8083', false, 'drops it'],
  ['none outside', false, 'none is on no network'],
  ['outside 198.51.100.1', true, 'arrives at 198.51.100.1'],
  ['outside 198.51.100.1 tcp 8080', true, 'it leads to oneA'],
  ['in2A inA', false, 'has no route'],
];
