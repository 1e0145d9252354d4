// Whether a network may be made, and what it will be: decided before anything is written. Pure.
import { type FaultError, fault, joinFaults, Reason } from '@weft/fault';
import type { DescribeResponse } from '@weft/proto/driver';
import type { PoolRequest } from '@weft/proto/ipam';
import {
  type Network,
  type NetworkDesired,
  type NetworkSpec,
  NetworkSpec as NetworkSpecCodec,
  Phase,
} from '@weft/proto/model';
import { heldClaim } from '../state/claims.ts';
import { isReady, readyNetworks } from '../state/reading.ts';
import type { View } from '../state/view.ts';
import { readIpamConfigs } from './ipam-spec.ts';
import { findNetwork, short } from './lookup.ts';
import { checkName, checkTexts } from './names.ts';

/** The networks weft makes itself; `default` is Docker's other word for bridge. */
const predefinedNames: readonly string[] = ['bridge', 'host', 'none', 'default'];

export interface AdmittedNetwork {
  /** Without pools' addresses: those come from ipam. */
  readonly desired: NetworkDesired;
  readonly pools: readonly PoolRequest[];
}

/** A driver's self-description by name. */
export type Drivers = ReadonlyMap<string, DescribeResponse>;

/** @throws the fault that refuses it */
export function admitNetwork(view: View, spec: NetworkSpec, drivers: Drivers, predefined: boolean): AdmittedNetwork {
  const bad = [
    checkName(spec.name, 'name'),
    checkTexts(spec.labels, 'labels'),
    checkTexts(spec.options, 'options'),
  ].find((one) => one !== undefined);
  if (bad !== undefined) throw bad;
  if (!predefined && predefinedNames.includes(spec.name)) {
    throw fault(Reason.PREDEFINED_NETWORK, `operation is not permitted on predefined ${spec.name} network`, {
      field: 'name',
    });
  }
  checkNameIsFree(view, spec.name);
  if (spec.ingress) throw fault(Reason.NOT_IMPLEMENTED, 'ingress networks are not there yet', { field: 'ingress' });
  const base = spec.configFrom === '' ? undefined : configNetwork(view, spec);
  const config = base?.spec ?? spec;
  if (spec.configOnly) return admitConfigOnly(spec);

  const driverName = spec.driver === '' ? 'bridge' : spec.driver;
  const driver = drivers.get(driverName);
  if (driver === undefined)
    throw fault(Reason.DRIVER_NOT_FOUND, `plugin "${driverName}" not found`, { field: 'driver', driver: driverName });
  checkScope(spec.scope, driver);
  if (driver.singleNetwork) {
    const holder = readyNetworks(view).find((other) => other.desired?.driver === driverName);
    if (holder !== undefined) {
      throw fault(Reason.IN_USE, `only one instance of "${driverName}" network is allowed`, {
        field: 'driver',
        holder: holder.id,
      });
    }
  }
  const enableIpv4 = enabled(config, 'ipv4', true);
  const enableIpv6 = enabled(config, 'ipv6', false);
  if (driver.needsAddresses && !enableIpv4 && !enableIpv6) {
    throw fault(Reason.CONFLICTING_FIELDS, 'IPv4 or IPv6 must be enabled', { field: 'enable_ipv4' });
  }
  const pools = driver.needsAddresses ? admitPools(config, enableIpv4, enableIpv6, driver) : [];
  return {
    desired: {
      phase: Phase.ALLOCATING,
      driver: driverName,
      scope: driver.scope,
      options: { ...config.options },
      enableIpv4: driver.needsAddresses && enableIpv4,
      enableIpv6: driver.needsAddresses && enableIpv6,
      internal: spec.internal || config.internal,
      pools: pools.map(({ family, subnet, ipRange, gateway, auxAddresses }) => ({
        poolId: '',
        family,
        subnet,
        ipRange,
        gateway,
        auxAddresses,
      })),
      configFromId: base?.id ?? '',
      predefined,
      numbers: {},
      claims: [],
      replica: '',
    },
    pools,
  };
}

function checkNameIsFree(view: View, name: string): void {
  const holder = [...view.networksNamed(name)]
    .map((id) => view.networks.get(id)?.value)
    .find((other) => other?.desired?.phase !== Phase.DELETING);
  if (holder !== undefined) {
    throw fault(Reason.NAME_TAKEN, `network with name ${name} already exists`, { field: 'name', holder: holder.id });
  }
}

function configNetwork(view: View, spec: NetworkSpec): Network {
  const field = 'config_from';
  const base = findNetwork(view, spec.configFrom, field);
  if (base.spec?.configOnly !== true) {
    throw fault(Reason.CONFIG_NETWORK, `"${spec.configFrom}" is not a configuration network`, { field });
  }
  if (spec.configOnly) {
    throw fault(Reason.CONFIG_NETWORK, 'a configuration network cannot depend on another configuration network', {
      field,
    });
  }
  const hasOwn =
    (spec.ipam?.configs.length ?? 0) > 0 || Object.keys(spec.options).length > 0 || spec.enableIpv6 === true;
  if (hasOwn) {
    throw fault(
      Reason.CONFIG_NETWORK,
      'user-specified configurations are not supported if the network depends on a configuration network',
      { field },
    );
  }
  return base;
}

function admitConfigOnly(spec: NetworkSpec): AdmittedNetwork {
  if (spec.internal || spec.attachable || spec.ingress || spec.scope !== '') {
    throw fault(
      Reason.CONFIG_NETWORK,
      'configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.',
      { field: 'config_only' },
    );
  }
  const { faults } = readIpamConfigs(spec.ipam?.configs ?? [], { ipv4: true, ipv6: true }, false);
  if (faults.length > 0) throw joinFaults('invalid network config', faults);
  return {
    desired: {
      phase: Phase.ALLOCATING,
      driver: 'null',
      scope: 'local',
      options: {},
      enableIpv4: false,
      enableIpv6: false,
      internal: false,
      pools: [],
      configFromId: '',
      predefined: false,
      numbers: {},
      claims: [],
      replica: '',
    },
    pools: [],
  };
}

function checkScope(scope: string, driver: DescribeResponse): void {
  if (scope !== '' && scope !== driver.scope) {
    const because =
      scope === 'local' || scope === 'global' || scope === 'swarm'
        ? `driver ${driver.name} has scope ${driver.scope}, not ${scope}`
        : `invalid network scope: ${scope}`;
    throw fault(Reason.CONFLICTING_FIELDS, because, { field: 'scope' });
  }
}

function enabled(spec: NetworkSpec, family: 'ipv4' | 'ipv6', otherwise: boolean): boolean {
  const given = family === 'ipv4' ? spec.enableIpv4 : spec.enableIpv6;
  if (given !== undefined) return given;
  const option = spec.options[`com.docker.network.enable_${family}`];
  return option === undefined ? otherwise : option !== 'false' && option !== '0';
}

function admitPools(spec: NetworkSpec, ipv4: boolean, ipv6: boolean, driver: DescribeResponse): readonly PoolRequest[] {
  const ipamDriver = spec.ipam?.driver ?? '';
  if (ipamDriver !== '' && ipamDriver !== 'default') {
    throw fault(Reason.NOT_IMPLEMENTED, `IPAM driver "${ipamDriver}": only "default" is there yet`, {
      field: 'ipam.driver',
    });
  }
  const read = readIpamConfigs(spec.ipam?.configs ?? [], { ipv4, ipv6 }, !driver.needsGateway);
  if (read.faults.length > 0) throw joinFaults('invalid network config', read.faults);
  return read.pools;
}

/** @throws INTERFACE_IN_USE if another network has what this one must have alone */
export function admitClaims(view: View, desired: NetworkDesired): void {
  const held = heldClaim(view, { desired });
  if (held === undefined) return;
  const { claim, holder } = held;
  const name = view.networks.get(holder)?.value.spec?.name ?? short(holder);
  throw fault(Reason.INTERFACE_IN_USE, `${claim.text} is used by network "${name}" (${short(holder)})`, {
    holder,
    field: 'options',
  });
}

/** The network as a record; `created` is the only thing decided elsewhere. */
export function networkRecord(id: string, spec: NetworkSpec, desired: NetworkDesired, created: Date): Network {
  return { id, spec: NetworkSpecCodec.fromPartial(spec), desired, created, revision: 0n };
}

/** @throws the fault that refuses its removal */
export function admitRemoval(view: View, network: Network): void {
  const name = network.spec?.name ?? '';
  if (network.desired?.predefined) {
    throw fault(Reason.PREDEFINED_NETWORK, `${name} is a pre-defined network and cannot be removed`, { network: name });
  }
  const faults = [usedByEndpoints(view, network), usedByServices(view, network), usedByNetworks(view, network)].find(
    (one) => one !== undefined,
  );
  if (faults !== undefined) throw faults;
}

/** Endpoints that hold a network: those that are being removed hold it no more for users, but their leases do. */
function usedByEndpoints(view: View, network: Network): FaultError | undefined {
  const holders = [...view.endpointsOfNetwork.ids(network.id)]
    .map((id) => view.endpoints.get(id)?.value)
    .filter((one) => one?.desired?.phase !== Phase.DELETING);
  if (holders.length === 0) return undefined;
  const names = holders.map(
    (one) => `name:${JSON.stringify(one?.spec?.name)} id:${JSON.stringify(short(one?.id ?? ''))}`,
  );
  return fault(Reason.NETWORK_IN_USE, `network ${network.spec?.name} has active endpoints (${names.join(', ')})`, {
    endpoints: holders.map((one) => one?.spec?.name ?? '').join(','),
  });
}

function usedByServices(view: View, network: Network): FaultError | undefined {
  const names = [...view.servicesOfNetwork.ids(network.id)]
    .map((id) => view.services.get(id)?.value)
    .filter((one) => one?.desired?.phase !== Phase.DELETING)
    .map((one) => one?.spec?.name ?? '')
    .sort();
  if (names.length === 0) return undefined;
  const because = `network ${network.spec?.name} has services (${names.join(', ')})`;
  return fault(Reason.NETWORK_IN_USE, because, { services: names.join(',') });
}

function usedByNetworks(view: View, network: Network): FaultError | undefined {
  if (network.spec?.configOnly !== true) return undefined;
  const holder = [...view.networks.values()].find(
    ({ value }) => value.desired?.configFromId === network.id && isReady(value),
  );
  if (holder === undefined) return undefined;
  return fault(
    Reason.IN_USE,
    `configuration network "${network.spec.name}" is in use by network "${holder.value.spec?.name}"`,
    {
      holder: holder.value.id,
    },
  );
}
