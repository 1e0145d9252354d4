// `weft service inspect`: a service with its backends as they are. The JSON is pure.
import type { HealthCheck, Network, Service } from '@weft/proto/model';
import { forEachName } from '../each.ts';
import { renderInspect } from '../format/inspect.ts';
import { rfc3339 } from '../format/time.ts';
import { mapOf, type Struct, type Value, withHidden } from '../format/value.ts';
import { publishedSides } from '../sandbox/published.ts';
import type { Run } from '../usage/command.ts';
import { balanceWord, modeWord, probeWord, stateWord } from './words.ts';

/** Counts and times are those that were given; null means the default. */
function checkJson(check: HealthCheck): Struct {
  const orNull = (value: number): Value => (value === 0 ? null : value);
  return {
    Probe: probeWord(check),
    IntervalMs: orNull(check.intervalMs),
    TimeoutMs: orNull(check.timeoutMs),
    Rise: orNull(check.rise),
    Fall: orNull(check.fall),
  };
}

/** Whom backends see as the client. */
function clientAddress({ desired }: Service, network: Network | undefined): string {
  const isLedOn = (desired?.ports.length ?? 0) > 0 && network?.desired?.scope === 'global';
  return isLedOn ? 'kept, but a host without a backend leads its port on with its own' : 'kept';
}

/** What is seen of one service. */
export function serviceJson(service: Service, network: Network | undefined): Struct {
  const { id, networkId, spec, desired, status, created } = service;
  const byPort = Map.groupBy(publishedSides(desired?.ports ?? []), ({ port }) => port);
  const shown: Struct = {
    Id: id,
    Name: spec?.name ?? '',
    Created: rfc3339(created),
    Network: network?.spec?.name ?? '',
    NetworkID: networkId,
    Aliases: spec?.aliases ?? [],
    Mode: modeWord(spec?.mode),
    Addresses: desired?.addresses.map(({ cidr }) => cidr.replace(/\/\d+$/, '')) ?? [],
    Balance: balanceWord(spec?.balance),
    StickySeconds: spec?.stickySeconds ?? 0,
    Ports: new Map(
      [...byPort].map(([port, all]): [string, Value] => [
        port,
        all.map(({ hostIp, hostPort }) => ({ HostIp: hostIp, HostPort: `${hostPort}` })),
      ]),
    ),
    ClientAddress: clientAddress(service, network),
    Selector: mapOf(spec?.selector ?? {}),
    Draining: spec?.draining ?? [],
    HealthCheck: spec?.check === undefined ? null : checkJson(spec.check),
    Backends: (status?.backends ?? []).map((one) => ({
      Name: one.name,
      SandboxID: one.sandboxId,
      EndpointID: one.endpointId,
      Addresses: one.addresses,
      Weight: one.weight,
      State: stateWord(one.state),
      Because: one.because,
    })),
    Labels: mapOf(spec?.labels ?? {}),
    Error: status?.fault?.message ?? '',
  };
  return withHidden(shown, { ID: id });
}

export const inspectServices: Run = async (names, flags, session) => {
  const found: Struct[] = [];
  const exitCode = await forEachName(names, session, [], async (name) => {
    const { service } = await session.services().getService({ service: name, network: flags.string('network') });
    if (service === undefined) return;
    const { network } = await session.networks().getNetwork({ network: service.networkId });
    found.push(serviceJson(service, network));
  });
  session.out(renderInspect(found, flags.string('format')));
  return exitCode;
};
