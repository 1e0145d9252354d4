// The bridge of a network, by name.
import { type BridgePlace, optionKey, ownBridgeName, settingsOf } from '@weft/bridging';
import type { Network } from '@weft/proto/model';

/** The option's name, or the network's own. */
export function placeOf(network: Network): BridgePlace {
  return {
    name: network.desired?.options[optionKey.name] ?? ownBridgeName(network),
    mtu: settingsOf(network).mtu,
    mayExist: network.spec?.options[optionKey.name] !== undefined,
  };
}
