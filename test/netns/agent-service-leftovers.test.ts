// What a change of services must take away behind it, against a real kernel: flows and clients that stick, also when an agent was
// killed half way, and when a table cannot be written.
import { dumpFlows, listTableText, openNetfilter, runNft } from '@weft/kernel';
import { expect, it } from 'vitest';
import { createHost, idOf, resolverObject } from './agent-host.ts';
import { address, dualNetwork, run, sandboxId, serve, serviceObject, talk, VIP } from './service-host.ts';

/** How many flows of a sandbox are answered by an address. */
const flowsTo = (namespace: string, answering: string): number => {
  const socket = openNetfilter(namespace);
  try {
    return dumpFlows(socket, ({ reply }) => reply.source === answering).length;
  } finally {
    socket.close();
  }
};

it('a batch is answered when no flow of any sandbox leads to who left', async () => {
  const host = await createHost();
  await host.apply(dualNetwork(42));
  await host.apply([serviceObject([0])]);
  const clients = Array.from({ length: 40 }, (_, at) => host.sandbox(sandboxId(at + 2)));
  for (const client of clients) run(client, 'bash', '-c', `echo x > /dev/udp/${VIP}/53`);
  expect(clients.filter((client) => flowsTo(client, address(0)) > 0)).toHaveLength(40);
  await host.apply([serviceObject([1])]);
  expect(clients.filter((client) => flowsTo(client, address(0)) > 0)).toEqual([]);
}, 60_000);

it('an agent that finds the tables equal still looks for what led to others', async () => {
  const first = await createHost();
  const objects = [...dualNetwork(3), serviceObject([1], { stickySeconds: 600 })];
  await first.apply(objects);
  await serve(first, 0);
  await serve(first, 1);
  const client = first.sandbox(sandboxId(2));
  await first.writer.close();
  // As after a kill between the transaction and the clean-up: the rules are the new ones, the flow and the note are old.
  runNft(
    client,
    `add table ip old
     add chain ip old out { type nat hook output priority -110; }
     add rule ip old out ip daddr ${VIP} dnat to ${address(0)}
     add element inet weft spoken4 { ${VIP} }
     add element inet weft sticky4_776562000000 { ${address(2)} timeout 600s : ${address(0)} }`,
  );
  const shout = await talk(client, VIP, 'udp');
  expect(await shout()).toBe('0');
  runNft(client, 'delete table ip old');
  expect(await shout()).toBe('0');
  const host = await first.restart();
  await host.writer.apply({ put: objects, delete: [], reset: true, synced: true });
  expect(flowsTo(client, address(0))).toBe(0);
  expect(listTableText(client, 'inet', 'weft')).not.toContain(address(0));
  expect(await shout()).toBe('1');
}, 60_000);

it('a sandbox that cannot be written fails the services of its network alone, and is not forgotten', async () => {
  const host = await createHost();
  const web = serviceObject([0]);
  const other = serviceObject([], { serviceId: idOf('db'), networkId: idOf('other'), addresses: ['10.1.9.10'] });
  await host.apply(dualNetwork(4));
  await host.apply([resolverObject(sandboxId(3), idOf('other')), web, other]);
  await serve(host, 0);
  const client = host.sandbox(sandboxId(2));
  const shout = await talk(client, VIP, 'udp');
  expect(await shout()).toBe('0');
  // Somebody's chain refers to ours: the kernel does not delete it.
  runNft(client, 'add chain inet weft mine\nadd rule inet weft mine jump service_776562000000');
  const outcomes = await host.writer.apply({ put: [], delete: [web.key, other.key] });
  const faults = new Map(outcomes.map(({ key, fault }) => [key, fault?.message]));
  expect(faults.get(web.key)).toContain('busy');
  expect([faults.has(other.key), faults.get(other.key)]).toEqual([true, undefined]);
  expect(flowsTo(client, address(0))).toBe(1);
  runNft(client, 'delete chain inet weft mine');
  await host.until(() => host.reports.some(({ recovered }) => recovered.includes(web.key)));
  expect(listTableText(client, 'inet', 'weft')).not.toContain('service_');
  await host.until(() => flowsTo(client, address(0)) === 0);
}, 60_000);
