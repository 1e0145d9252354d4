// Faults of options that say what flags and fields of a network or an endpoint say too. Pure.
import { parseMac } from '@weft/address';
import { type FaultError, fault, Reason } from '@weft/fault';
import type { Endpoint, Network } from '@weft/proto/model';

type Values = Readonly<Record<string, string>>;

const MTU = 'com.docker.network.driver.mtu';
const MAC = 'com.docker.network.endpoint.macaddress';
const ENABLE_IPV4 = 'com.docker.network.enable_ipv4';
const ENABLE_IPV6 = 'com.docker.network.enable_ipv6';

/** A bad MTU is its own reason, whatever is bad about it. */
export function asMtuFault(error: FaultError): FaultError {
  const isMtu = error.reason === Reason.INVALID_OPTION && error.metadata['option'] === MTU;
  return isMtu ? fault(Reason.INVALID_MTU, error.message, error.metadata) : error;
}

export function mtuFaults(network: Network, mtu: string | undefined): FaultError[] {
  if (mtu === undefined || mtu === '0') return [];
  const least = network.desired?.enableIpv6 ? 1280 : 68;
  if (Number(mtu) >= least && Number(mtu) <= 65535) return [];
  const because = `MTU ${mtu} is not from ${least} to 65535`;
  return [fault(Reason.INVALID_MTU, because, { field: 'options', option: MTU })];
}

/** The option and the flag say the same, or only one of them speaks. */
export function familyFaults({ desired }: Network, values: Values): FaultError[] {
  if (desired === undefined) return [];
  const pairs = [
    [ENABLE_IPV4, desired.enableIpv4],
    [ENABLE_IPV6, desired.enableIpv6],
  ] as const;
  return pairs
    .filter(([key, enabled]) => values[key] !== undefined && values[key] !== String(enabled))
    .map(([option, enabled]) =>
      fault(
        Reason.CONFLICTING_FIELDS,
        `option ${option} is ${values[option]}, but the network is made ${enabled ? 'with' : 'without'} that family: leave the option out`,
        { field: 'options', option },
      ),
    );
}

/** @param mac what the option asks for; empty if it asks for none */
export function macFaults(endpoint: Endpoint, mac: string): FaultError[] {
  const asked = endpoint.spec?.macAddress ?? '';
  if (mac === '' || asked === '' || parseMac(asked) === mac) return [];
  const because = `MAC address ${asked} and option ${MAC} ${mac} differ: give one of them`;
  return [fault(Reason.CONFLICTING_FIELDS, because, { field: 'spec.driver_options', option: MAC })];
}
