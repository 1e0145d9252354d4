// The kinds of network and of published port that explain knows, on a host that an agent makes of the same objects: the
// evaluator and real packets agree about every question that can be tried.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type HostObject, hostObject, portElement } from '@weft/hoststate';
import { createNamespace, deleteNamespace } from '@weft/kernel';
import { ExplainProbe } from '@weft/proto/controller';
import { Host as HostModel, Protocol } from '@weft/proto/model';
import { expect, test } from 'vitest';
import { probe } from '../../services/cli/src/explain/probe.ts';
import type { Place } from '../../services/network-controller/src/explain/question.ts';
import { ask, questions, world } from '../../services/network-controller/src/explain/world.fixture.ts';
import { createHost, type Host, idOf, onCleanup } from './agent-host.ts';

/** Where 'outside' is, and the host as seen from there. */
const outside = { 4: { own: '192.0.2.2', host: '192.0.2.1' }, 6: { own: '2001:db8::2', host: '2001:db8::1' } };

const inside = (namespace: string, line: string) => execFileSync('nsenter', [`--net=${namespace}`, 'sh', '-ec', line]);

/** An object as an agent takes it: with ids that are ids, and a port without the socket that holds it. */
function asApplied({ key: known, spec }: HostObject): HostObject {
  switch (spec?.$case) {
    case 'port': {
      const { set, key, data } = portElement(spec.value);
      return hostObject({ $case: 'nftElement', value: { set, key: [...key], data: [...data] } });
    }
    case 'sandbox':
      return hostObject({ ...spec, value: { ...spec.value, sandboxId: idOf(spec.value.sandboxId) } });
    case 'route':
      return hostObject({ ...spec, value: { ...spec.value, sandboxId: idOf(spec.value.sandboxId) } });
    case 'veth': {
      const { sandboxId, endpointId } = spec.value;
      return hostObject({
        ...spec,
        value: { ...spec.value, sandboxId: idOf(sandboxId), endpointId: idOf(endpointId) },
      });
    }
    default:
      return { key: known, spec };
  }
}

async function makeWorld(): Promise<{ host: Host; beyond: string }> {
  const host = await createHost();
  const beyond = host.directory('beyond');
  createNamespace(beyond);
  onCleanup(() => void deleteNamespace(beyond));
  inside(host.namespace, `ip link set lo up && ip link add up0 type veth peer name up1 netns ${beyond}`);
  inside(
    beyond,
    'ip link set lo up && ip addr add 192.0.2.2/24 dev up1 && ip addr add 2001:db8::2/64 dev up1 nodad && ip link set up1 up',
  );
  inside(
    host.namespace,
    'ip addr add 192.0.2.1/24 dev up0 && ip addr add 192.0.2.9/24 dev up0 && ip addr add 2001:db8::1/64 dev up0 nodad && ip link set up0 up',
  );
  inside(host.namespace, 'ip route add default via 192.0.2.2');
  inside(beyond, 'ip route add 10.0.0.0/8 via 192.0.2.1 && ip -6 route add fd00::/16 via 2001:db8::1');
  await host.apply([...new Map(world.map((object) => [object.key, asApplied(object)])).values()]);
  inside(host.namespace, 'echo 1 > /proc/sys/net/ipv4/conf/br-loop/route_localnet');
  // Where bridges pass through the firewall (br_netfilter), a published port of the asker's own bridge is switched, not
  // routed: no rule sees the interface it came in by. HostState does not hold whether they do.
  inside(
    host.namespace,
    'for f in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do if [ -e $f ]; then echo 0 > $f; fi; done',
  );
  return { host, beyond };
}

const protocols: Readonly<Record<string, Protocol>> = { tcp: Protocol.TCP, udp: Protocol.UDP };

/** The question as a probe; undefined when it is about an address that no machine here has. */
function wayOf(line: string, host: Host, beyond: string): ExplainProbe | undefined {
  const [from = '', to = '', , portText = '0', family = '4'] = line.split(' ');
  const { address, arrival } = ask(line);
  const { own, host: seen } = outside[Number(family) as 4 | 6];
  const namespaceOf = (place: Place) =>
    ({ host: host.namespace, outside: beyond })[place.at as string] ??
    host.sandbox(place.at === 'sandbox' ? idOf(place.id) : '');
  const named = (text: string): Place =>
    text === 'host' || text === 'outside' ? { at: text } : { at: 'sandbox', id: text };
  const isAddress = /[.:]/.test(to);
  if (isAddress && (arrival === undefined || to === '198.51.100.1')) return undefined;
  if (isAddress && arrival?.place.at === 'outside') return undefined;
  const target = address || (to === 'outside' ? own : seen);
  const port = Number(portText);
  return ExplainProbe.fromPartial({
    fromNetns: namespaceOf(named(from)),
    address: target,
    port,
    toNetns: namespaceOf(arrival?.place ?? named(to)),
    toAddress: arrival === undefined || arrival.address.startsWith('(') ? target : arrival.address,
    toPort: arrival?.port ?? port,
  });
}

test('packets do what explain says, for every kind', { timeout: 180_000 }, async () => {
  const { host, beyond } = await makeWorld();
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const here = [HostModel.fromPartial({ name: 'here', facts: { bootId } })];
  const differ: string[] = [];
  let tried = 0;
  for (const [line, reaches] of questions) {
    const way = wayOf(line, host, beyond);
    if (way === undefined) continue;
    const protocol = protocols[line.split(' ')[2] ?? ''] ?? Protocol.UNSPECIFIED;
    const probed = await probe(way, protocol, here);
    tried++;
    if (probed.reaches !== reaches) differ.push(`${line}: explained ${reaches}, and ${JSON.stringify(probed)}`);
  }
  expect(differ).toEqual([]);
  expect(tried).toBeGreaterThan(50);
});
