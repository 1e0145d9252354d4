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
