// What is said of interfaces that are made on one of the host's; test/netns/macvlan.test.ts asks packets.
import { type HostObject, hostObject } from '@weft/hoststate';
import { SubinterfaceKind } from '@weft/proto/agent';
import { expect, test } from 'vitest';
import { ask, world } from './world.fixture.ts';

/** nameA and nameB at 10.N.0.2 and .3 on eth1, with a gateway behind it. */
function on(name: string, n: number, mode: string, flag = ''): HostObject[] {
  const kind = flag === '' ? SubinterfaceKind.MACVLAN : SubinterfaceKind.IPVLAN;
  return ['A', 'B'].flatMap((suffix, at) => {
    const sandboxId = `${name}${suffix}`;
    const value = {
      ...{ endpointId: `e-${sandboxId}`, kind, mode, flag, parent: `eth${n}`, sandboxId, name: 'eth0' },
      ...{ macAddress: '', mtu: 0, addresses: [`10.${n}.0.${at + 2}/24`], sysctls: {} },
    };
    const gateway = mode === 'l3' ? '' : `10.${n}.0.1`;
    return [
      hostObject({ $case: 'sandbox', value: { sandboxId, namespace: { $case: 'managed', value: true } } }),
      hostObject({ $case: 'subinterface', value }),
      hostObject({ $case: 'route', value: { sandboxId, destination: '0.0.0.0/0', gateway, interfaceName: 'eth0' } }),
    ];
  });
}
const objects = [
  ...world,
  ...on('mac', 50, 'bridge'),
  ...on('own', 51, 'private'),
  ...on('vepa', 52, 'vepa'),
  ...on('ipl', 53, 'l3', 'bridge'),
  ...on('ipp', 54, 'l2', 'private'),
];

test.each([
  ['macA macB', true, 'in bridge mode: the kernel hands it from one to the other'],
  ['ownA ownB', false, 'in private mode'],
  ['vepaA vepaB', false, 'weft does not know whether the switch'],
  ['iplA iplB', true, 'ipvlan interfaces on eth53 in bridge mode'],
  ['ippA ippB', false, 'in private mode'],
  ['macA macA', true, 'an address of macA itself'],
  ['macA 10.50.0.77', false, 'weft does not know what becomes of it there'],
  ['macA outside', false, 'the gateway 10.50.0.1 is a machine behind eth50'],
  ['macA oneA', false, 'the gateway 10.50.0.1 is a machine behind eth50'],
  ['host macA', false, 'do not reach each other by eth50'],
  ['oneA macA', false, 'do not reach each other by eth50'],
  ['outside macA', false, 'weft does not know whether another machine is there'],
])('%s: %s, %s', (line, reaches, because) => {
  const found = ask(line, new Map(), objects);
  expect([found.reaches, found.because]).toEqual([reaches, expect.stringContaining(because)]);
});

test('stops at an interface that the host could not make', () => {
  const failures = new Map([['subinterface/e-macB', 'the host has no interface "eth50"']]);
  expect(ask('macA macB', failures, objects)).toMatchObject({
    reaches: false,
    because: 'object subinterface/e-macB is not in the kernel: the host has no interface "eth50"',
  });
});
