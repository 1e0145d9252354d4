// Intent to HostState: what a host must have for a macvlan or ipvlan network and for an endpoint of it. Pure and total.
import { type EndpointObjects, type JoinedEndpoint, readSysctls } from '@weft/driver';
import { type HostObject, hostObject } from '@weft/hoststate';
import { SubinterfaceKind } from '@weft/proto/agent';
import { type Endpoint, Family, type Network } from '@weft/proto/model';
import { type Kind, optionKey } from './options.ts';
import { settingsOf } from './settings.ts';

/** What every host with a sandbox on the network has for the network itself: the parent, unless it is the host's own. */
export function compileNetwork(kind: Kind, network: Network): readonly HostObject[] {
  if (network.desired === undefined) return [];
  const { parent: name, isLone, vlan } = settingsOf(kind, network);
  if (!isLone && vlan === undefined) return [];
  return [hostObject({ $case: 'parent', value: { name, link: vlan?.link ?? '', vlan: vlan?.id ?? 0 } })];
}

/** What the endpoint's own host has for it, and the gateways it offers its sandbox. */
export function compileEndpoint(kind: Kind, { network, endpoint, sandbox }: JoinedEndpoint): EndpointObjects {
  const { desired, spec } = endpoint;
  if (desired === undefined || network.desired === undefined) return { local: [] };
  const settings = settingsOf(kind, network);
  const { mode, flag, parent, mtu } = settings;
  const subinterface = hostObject({
    $case: 'subinterface',
    value: {
      endpointId: endpoint.id,
      kind: kind === 'ipvlan' ? SubinterfaceKind.IPVLAN : SubinterfaceKind.MACVLAN,
      mode,
      flag,
      parent,
      sandboxId: sandbox.id,
      name: desired.interfaceName,
      macAddress: settings.hasParentsMac ? '' : desired.macAddress,
      mtu,
      addresses: [
        ...desired.addresses.map((address) => address.cidr),
        ...(spec?.linkLocalIps ?? []).map((text) => `${text}/${text.includes(':') ? 64 : 16}`),
      ],
      sysctls: { ...readSysctls(spec?.driverOptions[optionKey.sysctls] ?? '') },
    },
  });
  if (settings.internal) return { local: [subinterface] };
  const gateway = (family: Family) => gatewayOf(network, endpoint, family, settings.isRouted);
  return { local: [subinterface], gatewayIpv4: gateway(Family.IPV4), gatewayIpv6: gateway(Family.IPV6) };
}

/** The gateway as it was given, of the pool that the endpoint's address is from; empty without an address or a gateway. */
function gatewayOf(network: Network, endpoint: Endpoint, family: Family, isRouted: boolean): string {
  const address = endpoint.desired?.addresses.find((one) => one.family === family);
  if (address === undefined) return '';
  if (isRouted) return family === Family.IPV4 ? '0.0.0.0' : '::';
  const pools = network.desired?.pools.filter((one) => one.family === family) ?? [];
  const pool = pools.find((one) => one.poolId === address.poolId) ?? pools[0];
  return (
    pool?.auxAddresses[family === Family.IPV4 ? 'DefaultGatewayIPv4' : 'DefaultGatewayIPv6'] ?? pool?.gateway ?? ''
  );
}
