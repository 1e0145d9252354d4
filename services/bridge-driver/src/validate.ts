// Whether a network or an endpoint is one the bridge driver can serve, with defaults filled in. Pure.
import { type EndpointVerdict, type NetworkVerdict, readOptions } from '@weft/driver';
import { type FaultError, fault, Reason } from '@weft/fault';
import { type Endpoint, Family, type Network } from '@weft/proto/model';
import { endpointOptions, networkOptions, optionKey, ownPrefixes } from './options.ts';

export function validateNetwork(network: Network): NetworkVerdict {
  const read = readOptions(networkOptions, network.desired?.options ?? network.spec?.options ?? {}, ownPrefixes);
  const faults: FaultError[] = [...read.faults];
  const mtu = read.values[optionKey.mtu];
  if (mtu !== undefined && mtu !== '0') {
    const least = network.desired?.enableIpv6 ? 1280 : 68;
    if (Number(mtu) < least || Number(mtu) > 65535) {
      faults.push(
        fault(Reason.INVALID_MTU, `MTU ${mtu} is not from ${least} to 65535`, {
          field: 'options',
          option: optionKey.mtu,
        }),
      );
    }
  }
  for (const family of [Family.IPV4, Family.IPV6]) {
    const pools = network.desired?.pools.filter((pool) => pool.family === family) ?? [];
    if (pools.length > 1) {
      faults.push(
        fault(
          Reason.INVALID_SUBNET,
          `bridge driver doesn't support multiple subnets: ${pools.map((pool) => pool.subnet).join(', ')}`,
          {
            field: 'ipam.configs',
          },
        ),
      );
    }
  }
  const name = read.values[optionKey.name];
  return { faults: faults.map(asMtuFault), options: read.values, claims: name === undefined ? [] : [`bridge ${name}`] };
}

/** A bad MTU is its own reason, whatever is bad about it. */
function asMtuFault(error: FaultError): FaultError {
  const isMtu = error.reason === Reason.INVALID_OPTION && error.metadata['option'] === optionKey.mtu;
  return isMtu ? fault(Reason.INVALID_MTU, error.message, error.metadata) : error;
}

export function validateEndpoint(network: Network, endpoint: Endpoint): EndpointVerdict {
  const read = readOptions(endpointOptions, endpoint.spec?.driverOptions ?? {}, [
    'com.docker.network.endpoint.',
    'com.docker.network.bridge.',
  ]);
  const faults = [...read.faults];
  if ((endpoint.spec?.ports.length ?? 0) > 0) {
    faults.push(fault(Reason.NOT_IMPLEMENTED, 'publishing ports is not there yet', { field: 'ports' }));
  }
  return {
    faults,
    interfaceName: read.values[optionKey.ifname] ?? '',
    interfacePrefix: network.desired?.options[optionKey.prefix] ?? 'eth',
  };
}
