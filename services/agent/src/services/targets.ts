// Who of a service's backends gets new connections, and who keeps what it has. Pure.
import type { Family } from './choice.ts';
import type { Backend, Service } from './service.ts';
import type { Weighted } from './slots.ts';

/** True for a backend that does not serve: its namespace is gone, or its check fails. */
export type IsDown = (service: Service, backend: Backend) => boolean;

export interface Targets {
  /** Get new connections, in the service's order. */
  readonly active: readonly Weighted[];
  /** Keep what they have: those that drain too. */
  readonly alive: readonly string[];
}

/** Who takes what comes to a port of the host. */
export interface PortTargets extends Targets {
  /** They are hosts, which have the same port; what is led there goes with this host's address. */
  readonly isElsewhere: boolean;
}

/** Backends here; without any that serves, the hosts that have some. A host that has its own never leads on: no packet goes in circles. */
export const portTargetsOf = (
  service: Service,
  family: Family,
  isDown: IsDown,
  isHere: (sandboxId: string) => boolean,
): PortTargets => {
  const isOwn = ({ via, sandboxId }: Backend) => via === undefined || isHere(sandboxId);
  const backends = service.backends.filter(isOwn);
  const own = targetsOf({ ...service, backends }, family, isDown);
  if (own.active.length > 0) return { ...own, isElsewhere: false };
  const active = service.backends.flatMap((backend) => {
    const { via, weight, draining } = backend;
    const isGood = via !== undefined && !isOwn(backend) && weight > 0 && !draining && !isDown(service, backend);
    return isGood && via.includes(':') === (family.version === '6') ? [{ address: via, weight }] : [];
  });
  // What drains here keeps what it has.
  return active.length === 0
    ? { ...own, isElsewhere: false }
    : { active, alive: [...own.alive, ...active.map(({ address }) => address)], isElsewhere: true };
};

export const targetsOf = (service: Service, { version }: Family, isDown: IsDown): Targets => {
  const serving = service.backends.flatMap((backend) => {
    const address = backend.addresses[version];
    return address === undefined || backend.weight === 0 || isDown(service, backend) ? [] : [{ ...backend, address }];
  });
  return {
    active: serving.filter(({ draining }) => !draining).map(({ address, weight }) => ({ address, weight })),
    alive: serving.map(({ address }) => address),
  };
};
