// The host driver: network `host`. Its sandboxes are the host's own namespace, so it compiles to nothing.
import type { Driver } from '@weft/driver';

export const hostDriver: Driver = {
  description: {
    name: 'host',
    scope: 'local',
    options: [],
    numbers: [],
    singleNetwork: true,
    needsAddresses: false,
    needsGateway: false,
    hasInterfaces: false,
    openOptionPrefixes: [],
  },
  validateNetwork: (network) => ({ faults: [], options: network.spec?.options ?? {} }),
  validateEndpoint: () => ({ faults: [] }),
  compileNetwork: () => [],
  compileEndpoint: () => ({ local: [] }),
};
