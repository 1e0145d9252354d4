// The null driver: network `none`. Its sandboxes have lo alone, so it compiles to nothing.
import type { Driver } from '@weft/driver';

export const nullDriver: Driver = {
  description: {
    name: 'null',
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
