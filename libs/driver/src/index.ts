export {
  type Driver,
  driverService,
  type EndpointObjects,
  type EndpointVerdict,
  type JoinedEndpoint,
  type NetworkVerdict,
  type PortsOf,
} from './driver.ts';
export { asMtuFault, familyFaults, macFaults, mtuFaults } from './interface-faults.ts';
export { interfaceOptionKey, interfaceOptions } from './interface-options.ts';
export {
  type Check,
  hostInterface,
  interfacePrefix,
  isInterfaceName,
  numberFrom,
  readSysctls,
} from './interface-values.ts';
export { runDriver } from './main.ts';
export { distance, type OptionSpec, type ReadOptions, readOptions } from './options.ts';
export { isTransport, wrongNumber } from './port-numbers.ts';
