// The bridge driver: one Linux bridge a network, one veth pair an endpoint.
import type { Driver } from '@weft/driver';
import { compileEndpoint, compileNetwork } from './compile.ts';
import { endpointOptions, networkOptions } from './options.ts';
import { compilePorts } from './ports.ts';
import { validateEndpoint, validateNetwork } from './validate.ts';

export const bridgeDriver: Driver = {
  description: {
    name: 'bridge',
    scope: 'local',
    options: [...networkOptions, ...endpointOptions],
    numbers: [],
    singleNetwork: false,
    needsAddresses: true,
    needsGateway: true,
    hasInterfaces: true,
    openOptionPrefixes: [],
  },
  validateNetwork,
  validateEndpoint,
  compileNetwork,
  compileEndpoint,
  compilePorts,
};
