// The overlay driver: one network over many hosts, by VXLAN.
import {
  type BridgingDriver,
  compilePorts,
  endpointOptions,
  validateBridged,
  validateBridgedEndpoint,
} from '@weft/bridging';
import type { Driver } from '@weft/driver';
import { compileEndpoint, compileNetwork } from './compile.ts';
import { networkOptions, overlayKey, ownPrefixes } from './options.ts';

const own: BridgingDriver = { name: 'overlay', networkOptions, ownPrefixes };

export const overlayDriver: Driver = {
  description: {
    name: own.name,
    scope: 'global',
    options: [...networkOptions, ...endpointOptions],
    numbers: ['vni'],
    singleNetwork: false,
    needsAddresses: true,
    needsGateway: true,
    hasInterfaces: true,
    openOptionPrefixes: [],
  },
  validateNetwork(network) {
    const verdict = validateBridged(network, own);
    const vni = verdict.options[overlayKey.vni];
    return { ...verdict, numbers: vni === undefined ? {} : { vni: BigInt(vni) } };
  },
  validateEndpoint: (network, endpoint) => validateBridgedEndpoint(network, endpoint, own),
  compileNetwork,
  compileEndpoint,
  compilePorts,
};
