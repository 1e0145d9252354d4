// `weft sandbox inspect`: a sandbox in the shape of `docker inspect`, with its NetworkSettings. The JSON is pure.
import type { GetSandboxResponse, SandboxEndpoint } from '@weft/proto/controller';
import { type EndpointSpec, Family, type NetworkPool, type Sandbox } from '@weft/proto/model';
import { forEachName } from '../each.ts';
import { renderInspect } from '../format/inspect.ts';
import { rfc3339 } from '../format/time.ts';
import { mapOf, type Struct, type Value, withHidden } from '../format/value.ts';
import type { Run } from '../usage/command.ts';
import { publishedPorts } from './published.ts';
import { stateOf } from './state.ts';

function ipamConfig({ ipv4Address, ipv6Address, linkLocalIps }: EndpointSpec): Value {
  if (ipv4Address === '' && ipv6Address === '' && linkLocalIps.length === 0) return null;
  return {
    ...(ipv4Address === '' ? {} : { IPv4Address: ipv4Address }),
    ...(ipv6Address === '' ? {} : { IPv6Address: ipv6Address }),
    ...(linkLocalIps.length === 0 ? {} : { LinkLocalIPs: linkLocalIps }),
  };
}

function orNull(list: readonly string[] | undefined): Value {
  return list === undefined || list.length === 0 ? null : list;
}

function endpointJson({ endpoint, network }: SandboxEndpoint, sandboxName: string): Struct {
  const spec = endpoint?.spec;
  const desired = endpoint?.desired;
  const addressOf = (family: Family): [string, number] => {
    const [address = '', length = '0'] = desired?.addresses.find((one) => one.family === family)?.cidr.split('/') ?? [];
    return [address, Number(length)];
  };
  const gatewayOf = (family: Family): string => {
    const ids = new Set(desired?.addresses.map((one) => one.poolId));
    const isOurs = (pool: NetworkPool): boolean => pool.family === family && ids.has(pool.poolId);
    return network?.desired?.internal ? '' : (network?.desired?.pools.find(isOurs)?.gateway ?? '');
  };
  const [ipv4, ipv4Length] = addressOf(Family.IPV4);
  const [ipv6, ipv6Length] = addressOf(Family.IPV6);
  const options = spec?.driverOptions ?? {};
  return {
    IPAMConfig: spec === undefined ? null : ipamConfig(spec),
    Links: orNull(spec?.links),
    Aliases: orNull(spec?.aliases),
    DriverOpts: Object.keys(options).length === 0 ? null : mapOf(options),
    GwPriority: spec?.gatewayPriority ?? 0,
    NetworkID: endpoint?.networkId ?? '',
    EndpointID: endpoint?.id ?? '',
    Gateway: gatewayOf(Family.IPV4),
    IPAddress: ipv4,
    MacAddress: desired?.macAddress ?? '',
    IPPrefixLen: ipv4Length,
    IPv6Gateway: gatewayOf(Family.IPV6),
    GlobalIPv6Address: ipv6,
    GlobalIPv6PrefixLen: ipv6Length,
    DNSNames: [...new Set([spec?.name || sandboxName, ...(spec?.aliases ?? [])])],
  };
}

function portsOf(endpoints: readonly SandboxEndpoint[]): ReadonlyMap<string, Value> {
  const byPort = Map.groupBy(publishedPorts(endpoints), ({ port }) => port);
  return new Map(
    [...byPort].map(([port, all]) => [
      port,
      all.map(({ hostIp, hostPort }) => ({ HostIp: hostIp, HostPort: `${hostPort}` })),
    ]),
  );
}

/** What is seen of one sandbox. */
export function sandboxJson({ sandbox, endpoints }: GetSandboxResponse): Struct {
  const { id, spec, desired, status, created } = sandbox as Sandbox;
  const name = spec?.name ?? '';
  const shown: Struct = {
    Id: id,
    Name: name,
    Created: rfc3339(created),
    State: stateOf(sandbox as Sandbox),
    Error: status?.fault?.message ?? '',
    Host: desired?.hostId ?? '',
    Hostname: spec?.hostname || id.slice(0, 12),
    Domainname: spec?.domainname ?? '',
    Labels: mapOf(spec?.labels ?? {}),
    HostsPath: status?.hostsPath ?? '',
    ResolvConfPath: status?.resolvConfPath ?? '',
    NetworkSettings: {
      SandboxID: id,
      SandboxKey: status?.namespacePath ?? '',
      Ports: portsOf(endpoints),
      Networks: new Map(endpoints.map((one) => [one.network?.spec?.name ?? '', endpointJson(one, name)])),
    },
  };
  return withHidden(shown, { ID: id });
}

export const inspectSandboxes: Run = async (names, flags, session) => {
  const found: Struct[] = [];
  const exitCode = await forEachName(names, session, [], async (sandbox) => {
    found.push(sandboxJson(await session.sandboxes().getSandbox({ sandbox })));
  });
  session.out(renderInspect(found, flags.string('format')));
  return exitCode;
};
