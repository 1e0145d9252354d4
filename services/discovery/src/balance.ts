// A service as hosts must know it: its names, how its connections are spread, and the host ports held for it. Pure.
import { type HostObject, hostObject } from '@weft/hoststate';
import type { BackendObject } from '@weft/proto/agent';
import type { NamedService, ServiceMember } from '@weft/proto/discovery';
import { BackendState, Balance, type HealthCheck, type Network, type Service } from '@weft/proto/model';
import { hasNames } from './zone.ts';

/** What a service is compiled from, all there. */
export interface Spread {
  readonly network: Network;
  readonly service: Service;
  readonly backends: NamedService['backends'];
}

const defaultIntervalMs = 1_000;
const defaultCount = 2;

/** Where a weight counts; elsewhere all weigh the same, whatever their labels say. */
const usesWeights: readonly Balance[] = [Balance.WEIGHTED, Balance.SOURCE];

const isIpv6 = (address: string) => address.includes(':');
const bare = (cidr: string) => cidr.split('/', 1)[0] ?? '';

/** Objects in the order: names, the backends' names, the service, its ports; none in a network without names. */
export function serviceObjects({ network, service, backends }: Spread): HostObject[] {
  if (!hasNames(network)) return [];
  const virtual = (service.desired?.addresses ?? []).map(({ cidr }) => bare(cidr));
  const reachable = virtual.length > 0 ? virtual : (network.desired?.pools ?? []).map(({ subnet }) => subnet);
  const families = new Set(reachable.map(isIpv6));
  const members = backends
    .map((one) => ({ member: one, addresses: addressesOf(one, families) }))
    .filter(({ addresses }) => addresses.length > 0)
    .toSorted((a, b) => (idOf(a.member) < idOf(b.member) ? -1 : 1));
  const up = members.filter(({ member }) => member.state === BackendState.UP).flatMap(({ addresses }) => addresses);
  const { name = '', aliases = [], check, balance = 0, stickySeconds = 0 } = service.spec ?? {};
  const networkId = network.id;
  const ports = (service.desired?.ports ?? []).flatMap(({ protocol, port: targetPort, hostPort, hostIps }) =>
    hostIps.map((hostIp) => ({ protocol, hostIp, hostPort, targetPort })),
  );
  const named = (owner: string, names: string[], addresses: string[], reverse: string) =>
    hostObject({
      $case: 'names',
      value: { networkId, owner, names, addresses, reverse, records: [], ports: [] },
    });
  return [
    // Only a virtual address leads back to the service: a backend's own leads back to its sandbox.
    named(
      `service/${service.id}`,
      [name, ...aliases],
      virtual.length > 0 ? virtual : up,
      virtual.length > 0 ? name : '',
    ),
    named(`tasks/${service.id}`, [`tasks.${name}`], up, ''),
    hostObject({
      $case: 'service',
      value: {
        serviceId: service.id,
        networkId,
        name,
        addresses: virtual,
        backends: members.flatMap(({ member, addresses }) =>
          backendOf(usesWeights.includes(balance) ? member : { ...member, weight: 1 }, addresses, check !== undefined),
        ),
        balance,
        stickySeconds,
        ports,
        check: check && completed(check, name),
      },
    }),
    ...ports.map(({ protocol, hostIp, hostPort }) =>
      hostObject({ $case: 'port', value: { protocol, hostIp, hostPort, targetIp: '', targetPort: 0 } }),
    ),
  ];
}

const idOf = ({ endpoint }: ServiceMember) => endpoint?.id ?? '';

/** One a family, of those the service has. */
function addressesOf({ endpoint }: ServiceMember, families: ReadonlySet<boolean>): string[] {
  const all = (endpoint?.desired?.addresses ?? []).map(({ cidr }) => bare(cidr));
  const firsts = [false, true].flatMap((family) => all.find((one) => isIpv6(one) === family) ?? []);
  return firsts.filter((one) => families.has(isIpv6(one)));
}

/** One that is down stays, without weight, as long as it is checked: its host must find out when it serves again. */
function backendOf(
  { endpoint, weight, state, via }: ServiceMember,
  addresses: string[],
  isChecked: boolean,
): BackendObject[] {
  const isDown = state === BackendState.DOWN;
  if (isDown && !isChecked) return [];
  return [
    {
      endpointId: endpoint?.id ?? '',
      sandboxId: endpoint?.desired?.sandboxId ?? '',
      addresses,
      weight: isDown ? 0 : Math.max(weight, 1),
      draining: state === BackendState.DRAINING,
      via,
    },
  ];
}

/** The check with what its empty fields mean. */
function completed({ probe, intervalMs, timeoutMs, rise, fall }: HealthCheck, name: string): HealthCheck {
  const every = intervalMs || defaultIntervalMs;
  const asked =
    probe?.$case !== 'http'
      ? probe
      : { ...probe, value: { ...probe.value, path: probe.value.path || '/', host: probe.value.host || name } };
  return {
    probe: asked,
    intervalMs: every,
    timeoutMs: timeoutMs || every,
    rise: rise || defaultCount,
    fall: fall || defaultCount,
  };
}
