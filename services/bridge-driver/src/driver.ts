// The bridge driver: one Linux bridge a network, one veth pair an endpoint.
import {
  type BridgingDriver,
  compileBridge,
  compilePorts,
  compileVeth,
  endpointOptions,
  optionKey,
  ownPrefixes,
  validateBridged,
  validateBridgedEndpoint,
} from '@weft/bridging';
import type { Driver } from '@weft/driver';
import { placeOf } from './names.ts';
import { networkOptions } from './options.ts';

const own: BridgingDriver = { name: 'bridge', networkOptions, ownPrefixes };

export const bridgeDriver: Driver = {
  description: {
    name: own.name,
    scope: 'local',
    options: [...networkOptions, ...endpointOptions],
    numbers: [],
    singleNetwork: false,
    needsAddresses: true,
    needsGateway: true,
    hasInterfaces: true,
    openOptionPrefixes: [],
  },
  validateNetwork(network) {
    const verdict = validateBridged(network, own);
    const name = verdict.options[optionKey.name];
    return { ...verdict, claims: name === undefined ? [] : [`bridge ${name}`] };
  },
  validateEndpoint: (network, endpoint) => validateBridgedEndpoint(network, endpoint, own),
  compileNetwork: (network) => compileBridge(network, placeOf(network)),
  compileEndpoint: (joined) => compileVeth(joined, placeOf(joined.network)),
  compilePorts,
};
