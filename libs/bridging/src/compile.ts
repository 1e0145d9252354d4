// Intent to HostState: what a host must have for a network that is a bridge there, and for an endpoint of it. Pure and total.
import { macOf, parseAddress, parsePrefix } from '@weft/address';
import { type EndpointObjects, type JoinedEndpoint, readSysctls } from '@weft/driver';
import { type HostObject, hostObject, type NftSetName } from '@weft/hoststate';
import { type Endpoint, Family, type Network, type NetworkPool } from '@weft/proto/model';
import { optionKey } from './options.ts';
import { isNat, type Settings, settingsOf } from './settings.ts';

const element = (set: NftSetName, key: string[], data: string[] = []) =>
  hostObject({ $case: 'nftElement', value: { set, key, data } });
const sysctl = (key: string, value: string) => hostObject({ $case: 'sysctl', value: { key, value } });

/** Per family: the sets its elements go into, and what lets the kernel forward. */
const parts = {
  [Family.IPV4]: {
    unprotected: 'unprotected4',
    routed: 'routed4',
    masquerade: 'masquerade4',
    snat: 'snat4',
    forwarding: 'net.ipv4.ip_forward',
  },
  [Family.IPV6]: {
    unprotected: 'unprotected6',
    routed: 'routed6',
    masquerade: 'masquerade6',
    snat: 'snat6',
    forwarding: 'net.ipv6.conf.all.forwarding',
  },
} as const;

/** A network's bridge on a host. */
export interface BridgePlace {
  /** The interface's name. */
  readonly name: string;
  /** Bytes, of the bridge and of the interfaces on it; 0 for the kernel's default. */
  readonly mtu: number;
  /** One of the name that weft did not make is used, and never deleted. */
  readonly mayExist: boolean;
}

/** The bridge's name when none is given: br- and the id's first 12 digits, as Docker has it. */
export const ownBridgeName = ({ id }: Network): string => `br-${id.slice(0, 12)}`;

/** The host end's name of an endpoint's veth pair. */
const vethName = ({ id }: Endpoint): string => `wv-${id.slice(0, 12)}`;

/** What a host with the network has for the bridge and what it forwards. */
export function compileBridge(network: Network, place: BridgePlace): readonly HostObject[] {
  const { desired } = network;
  if (desired === undefined) return [];
  const settings = settingsOf(network);
  const bridge = place.name;
  const objects = [
    element('bridges', [bridge]),
    element('bridge_pairs', [bridge, bridge], [settings.icc ? 'accept' : 'drop']),
    hostObject({
      $case: 'bridge',
      value: {
        name: bridge,
        macAddress: bridgeMac(network),
        mtu: place.mtu,
        addresses: bridgeAddresses(desired.pools, settings),
        mayExist: place.mayExist,
        ipv6: hasAddress(settings, Family.IPV6),
        routeLocalnet: !settings.internal && isNat(settings.modes.get(Family.IPV4)),
      },
    }),
  ];
  if (settings.internal) return [...objects, element('internal_bridges', [bridge])];
  const hasNat = [...settings.modes.values()].some(isNat);
  return [
    ...objects,
    ...(hasNat && settings.icc ? [element('hairpins', [bridge, bridge])] : []),
    ...(hasNat ? settings.trusted.map((name) => element('trusted', [name, bridge])) : []),
    ...[Family.IPV4, Family.IPV6].flatMap((family) => forwarded(desired.pools, settings, family, bridge)),
  ];
}

/** What a family that is forwarded needs. */
function forwarded(pools: readonly NetworkPool[], settings: Settings, family: Family, bridge: string): HostObject[] {
  const mode = settings.modes.get(family);
  if ((family !== Family.IPV4 && family !== Family.IPV6) || mode === undefined || mode === 'isolated') return [];
  const { unprotected, routed, masquerade, snat, forwarding } = parts[family];
  const source = settings.source(family);
  const subnets = source === undefined ? [] : pools.filter((pool) => pool.family === family).map((pool) => pool.subnet);
  return [
    sysctl(forwarding, '1'),
    ...(mode === 'nat-unprotected' ? [element(unprotected, [bridge])] : []),
    ...(mode === 'routed' ? [element(routed, [bridge])] : []),
    ...subnets.map((subnet) =>
      typeof source === 'object' ? element(snat, [subnet], [source.snat]) : element(masquerade, [subnet]),
    ),
  ];
}

/** Whether the bridge is in the network itself, in the family. */
const hasAddress = ({ modes }: Settings, family: Family): boolean =>
  modes.has(family) && modes.get(family) !== 'isolated';

function bridgeAddresses(pools: readonly NetworkPool[], settings: Settings): string[] {
  return pools
    .filter(({ gateway, family }) => gateway !== '' && hasAddress(settings, family))
    .filter(({ family }) => !(family === Family.IPV4 && settings.inhibitIpv4))
    .map((pool) => withLength(pool.gateway, pool));
}

/** What the endpoint's own host has for it, and the gateways it offers its sandbox. */
export function compileVeth({ network, endpoint, sandbox }: JoinedEndpoint, place: BridgePlace): EndpointObjects {
  const { desired, spec } = endpoint;
  if (desired === undefined || network.desired === undefined) return { local: [] };
  const settings = settingsOf(network);
  const addresses = [
    ...desired.addresses.map((address) => address.cidr),
    ...(spec?.linkLocalIps ?? []).map((text) => `${text}/${text.includes(':') ? 64 : 16}`),
  ];
  const veth = hostObject({
    $case: 'veth',
    value: {
      endpointId: endpoint.id,
      hostName: vethName(endpoint),
      bridge: place.name,
      sandboxId: sandbox.id,
      name: desired.interfaceName,
      macAddress: desired.macAddress,
      mtu: place.mtu,
      addresses,
      isolated: !settings.icc,
      hairpin: true,
      advertiseCount: settings.advertiseCount,
      advertiseIntervalMs: settings.advertiseIntervalMs,
      sysctls: { ...readSysctls(spec?.driverOptions[optionKey.sysctls] ?? '') },
    },
  });
  if (settings.internal) return { local: [veth] };
  const held = new Set(desired.addresses.map((address) => address.family));
  const gateway = (family: Family) =>
    held.has(family) && hasAddress(settings, family) ? gatewayOf(network, family) : '';
  return { local: [veth], gatewayIpv4: gateway(Family.IPV4), gatewayIpv6: gateway(Family.IPV6) };
}

/** The gateway sandboxes get: an auxiliary address of Docker's special name, else the pool's own. */
function gatewayOf(network: Network, family: Family): string {
  const pool = network.desired?.pools.find((one) => one.family === family);
  const special = family === Family.IPV4 ? 'DefaultGatewayIPv4' : 'DefaultGatewayIPv6';
  return pool?.auxAddresses[special] ?? pool?.gateway ?? '';
}

/**
 * A MAC that does not change when ports come and go, so that neighbours' caches stay right: Docker's of the gateway, or,
 * without one, a local one of the network's id.
 */
function bridgeMac({ id, desired }: Network): string {
  const gateway = desired?.pools.find((pool) => pool.family === Family.IPV4 && pool.gateway !== '')?.gateway;
  const address = gateway === undefined ? undefined : parseAddress(gateway);
  const bytes = id.slice(0, 8).match(/[0-9a-f]{2}/g) ?? [];
  return (address && macOf(address)) ?? (bytes.length === 4 ? ['0e', '42', ...bytes].join(':') : '');
}

function withLength(address: string, pool: NetworkPool): string {
  return `${address}/${parsePrefix(pool.subnet)?.length ?? (pool.family === Family.IPV4 ? 32 : 128)}`;
}
