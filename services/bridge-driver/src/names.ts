// Names the bridge driver gives to kernel interfaces; all fit into 15 bytes.
import type { Endpoint, Network } from '@weft/proto/model';
import { optionKey } from './options.ts';

/** The bridge's name: the option's, or br- and the id's first 12 digits, as Docker has it. */
export function bridgeName(network: Network): string {
  return network.desired?.options[optionKey.name] ?? `br-${network.id.slice(0, 12)}`;
}

/** The host end's name of an endpoint's veth pair. */
export function vethName(endpoint: Endpoint): string {
  return `wv-${endpoint.id.slice(0, 12)}`;
}
