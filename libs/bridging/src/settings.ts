// A network's options as they apply to it: the one place where the texts are read. Pure and total: an option that is
// missing, in a record of an older release, reads as its default.
import { Family, type Network } from '@weft/proto/model';
import { readAddress, readInterfaces } from './option-values.ts';
import { type GatewayMode, gatewayModes, optionKey } from './options.ts';

export const families = [Family.IPV4, Family.IPV6] as const;

export interface Settings {
  readonly icc: boolean;
  readonly mtu: number;
  readonly inhibitIpv4: boolean;
  readonly internal: boolean;
  readonly trusted: readonly string[];
  readonly advertiseCount: number;
  readonly advertiseIntervalMs: number;
  /** Where ports that name no address are published; absent: everywhere. */
  readonly hostBinding?: { readonly text: string; readonly family: Family };
  /** Of the families the network has. */
  readonly modes: ReadonlyMap<Family, GatewayMode>;
  /** How the source of what leaves is changed: to the host's address, to the given one, or not at all. */
  source(family: Family): 'masquerade' | { readonly snat: string } | undefined;
}

export function settingsOf(network: Network): Settings {
  const options = network.desired?.options ?? {};
  const binding = readAddress(options[optionKey.hostBinding] ?? '');
  const modes = new Map<Family, GatewayMode>();
  if (network.desired?.enableIpv4) modes.set(Family.IPV4, modeOf(options[optionKey.gatewayMode4]));
  if (network.desired?.enableIpv6) modes.set(Family.IPV6, modeOf(options[optionKey.gatewayMode6]));
  const internal = network.desired?.internal ?? false;
  const isAdvertising = [optionKey.advertiseCount, optionKey.advertiseInterval].some(
    (key) => (options[key] ?? '') !== '',
  );
  return {
    icc: options[optionKey.icc] !== 'false',
    mtu: Number(options[optionKey.mtu] ?? 0),
    inhibitIpv4: options[optionKey.inhibitIpv4] === 'true',
    internal,
    trusted: readInterfaces(options[optionKey.trusted] ?? ''),
    advertiseCount: isAdvertising ? Number(options[optionKey.advertiseCount] ?? 3) : 0,
    advertiseIntervalMs: isAdvertising ? Number(options[optionKey.advertiseInterval] ?? 1000) : 0,
    ...(binding === undefined ? {} : { hostBinding: binding }),
    modes,
    source(family) {
      if (internal || !isNat(modes.get(family)) || options[optionKey.masquerade] === 'false') return undefined;
      const address = readAddress(options[family === Family.IPV4 ? optionKey.hostIpv4 : optionKey.hostIpv6] ?? '');
      return address === undefined ? 'masquerade' : { snat: address.text };
    },
  };
}

const modeOf = (text: string | undefined): GatewayMode => gatewayModes.find((mode) => mode === text) ?? 'nat';

/** Whether host ports lead to sandboxes in this mode. */
export const isNat = (mode: GatewayMode | undefined): boolean => mode === 'nat' || mode === 'nat-unprotected';
