// Who reaches whom, every cell of it with real sockets, with br_netfilter on and off; and `explain` is asked each cell too
// and must say what the packet says. The table below is the whole expectation.
import { Family, Protocol } from '@weft/proto/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Clients, type Host, joinHosts, makeHost } from '../lib/host.ts';
import { type Station, startStation, type Transport } from '../lib/station.ts';

/** Where a packet comes from: another sandbox of the network, one of another network, the host, a machine beyond, itself. */
const origins = ['same', 'other', 'host', 'outside', 'self'] as const;
type Origin = (typeof origins)[number];

/** How a port of the server is asked for. */
const ways = {
  'published, at the host': { port: 80, at: 'host' },
  'published, at the sandbox': { port: 80, at: 'sandbox' },
  unpublished: { port: 82, at: 'sandbox' },
  'published on the loopback, at the loopback': { port: 81, at: 'loopback' },
  'published on the loopback, at the host': { port: 81, at: 'host' },
} as const;
type Way = keyof typeof ways;

// Who gets through. `same` and `self` at the loopback ask their own loopback, `outside` cannot ask for it at all.
const nothing = '';
const all = 'same other host outside self';
const table: Record<string, Record<Way, string>> = {
  'icc on': {
    'published, at the host': all,
    'published, at the sandbox': 'same host self',
    unpublished: 'same host self',
    'published on the loopback, at the loopback': 'host',
    'published on the loopback, at the host': nothing,
  },
  // Not by way of the host either: with br_netfilter it could not be, since such a packet is bridged, port to port.
  'icc off': {
    'published, at the host': 'other host outside',
    'published, at the sandbox': 'host self',
    unpublished: 'host self',
    'published on the loopback, at the loopback': 'host',
    'published on the loopback, at the host': nothing,
  },
  internal: {
    'published, at the host': nothing,
    'published, at the sandbox': 'same host self',
    unpublished: 'same host self',
    'published on the loopback, at the loopback': nothing,
    'published on the loopback, at the host': nothing,
  },
  routed: {
    'published, at the host': nothing,
    'published, at the sandbox': all,
    unpublished: 'same host self',
    'published on the loopback, at the loopback': nothing,
    'published on the loopback, at the host': nothing,
  },
  isolated: {
    'published, at the host': nothing,
    'published, at the sandbox': 'same self',
    unpublished: 'same self',
    'published on the loopback, at the loopback': nothing,
    'published on the loopback, at the host': nothing,
  },
};

const option = (key: string, value: string) => ({ [`com.docker.network.bridge.${key}`]: value });
const kinds: Record<string, object> = {
  'icc on': {},
  'icc off': { options: option('enable_icc', 'false') },
  internal: { internal: true },
  routed: { options: { ...option('gateway_mode_ipv4', 'routed'), ...option('gateway_mode_ipv6', 'routed') } },
  isolated: {
    internal: true,
    options: { ...option('gateway_mode_ipv4', 'isolated'), ...option('gateway_mode_ipv6', 'isolated') },
  },
};
const families = [Family.IPV4, Family.IPV6] as const;
type OneFamily = (typeof families)[number];
const protocols: Record<Transport, Protocol> = { tcp: Protocol.TCP, udp: Protocol.UDP };

const hostAddress = { [Family.IPV4]: '192.0.2.1', [Family.IPV6]: '2001:db8::1' };
const worldAddress = { [Family.IPV4]: '192.0.2.2', [Family.IPV6]: '2001:db8::2' };
const loopback = { [Family.IPV4]: '127.0.0.1', [Family.IPV6]: '::1' };

let host: Host;
let world: Host;
let api: Clients;
const stations = new Map<string, Station>();
/** Addresses of sandboxes by name and family. */
const addresses = new Map<string, Record<OneFamily, string>>();
/** Host ports begin here for each kind. */
const firstPort = (kind: string): number => 8000 + 100 * Object.keys(kinds).indexOf(kind);

async function makeSandbox(name: string, network: string, ports: object[] = []): Promise<void> {
  const { endpoints } = await api.sandboxes.createSandbox({
    spec: { name },
    attachments: [{ network, spec: { ports } }],
  });
  const found = endpoints[0]?.desired?.addresses ?? [];
  const of = (family: OneFamily) => found.find((one) => one.family === family)?.cidr.split('/')[0] ?? '';
  addresses.set(name, { [Family.IPV4]: of(Family.IPV4), [Family.IPV6]: of(Family.IPV6) });
  const { sandbox } = await api.sandboxes.getSandbox({ sandbox: name });
  stations.set(name, await startStation(name, sandbox?.status?.namespacePath ?? ''));
}

beforeAll(async () => {
  host = makeHost();
  world = makeHost();
  joinHosts(host, '192.0.2.1/24', world, '192.0.2.2/24');
  const uplink = (side: string) => `$(ip -o link | grep -o "u[0-9a-f]*${side}@" | tr -d @)`;
  host.sh(`ip -6 addr add 2001:db8::1/64 dev ${uplink('a')} nodad`);
  world.sh(`ip -6 addr add 2001:db8::2/64 dev ${uplink('b')} nodad`);
  host.sh('ip route add default via 192.0.2.2 && ip -6 route add default via 2001:db8::2');
  await host.up();
  api = host.clients();
  stations.set('host', await startStation('host', host.netns));
  stations.set('outside', await startStation('outside', world.netns));
  const dual = (at: number) => ({
    enableIpv6: true,
    ipam: { configs: [{ subnet: `10.20.${at}.0/24` }, { subnet: `fd00:20:${at}::/64` }] },
  });
  await api.networks.createNetwork({ spec: { name: 'elsewhere', ...dual(99) } });
  await makeSandbox('other', 'elsewhere');
  for (const [at, [kind, spec]] of Object.entries(kinds).entries()) {
    const network = kind.replace(' ', '-');
    await api.networks.createNetwork({ spec: { name: network, ...dual(at), ...spec } });
    const ports = [...Object.values(protocols), Protocol.SCTP].flatMap((protocol) => [
      { protocol, port: 80, hostPort: firstPort(kind) },
      { protocol, port: 81, hostIp: '127.0.0.1', hostPort: firstPort(kind) + 1 },
    ]);
    await makeSandbox(`${network}-server`, network, ports);
    await makeSandbox(`${network}-same`, network);
    const server = stations.get(`${network}-server`);
    for (const protocol of ['tcp', 'udp'] as const)
      for (const port of [80, 81, 82]) await server?.listen(protocol, port);
    // Direct routing: the world knows the way to every network.
    world.sh(`ip route add 10.20.${at}.0/24 via 192.0.2.1 && ip -6 route add fd00:20:${at}::/64 via 2001:db8::1`);
  }
});
afterAll(async () => {
  await Promise.all([...stations.values()].map((one) => one.stop()));
  await host.remove();
  await world.remove();
});

interface Cell {
  readonly kind: string;
  readonly way: Way;
  readonly origin: Origin;
  readonly protocol: Transport;
  readonly family: OneFamily;
}

const cellsOf = (kind: string): Cell[] =>
  (Object.keys(ways) as Way[]).flatMap((way) =>
    origins.flatMap((origin) =>
      (['tcp', 'udp'] as const).flatMap((protocol) =>
        families.map((family) => ({ kind, way, origin, protocol, family })),
      ),
    ),
  );

const nameOf = ({ kind, origin }: Cell): string => {
  const network = kind.replace(' ', '-');
  return { same: `${network}-same`, self: `${network}-server`, other: 'other', host: 'host', outside: 'outside' }[
    origin
  ];
};

/** Where the cell's packet goes to. */
function target({ kind, way, family }: Cell): { address: string; port: number } {
  const { port, at } = ways[way];
  if (at === 'sandbox') {
    return { address: addresses.get(`${kind.replace(' ', '-')}-server`)?.[family] ?? '', port };
  }
  return { address: at === 'host' ? hostAddress[family] : loopback[family], port: firstPort(kind) + port - 80 };
}

const isExpected = ({ kind, way, origin, family }: Cell): boolean => {
  // The kernel cannot redirect [::1]: such a port is not to be had.
  if (ways[way].port === 81 && family === Family.IPV6) return false;
  return (table[kind]?.[way] ?? '').split(' ').includes(origin);
};

const textOf = ({ kind, way, origin, protocol, family }: Cell): string =>
  `${kind}: ${origin} -> ${way}, ${protocol}, IPv${family}`;

describe.each([1, 0])('br_netfilter %i', (isOn) => {
  beforeAll(() => {
    for (const key of ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables'])
      host.sh(`echo ${isOn} > /proc/sys/net/bridge/${key}`);
  });

  test.each(Object.keys(kinds))('%s', async (kind) => {
    const cells = cellsOf(kind);
    const server = `${kind.replace(' ', '-')}-server`;
    const found = await Promise.all(
      cells.map(async (cell) => {
        const { address, port } = target(cell);
        // What should come may take its time on a busy machine.
        const timeoutMs = isExpected(cell) ? 10_000 : undefined;
        const answer = await stations.get(nameOf(cell))?.connect(cell.protocol, address, port, timeoutMs);
        return `${textOf(cell)}: ${answer?.startsWith(`${server} `) === true ? 'yes' : 'no'}`;
      }),
    );
    expect(found).toEqual(cells.map((cell) => `${textOf(cell)}: ${isExpected(cell) ? 'yes' : 'no'}`));
  });
});

test.each(Object.keys(kinds))('explain says the same: %s', async (kind) => {
  // Where the kernel has no SCTP, it goes by the same rules all the same.
  const protocolsOf = [...Object.entries(protocols), ['sctp', Protocol.SCTP] as const];
  const cells = cellsOf(kind).filter(({ protocol }) => protocol === 'tcp');
  const found: string[] = [];
  const expected: string[] = [];
  for (const cell of cells) {
    const { address, port } = target(cell);
    for (const [word, protocol] of protocolsOf) {
      const answer = await api.system.explain({ from: nameOf(cell), to: address, protocol, port, family: cell.family });
      // At its own loopback a sandbox meets itself: nothing listens there, which explain cannot know.
      if (ways[cell.way].at === 'loopback' && cell.origin !== 'host') continue;
      // Whoever reaches the host meets the host, unless the port is published: then a step names its object.
      const isServer = ways[cell.way].at === 'sandbox' || answer.steps.some(({ object }) => object.startsWith('port/'));
      found.push(`${word} ${textOf(cell)}: ${answer.reaches && isServer ? 'yes' : 'no'}`);
      expected.push(`${word} ${textOf(cell)}: ${isExpected(cell) ? 'yes' : 'no'}`);
    }
  }
  expect(found).toEqual(expected);
});

describe('whom the server sees', () => {
  const ask = (from: string, family: OneFamily) =>
    stations.get(from)?.connect('tcp', hostAddress[family], firstPort('icc on'));

  test.each(families)('the client itself, over IPv%i', async (family) => {
    expect(await ask('outside', family)).toBe(`icc-on-server ${worldAddress[family]}`);
    expect(await ask('other', family)).toBe(`icc-on-server ${addresses.get('other')?.[family]}`);
  });

  test.each(families)('the gateway, for its own network and for itself, over IPv%i', async (family) => {
    const gateway = family === Family.IPV4 ? '10.20.0.1' : 'fd00:20:0::1';
    const seen = [await ask('icc-on-same', family), await ask('icc-on-server', family)];
    expect(seen.map((text) => text?.replace('fd00:20::1', 'fd00:20:0::1'))).toEqual([
      `icc-on-server ${gateway}`,
      `icc-on-server ${gateway}`,
    ]);
  });
});

test('a machine beyond cannot ask for a port of the loopback, even if it sends packets to 127.0.0.1', async () => {
  world.sh(
    'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet && ip addr del 127.0.0.1/8 dev lo && ip route add 127.0.0.1/32 via 192.0.2.1 src 192.0.2.2',
  );
  expect(await stations.get('outside')?.connect('tcp', '127.0.0.1', firstPort('icc on') + 1)).toBeUndefined();
  expect(await stations.get('outside')?.connect('tcp', '192.0.2.1', firstPort('icc on'))).toContain('icc-on-server');
});

test('a sandbox cannot ask for the loopback of the host through the bridge', async () => {
  await stations.get('host')?.listen('tcp', 9999);
  expect(await stations.get('host')?.connect('tcp', '127.0.0.1', 9999)).toBe('host 127.0.0.1');
  host.weft(
    'sandbox',
    'exec',
    'icc-on-same',
    '--',
    'sh',
    '-c',
    'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1/32 via 10.20.0.1',
  );
  expect(await stations.get('icc-on-same')?.connect('tcp', '127.0.0.1', 9999)).toBeUndefined();
});
