// Whether a network or an endpoint is one that a driver with bridges can serve, with defaults filled in. Pure.
import { parseMac } from '@weft/address';
import {
  asMtuFault,
  type EndpointVerdict,
  familyFaults,
  macFaults,
  mtuFaults,
  type NetworkVerdict,
  type OptionSpec,
  readOptions,
} from '@weft/driver';
import { type FaultError, fault, Reason } from '@weft/fault';
import { type Endpoint, type Family, type Network, Phase } from '@weft/proto/model';
import { endpointOptions, optionKey } from './options.ts';
import { planPorts } from './ports.ts';
import { families, settingsOf } from './settings.ts';

/** What tells one such driver from another. */
export interface BridgingDriver {
  /** The name users give. */
  readonly name: string;
  readonly networkOptions: readonly OptionSpec[];
  /** Key prefixes under which an unknown key is a mistake. */
  readonly ownPrefixes: readonly string[];
}

export function validateBridged(network: Network, driver: BridgingDriver): NetworkVerdict {
  const given = network.desired?.options ?? network.spec?.options ?? {};
  const read = readOptions(driver.networkOptions, given, driver.ownPrefixes, endpointOptions);
  const faults = [
    ...read.faults.map(asMtuFault),
    ...mtuFaults(network, read.values[optionKey.mtu]),
    ...familyFaults(network, read.values),
    ...subnetFaults(network, driver.name),
    ...modeFaults(network, read.values),
  ];
  const withoutGateway = isolatedFamilies(network, read.values);
  return { faults, options: read.values, withoutGateway };
}

type Values = Readonly<Record<string, string>>;

function subnetFaults(network: Network, driver: string): FaultError[] {
  return families.flatMap((family) => {
    const pools = network.desired?.pools.filter((pool) => pool.family === family) ?? [];
    if (pools.length <= 1) return [];
    const subnets = pools.map((pool) => pool.subnet).join(', ');
    const because = `${driver} driver doesn't support multiple subnets: ${subnets}`;
    return [fault(Reason.INVALID_SUBNET, because, { field: 'ipam.configs' })];
  });
}

function isolatedFamilies({ desired }: Network, values: Values): Family[] {
  if (desired === undefined) return [];
  const { modes } = settingsOf({ desired: { ...desired, options: values } } as Network);
  return families.filter((family) => modes.get(family) === 'isolated');
}

/** As Docker: the mode of a family that the network lacks is ignored, but isolated must be meant. */
function modeFaults(network: Network, values: Values): FaultError[] {
  const option = [optionKey.gatewayMode4, optionKey.gatewayMode6].find((key) => values[key] === 'isolated');
  if (option !== undefined && !(network.desired?.internal ?? network.spec?.internal)) {
    const because = "gateway mode 'isolated' can only be used for an internal network";
    return [fault(Reason.CONFLICTING_FIELDS, because, { field: 'options', option })];
  }
  return network.desired?.phase === Phase.READY ? changedModeFaults(network, values) : [];
}

/** Whether the network has a gateway's address was decided when it was made. */
function changedModeFaults(network: Network, values: Values): FaultError[] {
  const isolated = isolatedFamilies(network, values);
  const asked = new Set(network.spec?.ipam?.configs.map((config) => config.gateway));
  return (network.desired?.pools ?? [])
    .filter(({ family, gateway }) =>
      isolated.includes(family) ? gateway !== '' && !asked.has(gateway) : gateway === '',
    )
    .map(({ family }) => {
      const option = family === families[0] ? optionKey.gatewayMode4 : optionKey.gatewayMode6;
      const because = `option ${option} cannot change from or to isolated: the network's gateway address is chosen when it is made`;
      return fault(Reason.OPTION_FIXED, because, { field: 'options', option });
    });
}

export function validateBridgedEndpoint(network: Network, endpoint: Endpoint, driver: BridgingDriver): EndpointVerdict {
  const given = endpoint.spec?.driverOptions ?? {};
  const read = readOptions(endpointOptions, given, driver.ownPrefixes, driver.networkOptions);
  const mac = parseMac(read.values[optionKey.macAddress] ?? '') ?? '';
  const ports = planPorts(network, endpoint);
  return {
    faults: [...read.faults, ...macFaults(endpoint, mac), ...ports.faults],
    interfaceName: read.values[optionKey.ifname] ?? '',
    interfacePrefix: network.desired?.options[optionKey.prefix] ?? 'eth',
    macAddress: mac,
    ports: ports.plans,
  };
}
