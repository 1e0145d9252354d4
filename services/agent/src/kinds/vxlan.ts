// VXLAN links: a port of a bridge that leads to other hosts. What cannot be changed in place is made anew; the neighbours on it
// (neighbour.ts) are put back with it.
import { fault, Reason } from '@weft/fault';
import {
  createVxlan,
  deleteLink,
  findLink,
  ipBytes,
  ipText,
  type Link,
  setLink,
  setPort,
  WEFT_GROUP,
} from '@weft/kernel';
import type { VxlanObject } from '@weft/proto/agent';
import { type Context, Deferred } from '../context.ts';
import { refused } from '../kernel-fault.ts';
import { interfaceName } from '../names.ts';
import { bridgeOf, mtuOf, ofInterface, sysctlSteps } from './interface.ts';
import { oneByOne, type Step } from './kind.ts';

/** Where a MAC is is said to the bridge, never learnt; broadcasts come to the link for it to answer, and end there. */
const FLAGS = { learning: false, unicastFlood: false, multicastFlood: true, broadcastFlood: true } as const;

const MOST = { vni: 2 ** 24 - 1, port: 65_535 };

const create = (context: Context, spec: VxlanObject): Step => ({
  what: 'it is missing',
  makes: true,
  run: () => {
    const { name, vni, local, port } = spec;
    if (vni < 1 || vni > MOST.vni || port < 1 || port > MOST.port) {
      throw refused(`${vni} is no VNI from 1 to ${MOST.vni}, or ${port} no port`);
    }
    context.socket().request(createVxlan({ name, group: WEFT_GROUP, vni, local, port, mtu: mtuOf(spec) }));
  },
});

/** What no message can change while the link is there. */
const fixedFaults = (spec: VxlanObject, { vxlan }: Link): string[] => {
  if (vxlan === undefined) return [];
  const local = ipText(ipBytes(spec.local));
  return [
    ...(vxlan.vni === spec.vni ? [] : [`its VNI is ${vxlan.vni}, not ${spec.vni}`]),
    ...(vxlan.port === spec.port ? [] : [`its port is ${vxlan.port}, not ${spec.port}`]),
    ...(vxlan.local === local ? [] : [`its own end is ${vxlan.local || 'nowhere'}, not ${local}`]),
    ...(vxlan.learning ? ['it learns'] : []),
    ...(vxlan.proxy ? [] : ['it does not answer for neighbours']),
  ];
};

const portSteps = (context: Context, link: Link, master: Link): Step[] => {
  const socket = context.socket();
  const flags: Step = {
    what: 'its port learns or floods otherwise',
    run: () => void socket.request(setPort(link.index, FLAGS)),
  };
  if (link.master !== master.index) {
    const run = () => {
      socket.request(setLink(link.index, { up: false }));
      socket.request(setLink(link.index, { master: master.index }));
    };
    return [{ what: `it is not a port of "${master.name}"`, run }, flags];
  }
  const { port } = link;
  const isRight = Object.entries(FLAGS).every(([name, value]) => port?.[name as keyof typeof FLAGS] === value);
  return isRight ? [] : [flags];
};

export const vxlan = oneByOne('vxlan', {
  plan(context, spec, key) {
    const socket = context.socket();
    const master = bridgeOf(context, spec.bridge);
    const link = findLink(socket, interfaceName(spec.name));
    if (link === undefined) return [create(context, spec)];
    if (context.doomed.has(link.index)) throw new Deferred();
    if (link.kind !== 'vxlan' || link.group !== WEFT_GROUP) {
      throw fault(Reason.INTERFACE_EXISTS, `the host has an interface "${spec.name}" that weft did not make`);
    }
    context.linkOwners.set(link.index, key);
    const wrong = fixedFaults(spec, link);
    if (wrong.length > 0) {
      return [{ what: wrong.join(', '), makes: true, run: () => void socket.request(deleteLink(link.index)) }];
    }
    const mtu = mtuOf(spec);
    const port = portSteps(context, link, master);
    const up: Step = { what: 'it is down', run: () => void socket.request(setLink(link.index, { up: true })) };
    return [
      ...(link.mtu === mtu
        ? []
        : [
            {
              what: `its MTU is ${link.mtu}, not ${mtu}`,
              run: () => void socket.request(setLink(link.index, { mtu })),
            },
          ]),
      // The host has no address on it. IPv6 stays on: without, the kernel answers no neighbour solicitations.
      ...sysctlSteps(undefined, {}, ofInterface(spec.name, { 'ipv6.addr_gen_mode': '1', 'ipv6.accept_ra': '0' })),
      ...port,
      ...(link.up && port.length < 2 ? [] : [up]),
    ];
  },
  remove(context, spec) {
    const link = findLink(context.socket(), spec.name);
    if (link?.kind === 'vxlan' && link.group === WEFT_GROUP) context.doomed.add(link.index);
  },
});
