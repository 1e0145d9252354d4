import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { dumpFlows, type Flow, forgetFlows } from './conntrack.ts';
import { inNamespace } from './namespace.ts';
import { openFds, useNamespaces } from './namespaces.fixture.ts';
import type { NetlinkSocket } from './netlink.ts';
import { openNetfilter } from './netlink.ts';
import { runNft } from './nft.ts';

const namespaces = useNamespaces();
const withSocket = <T>(namespace: string, use: (socket: NetlinkSocket) => T): T => {
  const socket = openNetfilter(namespace);
  try {
    return use(socket);
  } finally {
    socket.close();
  }
};
// Following connections begins with the first rule that asks for it.
const FOLLOW = `table inet t {
  chain one { type nat hook output priority -100; udp dport 5353 dnat ip to 127.0.0.2:5354; }
  chain two { type filter hook output priority 0; ct state new counter; }
}`;
const send = (namespace: string, to: string) =>
  inNamespace(namespace, () => spawnSync('bash', ['-c', `echo x > /dev/udp/${to}`]));
const toPort = (number: number) => (flow: Flow) => flow.protocol === 17 && flow.original.destinationPort === number;

describe('flows', () => {
  it('are read in both families and directions, and forgotten one by one', () => {
    const namespace = namespaces.make();
    const before = openFds();
    runNft(namespace, FOLLOW);
    for (const to of ['127.0.0.1/5353', '127.0.0.1/6000', '::1/6000']) send(namespace, to);
    withSocket(namespace, (socket) => {
      const [directed, ...others] = dumpFlows(socket, toPort(5353));
      expect(others).toEqual([]);
      expect(directed).toMatchObject({
        original: { source: '127.0.0.1', destination: '127.0.0.1', destinationPort: 5353 },
        reply: { source: '127.0.0.2', sourcePort: 5354, destination: '127.0.0.1' },
      });
      expect(directed?.original.sourcePort).toBe(directed?.reply.destinationPort);
      const plain = dumpFlows(socket, toPort(6000));
      expect(plain.map(({ original }) => original.destination).toSorted()).toEqual(['127.0.0.1', '::1']);
      expect(forgetFlows(socket, plain)).toEqual([]);
      expect(dumpFlows(socket, toPort(6000))).toEqual([]);
      expect(dumpFlows(socket, toPort(5353))).toHaveLength(1);
      // What is gone already is forgotten.
      expect(forgetFlows(socket, plain)).toEqual([]);
    });
    expect(openFds()).toBe(before);
  });
});
