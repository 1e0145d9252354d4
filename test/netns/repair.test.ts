// Harm done by hand to a host that runs `weft up`: found and repaired within a second, told by the events `drift found` and
// `drift repaired`, and the kernel is afterwards as it was before.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertInvariants } from '../invariants/check.ts';
import { type Clients, type Host, makeHost } from '../lib/host.ts';

const patienceMs = 1_000;
let host: Host;
let api: Clients;
let bridge: string;
let veth: string;
let endpointId: string;
let sandboxId: string;
let inside: (line: string) => string;

beforeAll(async () => {
  host = makeHost();
  await host.up();
  api = host.clients();
  const { network } = await api.networks.createNetwork({
    spec: { name: 'web', enableIpv6: true, ipam: { configs: [{ subnet: '10.4.0.0/24' }, { subnet: 'fd04::/64' }] } },
  });
  const { sandbox, endpoints } = await api.sandboxes.createSandbox({
    spec: { name: 'a' },
    attachments: [{ network: 'web' }],
  });
  bridge = `br-${network?.id.slice(0, 12)}`;
  endpointId = endpoints[0]?.id ?? '';
  sandboxId = sandbox?.id ?? '';
  inside = (line) => host.run('nsenter', [`--net=${sandbox?.status?.namespacePath}`, '--', 'sh', '-c', line]).stdout;
  const ports: { ifname: string }[] = JSON.parse(host.sh(`ip -j link show master ${bridge}`).stdout);
  veth = ports[0]?.ifname ?? '';
});
afterAll(async () => await host.remove());

interface ShownLink {
  readonly ifname: string;
  readonly address: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly master?: string;
  readonly group: string;
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[];
}

/** What iproute2 and nft show, without the numbers and addresses that the kernel gives something made again. */
function kernel() {
  const links = (text: string) =>
    (JSON.parse(text) as ShownLink[])
      .map(({ ifname, address, mtu, flags, master, group, addr_info }) => ({
        ifname,
        mtu,
        group,
        master,
        isUp: flags.includes('UP'),
        address: ifname === veth ? 'the kernel’s choice' : address,
        addresses: addr_info.filter((one) => one.scope === 'global').map((one) => `${one.local}/${one.prefixlen}`),
      }))
      .sort((a, b) => (a.ifname < b.ifname ? -1 : 1));
  return {
    host: links(host.sh('ip -j addr').stdout),
    inside: links(inside('ip -j addr')),
    routes: [inside('ip route show default'), inside('ip -6 route show default')],
    // By table: one that is made again is the last of them.
    rules: host.sh('nft list table inet weft; nft list table inet weft-user').stdout,
  };
}

/**
 * Resolves with what was told of an object, in order, when it is repaired. `found` is the proof of the harm: often it is
 * repaired before another program could look.
 */
async function repaired(object: string, since: bigint): Promise<string[]> {
  const words: string[] = [];
  const signal = AbortSignal.timeout(patienceMs);
  const filters = { kind: { values: ['drift'] } };
  for await (const { event } of api.system.events({ sinceRevision: since, filters }, { signal })) {
    if (event?.attributes['object'] !== object) continue;
    words.push(event.what);
    if (event.what === 'repaired') return words;
  }
  throw new Error(`${object} was not repaired`);
}

test.each<[string, () => unknown, () => string]>([
  ['the bridge is deleted', () => host.sh(`ip link del ${bridge}`), () => `bridge/${bridge}`],
  ['the bridge is set down', () => host.sh(`ip link set ${bridge} down`), () => `bridge/${bridge}`],
  ['the veth is deleted on the host', () => host.sh(`ip link del ${veth}`), () => `veth/${endpointId}`],
  ['the veth is deleted inside', () => inside('ip link del eth0'), () => `veth/${endpointId}`],
  ['the veth is set down on the host', () => host.sh(`ip link set ${veth} down`), () => `veth/${endpointId}`],
  ['the interface is set down', () => inside('ip link set eth0 down'), () => `veth/${endpointId}`],
  ['the default route is deleted', () => inside('ip route del default'), () => `route/${sandboxId}/0.0.0.0/0`],
  ['the IPv6 default route is deleted', () => inside('ip -6 route del default'), () => `route/${sandboxId}/::/0`],
  ['an address is deleted', () => inside('ip addr del 10.4.0.2/24 dev eth0'), () => `veth/${endpointId}`],
  ['all addresses are flushed', () => inside('ip addr flush dev eth0'), () => `veth/${endpointId}`],
  [
    'the gateway’s address is deleted',
    () => host.sh(`ip addr del 10.4.0.1/24 dev ${bridge}`),
    () => `bridge/${bridge}`,
  ],
  ['weft’s nft table is deleted', () => host.sh('nft delete table inet weft'), () => 'table inet weft'],
  ['the rule set is flushed', () => host.sh('nft flush ruleset'), () => 'table inet weft'],
])('%s', async (_, harm, object) => {
  const before = kernel();
  const { revision } = await api.system.getStatus({});
  harm();
  const words = await repaired(object(), revision);
  expect(words).toEqual(['found', 'repaired']);
  expect(kernel()).toEqual(before);
  await assertInvariants({ runDir: host.runDir, dataDir: host.dataDir, netns: host.netns });
});
