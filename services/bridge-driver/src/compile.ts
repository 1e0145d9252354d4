// Intent to HostState: what a host must have for a bridge network and for an endpoint of it. Pure and total.
import { macOf, parseAddress, parsePrefix } from '@weft/address';
import type { EndpointObjects, JoinedEndpoint } from '@weft/driver';
import { type HostObject, hostObject, type NftSetName } from '@weft/hoststate';
import { Family, type Network, type NetworkPool } from '@weft/proto/model';
import { bridgeName, vethName } from './names.ts';
import { optionKey, readSysctls } from './options.ts';

const element = (set: NftSetName, key: string[], data: string[] = []) =>
  hostObject({ $case: 'nftElement', value: { set, key, data } });
const sysctl = (key: string, value: string) => hostObject({ $case: 'sysctl', value: { key, value } });

/** What every host with a sandbox on the network has for the network itself. */
export function compileNetwork(network: Network): readonly HostObject[] {
  const { desired } = network;
  if (desired === undefined) return [];
  const bridge = bridgeName(network);
  const isOn = (key: string) => desired.options[key] === 'true';
  const pools = desired.pools;
  const addresses = pools
    .filter((pool) => pool.gateway !== '' && !(pool.family === Family.IPV4 && isOn(optionKey.inhibitIpv4)))
    .map((pool) => withLength(pool.gateway, pool));

  const objects: HostObject[] = [
    element('bridges', [bridge]),
    element('bridge_pairs', [bridge, bridge], [isOn(optionKey.icc) ? 'accept' : 'drop']),
    hostObject({
      $case: 'bridge',
      value: {
        name: bridge,
        macAddress: bridgeMac(pools),
        mtu: mtuOf(network),
        addresses,
        mayExist: network.spec?.options[optionKey.name] !== undefined,
        ipv6: desired.enableIpv6,
        routeLocalnet: false,
      },
    }),
  ];
  if (desired.internal) {
    objects.push(element('internal_bridges', [bridge]));
    return objects;
  }
  if (desired.enableIpv4) objects.push(sysctl('net.ipv4.ip_forward', '1'));
  if (desired.enableIpv6) objects.push(sysctl('net.ipv6.conf.all.forwarding', '1'));
  if (isOn(optionKey.masquerade)) {
    for (const pool of pools)
      objects.push(element(pool.family === Family.IPV4 ? 'masquerade4' : 'masquerade6', [pool.subnet]));
  }
  return objects;
}

/** What the endpoint's own host has for it, and the gateways it offers its sandbox. */
export function compileEndpoint({ network, endpoint, sandbox }: JoinedEndpoint): EndpointObjects {
  const { desired, spec } = endpoint;
  if (desired === undefined || network.desired === undefined) return { local: [] };
  const addresses = [
    ...desired.addresses.map((address) => address.cidr),
    ...(spec?.linkLocalIps ?? []).map((text) => `${text}/${text.includes(':') ? 64 : 16}`),
  ];
  const veth = hostObject({
    $case: 'veth',
    value: {
      endpointId: endpoint.id,
      hostName: vethName(endpoint),
      bridge: bridgeName(network),
      sandboxId: sandbox.id,
      name: desired.interfaceName,
      macAddress: desired.macAddress,
      mtu: mtuOf(network),
      addresses,
      isolated: network.desired.options[optionKey.icc] === 'false',
      hairpin: true,
      advertiseCount: 0,
      advertiseIntervalMs: 0,
      sysctls: { ...readSysctls(spec?.driverOptions[optionKey.sysctls] ?? '') },
    },
  });
  if (network.desired.internal) return { local: [veth] };
  const held = new Set(desired.addresses.map((address) => address.family));
  return {
    local: [veth],
    gatewayIpv4: held.has(Family.IPV4) ? gatewayOf(network, Family.IPV4) : '',
    gatewayIpv6: held.has(Family.IPV6) ? gatewayOf(network, Family.IPV6) : '',
  };
}

/** The gateway sandboxes get: an auxiliary address of Docker's special name, else the pool's own. */
function gatewayOf(network: Network, family: Family): string {
  const pool = network.desired?.pools.find((one) => one.family === family);
  const special = family === Family.IPV4 ? 'DefaultGatewayIPv4' : 'DefaultGatewayIPv6';
  return pool?.auxAddresses[special] ?? pool?.gateway ?? '';
}

/** A MAC that does not change when ports come and go, so that neighbours' caches stay right. */
function bridgeMac(pools: readonly NetworkPool[]): string {
  const gateway = pools.find((pool) => pool.family === Family.IPV4 && pool.gateway !== '')?.gateway;
  const address = gateway === undefined ? undefined : parseAddress(gateway);
  return (address && macOf(address)) ?? '';
}

function withLength(address: string, pool: NetworkPool): string {
  return `${address}/${parsePrefix(pool.subnet)?.length ?? (pool.family === Family.IPV4 ? 32 : 128)}`;
}

function mtuOf(network: Network): number {
  return Number(network.desired?.options[optionKey.mtu] ?? 0);
}
