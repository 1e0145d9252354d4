// weft.discovery.v1.DiscoveryService: requests to the pure functions, and back.
import { fault, Reason } from '@weft/fault';
import type { HostObject } from '@weft/hoststate';
import type { Compiled, DiscoveryServiceImplementation } from '@weft/proto/discovery';
import { serviceObjects } from './balance.ts';
import { endpointNames } from './endpoint.ts';
import { recordNames } from './record.ts';
import { resolve } from './resolve.ts';
import { resolver } from './resolver.ts';
import { zone } from './zone.ts';

export function discoveryService(): DiscoveryServiceImplementation {
  return {
    async compileZones({ networks }) {
      return { networks: networks.map((network) => compiled(zone(network))) };
    },
    async compileNames({ endpoints, records }) {
      return {
        endpoints: endpoints.map(({ network, endpoint, sandbox }) =>
          compiled(
            endpointNames(
              given(network, 'endpoints.network'),
              given(endpoint, 'endpoints.endpoint'),
              given(sandbox, 'endpoints.sandbox'),
            ),
          ),
        ),
        records: records.map(({ network, record }) =>
          compiled(recordNames(given(network, 'records.network'), given(record, 'records.record'))),
        ),
      };
    },
    async compileServices({ services }) {
      return {
        services: services.map(({ network, service, backends }) => ({
          objects: serviceObjects({
            network: given(network, 'services.network'),
            service: given(service, 'services.service'),
            backends,
          }),
        })),
      };
    },
    async compileResolvers({ sandboxes }) {
      return {
        sandboxes: sandboxes.map(({ sandbox, networks, facts }) => {
          const places = networks.map(({ network, endpoint }) => ({
            network: given(network, 'sandboxes.networks.network'),
            endpoint: given(endpoint, 'sandboxes.networks.endpoint'),
          }));
          return compiled(resolver(given(sandbox, 'sandboxes.sandbox'), places, facts));
        }),
      };
    },
    async resolve({ name, type, resolver: asker, objects }) {
      return resolve(name, type, given(asker, 'resolver'), objects);
    },
  };
}

const compiled = (object: HostObject | undefined): Compiled => ({ objects: object === undefined ? [] : [object] });

function given<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw fault(Reason.MISSING_FIELD, `${field} is missing`, { field });
  return value;
}
