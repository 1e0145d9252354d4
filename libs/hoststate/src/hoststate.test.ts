import { SubinterfaceKind } from '@weft/proto/agent';
import { Balance, Protocol } from '@weft/proto/model';
import { describe, expect, it } from 'vitest';
import { diff } from './diff.ts';
import { type HostObject, hostObject, parseKey, type Spec } from './key.ts';
import { inOrder, kinds, rankOf } from './rank.ts';
import { sameObject, textOf, textOfAll } from './text.ts';

const id = 'ab'.repeat(32);
const specs: { spec: Spec; text: string }[] = [
  { spec: { $case: 'sandbox', value: { sandboxId: id, namespace: undefined } }, text: `sandbox/${id} managed` },
  {
    spec: { $case: 'sandbox', value: { sandboxId: id, namespace: { $case: 'path', value: '/run/x y' } } },
    text: `sandbox/${id} path="/run/x y"`,
  },
  {
    spec: { $case: 'nftElement', value: { set: 'bridge_pairs', key: ['br-1', 'br-1'], data: ['accept'] } },
    text: 'nft/bridge_pairs/br-1 . br-1 data=accept',
  },
  {
    spec: { $case: 'sysctl', value: { key: 'net.ipv4.ip_forward', value: '0' } },
    text: 'sysctl/net.ipv4.ip_forward value=0',
  },
  {
    spec: {
      $case: 'port',
      value: {
        protocol: Protocol.UDP,
        hostIp: '0.0.0.0',
        hostPort: 5353,
        targetIp: '10.0.0.2',
        targetPort: 53,
      },
    },
    text: 'port/udp/0.0.0.0/5353 to=10.0.0.2:53',
  },
  {
    spec: {
      $case: 'bridge',
      value: {
        name: 'br-1',
        macAddress: '02:42:0a:00:00:01',
        mtu: 0,
        addresses: ['10.0.0.1/24', 'fd00::1/64'],
        mayExist: false,
        ipv6: true,
        routeLocalnet: false,
      },
    },
    text: 'bridge/br-1 mac=02:42:0a:00:00:01 addresses=10.0.0.1/24,fd00::1/64 ipv6',
  },
  {
    spec: {
      $case: 'veth',
      value: {
        endpointId: 'e1',
        hostName: 'wv-1',
        bridge: 'br-1',
        sandboxId: id,
        name: 'eth0',
        macAddress: '',
        mtu: 1450,
        addresses: ['10.0.0.2/24'],
        isolated: false,
        hairpin: true,
        sysctls: { b: '1', a: '0' },
        advertiseCount: 0,
        advertiseIntervalMs: 0,
      },
    },
    text: `veth/e1 host-name=wv-1 bridge=br-1 sandbox=${id} name=eth0 mtu=1450 addresses=10.0.0.2/24 hairpin sysctls=a:0,b:1`,
  },
  {
    spec: { $case: 'parent', value: { name: 'eth0.10', link: 'eth0', vlan: 10 } },
    text: 'parent/eth0.10 link=eth0 vlan=10',
  },
  {
    spec: {
      $case: 'subinterface',
      value: {
        endpointId: 'e2',
        kind: SubinterfaceKind.IPVLAN,
        mode: 'l3',
        flag: 'vepa',
        parent: 'eth0.10',
        sandboxId: id,
        name: 'eth0',
        macAddress: '',
        mtu: 0,
        addresses: ['10.0.0.2/24'],
        sysctls: {},
      },
    },
    text: `subinterface/e2 kind=ipvlan mode=l3 flag=vepa parent=eth0.10 sandbox=${id} name=eth0 addresses=10.0.0.2/24`,
  },
  {
    spec: {
      $case: 'route',
      value: { sandboxId: id, destination: '0.0.0.0/0', gateway: '10.0.0.1', interfaceName: 'eth0' },
    },
    text: `route/${id}/0.0.0.0/0 via=10.0.0.1 interface=eth0`,
  },
  {
    spec: {
      $case: 'zone',
      value: { networkId: 'n1', name: 'mynet', subnets: ['10.0.0.0/24'], listen: ['10.0.0.1'], servers: ['9.9.9.9'] },
    },
    text: 'zone/n1 name=mynet subnets=10.0.0.0/24 listen=10.0.0.1 servers=9.9.9.9',
  },
  {
    spec: {
      $case: 'names',
      value: {
        networkId: 'n1',
        owner: 'endpoint/e1',
        names: ['web'],
        addresses: ['10.0.0.2'],
        reverse: 'web',
        records: [],
        ports: [],
      },
    },
    text: 'names/n1/endpoint/e1 names=web addresses=10.0.0.2 reverse=web',
  },
  {
    spec: {
      $case: 'resolver',
      value: {
        sandboxId: id,
        networks: [{ networkId: 'n1', links: { b: 'web' } }],
        servers: ['192.0.2.1'],
        serversInSandbox: false,
        internal: false,
        ndots: 0,
      },
    },
    text: `resolver/${id} networks=n1 links=n1/b:web servers=192.0.2.1`,
  },
  {
    spec: {
      $case: 'service',
      value: {
        serviceId: 's1',
        networkId: 'n1',
        name: 'web',
        addresses: ['10.0.0.9'],
        backends: [
          { endpointId: 'e1', sandboxId: id, addresses: ['10.0.0.2', 'fd00::2'], weight: 1, draining: false },
          { endpointId: 'e2', sandboxId: id, addresses: ['10.0.0.3'], weight: 5, draining: true },
        ],
        balance: Balance.WEIGHTED,
        stickySeconds: 60,
        ports: [{ protocol: Protocol.TCP, hostIp: '::', hostPort: 8080, targetPort: 80 }],
        check: {
          probe: { $case: 'http', value: { port: 80, path: '/up', host: 'web' } },
          intervalMs: 1000,
          timeoutMs: 500,
          rise: 2,
          fall: 3,
        },
      },
    },
    text: `service/s1 network=n1 name=web addresses=10.0.0.9 backends="e1 ${id} 10.0.0.2 fd00::2 x1","e2 ${id} 10.0.0.3 x5 draining" balance=BALANCE_WEIGHTED sticky=60 ports="tcp [::]:8080 80" check="http:web:80/up every 1000ms within 500ms rise 2 fall 3"`,
  },
  {
    spec: { $case: 'file', value: { sandboxId: id, name: 'hosts', content: 'a\nb' } },
    text: `file/${id}/hosts content="a\\nb"`,
  },
];
const objects = specs.map(({ spec }) => hostObject(spec)).filter((_, at) => at !== 0);

describe('text', () => {
  it.each(specs)('$text', ({ spec, text }) => expect(textOf(hostObject(spec))).toBe(text));

  it('decides equality, whatever the order of a map', () => {
    const veth = objects.find(({ spec }) => spec?.$case === 'veth') as HostObject;
    const turned = structuredClone(veth);
    if (turned.spec?.$case === 'veth') turned.spec.value.sysctls = { a: '0', b: '1' };
    expect(sameObject(veth, turned)).toBe(true);
    if (turned.spec?.$case === 'veth') turned.spec.value.mtu = 1;
    expect(sameObject(veth, turned)).toBe(false);
  });
});

describe('order', () => {
  it('puts firewall before links, and what is needed before what needs it', () => {
    expect(inOrder(objects.toReversed()).map(({ key }) => parseKey(key).kind)).toEqual([...kinds]);
    expect(rankOf('nftElement')).toBeLessThan(rankOf('bridge'));
    expect(textOfAll(objects)).toBe(textOfAll(objects.toReversed()));
  });
});

describe('keys', () => {
  it('come apart again', () => {
    for (const { spec } of specs) expect(parseKey(hostObject(spec).key).kind).toBe(spec.$case);
    for (const bad of ['', 'veth', 'veth/', '/x', 'nonsense/x']) expect(() => parseKey(bad)).toThrow(TypeError);
  });
});

describe('diff', () => {
  it('of a state with itself is nothing', () =>
    expect(diff(objects, structuredClone(objects))).toEqual({ put: [], delete: [] }));

  it('puts what is new or changed in order, and deletes the rest in reverse', () => {
    expect(diff([], objects.toReversed()).put).toEqual(inOrder(objects));
    expect(diff(objects, []).delete).toEqual(
      inOrder(objects)
        .toReversed()
        .map(({ key }) => key),
    );
    const changed = structuredClone(objects);
    const [first] = changed;
    if (first?.spec?.$case === 'sandbox') first.spec.value.namespace = { $case: 'pid', value: 1 };
    expect(diff(objects, changed)).toEqual({ put: [first], delete: [] });
  });
});
