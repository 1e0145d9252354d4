// The macvlan and the ipvlan driver: one interface a sandbox, made on an interface of the host.
import type { Driver } from '@weft/driver';
import { compileEndpoint, compileNetwork } from './compile.ts';
import { endpointOptions, type Kind, networkOptions } from './options.ts';
import { validateEndpoint, validateNetwork } from './validate.ts';

const driverOf = (kind: Kind): Driver => ({
  description: {
    name: kind,
    scope: 'local',
    options: [...networkOptions(kind), ...endpointOptions],
    numbers: [],
    singleNetwork: false,
    needsAddresses: true,
    // The gateway is a machine of the parent's network, if there is one: only the user knows its address.
    needsGateway: false,
    hasInterfaces: true,
    openOptionPrefixes: [],
  },
  validateNetwork: (network) => validateNetwork(kind, network),
  validateEndpoint: (network, endpoint) => validateEndpoint(kind, network, endpoint),
  compileNetwork: (network) => compileNetwork(kind, network),
  compileEndpoint: (input) => compileEndpoint(kind, input),
});

export const macvlanDriver = driverOf('macvlan');
export const ipvlanDriver = driverOf('ipvlan');
