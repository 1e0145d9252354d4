export {
  type Driver,
  driverService,
  type EndpointObjects,
  type EndpointVerdict,
  type JoinedEndpoint,
  type NetworkVerdict,
  type PortsOf,
} from './driver.ts';
export { runDriver } from './main.ts';
export { distance, type OptionSpec, type ReadOptions, readOptions } from './options.ts';
