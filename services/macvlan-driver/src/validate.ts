// Whether a network or an endpoint is one the driver can serve, with defaults filled in: Docker's sentences. Pure.
import { parseMac } from '@weft/address';
import {
  asMtuFault,
  type EndpointVerdict,
  familyFaults,
  macFaults,
  mtuFaults,
  type NetworkVerdict,
  readOptions,
  wrongNumber,
} from '@weft/driver';
import { type FaultError, fault, Reason } from '@weft/fault';
import type { Endpoint, Network } from '@weft/proto/model';
import { endpointOptions, type Kind, networkOptions, optionKey, ownPrefixes } from './options.ts';
import { settingsOf, vlanOf } from './settings.ts';

export function validateNetwork(kind: Kind, network: Network): NetworkVerdict {
  const given = network.desired?.options ?? network.spec?.options ?? {};
  const read = readOptions(networkOptions(kind), given, ownPrefixes, endpointOptions);
  const parent = read.values[optionKey.parent] ?? '';
  const isPassthru = read.values[optionKey.macvlanMode] === 'passthru';
  const faults = [
    ...read.faults.map(asMtuFault).map((error) => asModeFault(error, given)),
    ...mtuFaults(network, read.values[optionKey.mtu]),
    ...familyFaults(network, read.values),
    ...parentFaults(kind, parent),
  ];
  if (isPassthru && parent === '') {
    const because = 'mode passthru hands a parent on: give one as option parent';
    faults.push(fault(Reason.CONFLICTING_FIELDS, because, { field: 'options', option: optionKey.macvlanMode }));
  }
  // As Docker: macvlan networks share a parent unless one of them has it in mode passthru; an ipvlan network has it alone.
  const isShared = kind === 'macvlan' && !isPassthru;
  const claims = parent === '' ? [] : [`${isShared ? 'shared ' : ''}parent ${parent}`];
  return { faults, options: read.values, claims, internal: parent === '' };
}

const modeSentences: Readonly<Record<string, (value: string) => string>> = {
  [optionKey.macvlanMode]: (value) =>
    `requested macvlan mode '${value}' is not valid, 'bridge' mode is the macvlan driver default`,
  [optionKey.ipvlanMode]: (value) =>
    `requested ipvlan mode '${value}' is not valid, 'l2' mode is the ipvlan driver default`,
  [optionKey.ipvlanFlag]: (value) =>
    `requested ipvlan flag '${value}' is not valid, 'bridge' is the ipvlan driver flag default`,
};

/** Docker's sentence, and then what there is. */
function asModeFault(error: FaultError, given: Readonly<Record<string, string>>): FaultError {
  const option = error.metadata['option'] ?? '';
  const sentence = modeSentences[option];
  if (sentence === undefined || error.reason !== Reason.INVALID_OPTION) return error;
  return fault(error.reason, `${sentence(given[option] ?? '')}: ${error.message}`, error.metadata);
}

function parentFaults(kind: Kind, parent: string): FaultError[] {
  const refuse = (because: string) => [
    fault(Reason.INVALID_OPTION, because, { field: 'options', option: optionKey.parent }),
  ];
  if (parent === 'lo') return refuse(`loopback interface is not a valid ${kind} parent link`);
  const vlan = vlanOf(parent);
  if (vlan !== undefined && !(vlan.id >= 1 && vlan.id <= 4094)) {
    return refuse(`option parent: ${parent}: vlan id must be between 1-4094, received: ${vlan.id}`);
  }
  return vlan?.link === 'lo' ? refuse(`loopback interface is not a valid ${kind} parent link`) : [];
}

export function validateEndpoint(kind: Kind, network: Network, endpoint: Endpoint): EndpointVerdict {
  const given = endpoint.spec?.driverOptions ?? {};
  const read = readOptions(endpointOptions, given, ownPrefixes, networkOptions(kind));
  const mac = parseMac(read.values[optionKey.macAddress] ?? '') ?? '';
  const { hasParentsMac } = settingsOf(kind, network);
  const ports = endpoint.spec?.ports ?? [];
  return {
    faults: [
      ...read.faults,
      ...(hasParentsMac ? parentsMacFaults(kind, endpoint, mac) : macFaults(endpoint, mac)),
      ...ports.flatMap((binding, at) => wrongNumber(binding, `spec.ports[${at}]`) ?? []),
    ],
    interfaceName: read.values[optionKey.ifname] ?? '',
    interfacePrefix: network.desired?.options[optionKey.prefix] ?? 'eth',
    macAddress: hasParentsMac ? '' : mac,
    withoutMac: hasParentsMac,
    // As Docker: a port needs no publishing where each has its own address on the parent's network, and none is held on the host.
    ports: ports.map(() => ({ hostIps: [], families: [] })),
  };
}

function parentsMacFaults(kind: Kind, endpoint: Endpoint, mac: string): FaultError[] {
  const asked = endpoint.spec?.macAddress ?? '';
  if (mac === '' && asked === '') return [];
  const because =
    kind === 'ipvlan'
      ? 'ipvlan interfaces do not support custom mac address assignment: leave it out'
      : 'in mode passthru an interface has the MAC address of its parent: leave it out';
  const where =
    asked === '' ? { field: 'spec.driver_options', option: optionKey.macAddress } : { field: 'spec.mac_address' };
  return [fault(Reason.INVALID_MAC, because, where)];
}
