// `weft network inspect`: a network as the JSON of `docker network inspect`, fields in Docker's order. The JSON is pure.
import type { AttachedEndpoint, GetNetworkResponse } from '@weft/proto/controller';
import { Family, type IpamConfig, type Network } from '@weft/proto/model';
import { forEachName } from '../each.ts';
import { renderInspect } from '../format/inspect.ts';
import { rfc3339 } from '../format/time.ts';
import { mapOf, type Struct, withHidden } from '../format/value.ts';
import type { Run } from '../usage/command.ts';

/** Docker leaves empty fields of an IPAM configuration out; its templates know them, and by Go's names. */
function ipamConfig(config: Pick<IpamConfig, 'subnet' | 'ipRange' | 'gateway' | 'auxAddresses'>): Struct {
  const auxAddresses = mapOf(config.auxAddresses);
  const shown = {
    ...(config.subnet === '' ? {} : { Subnet: config.subnet }),
    ...(config.ipRange === '' ? {} : { IPRange: config.ipRange }),
    ...(config.gateway === '' ? {} : { Gateway: config.gateway }),
    ...(auxAddresses.size === 0 ? {} : { AuxiliaryAddresses: auxAddresses }),
  };
  return withHidden(shown, {
    Subnet: '',
    IPRange: '',
    Gateway: '',
    AuxiliaryAddresses: auxAddresses,
    AuxAddress: auxAddresses,
  });
}

function ipam(network: Network): Struct {
  const asked = network.spec?.ipam;
  const configs = network.desired?.pools.length ? network.desired.pools : (asked?.configs ?? []);
  return {
    Driver: asked?.driver || 'default',
    Options: network.desired?.predefined ? null : mapOf(asked?.options ?? {}),
    Config: network.desired?.predefined && configs.length === 0 ? null : configs.map(ipamConfig),
  };
}

function container({ endpoint, sandbox }: AttachedEndpoint): readonly [string, Struct] {
  const addressOf = (family: Family): string =>
    endpoint?.desired?.addresses.find((one) => one.family === family)?.cidr ?? '';
  return [
    sandbox?.id || `ep-${endpoint?.id ?? ''}`,
    {
      Name: sandbox?.spec?.name || endpoint?.spec?.name || '',
      EndpointID: endpoint?.id ?? '',
      MacAddress: endpoint?.desired?.macAddress ?? '',
      IPv4Address: addressOf(Family.IPV4),
      IPv6Address: addressOf(Family.IPV6),
    },
  ];
}

/** What is seen of one network, verbose or not. */
export function networkJson(answer: GetNetworkResponse, verbose: boolean): Struct {
  const network = answer.network as Network;
  const { spec, desired } = network;
  const subnets = answer.pools.map(
    (pool) => [pool.subnet, { IPsInUse: pool.used, DynamicIPsAvailable: pool.free }] as const,
  );
  const shown: Struct = {
    Name: spec?.name ?? '',
    Id: network.id,
    Created: rfc3339(network.created),
    Scope: desired?.scope || spec?.scope || 'local',
    Driver: desired?.driver || spec?.driver || '',
    EnableIPv4: desired?.enableIpv4 ?? false,
    EnableIPv6: desired?.enableIpv6 ?? false,
    IPAM: ipam(network),
    Internal: desired?.internal ?? false,
    Attachable: spec?.attachable ?? false,
    Ingress: spec?.ingress ?? false,
    ConfigFrom: { Network: answer.configFrom },
    ConfigOnly: spec?.configOnly ?? false,
    Containers: new Map(answer.endpoints.map(container)),
    Options: mapOf(spec?.options ?? {}),
    Labels: mapOf(spec?.labels ?? {}),
    ...(subnets.length === 0 ? {} : { Status: { IPAM: { Subnets: new Map(subnets) } } }),
    ...(verbose ? { WaitingAddresses: answer.waitingAddresses, Faults: answer.faults.map((one) => one.message) } : {}),
  };
  return withHidden(shown, { ID: network.id });
}

export const inspectNetworks: Run = async (names, flags, session) => {
  const found: Struct[] = [];
  const exitCode = await forEachName(names, session, [], async (network) => {
    found.push(networkJson(await session.networks().getNetwork({ network }), flags.bool('verbose')));
  });
  session.out(renderInspect(found, flags.string('format')));
  return exitCode;
};
