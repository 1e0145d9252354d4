export {
  type Driver,
  driverService,
  type EndpointObjects,
  type EndpointVerdict,
  type JoinedEndpoint,
  type NetworkVerdict,
} from './driver.ts';
export { runDriver } from './main.ts';
export { distance, type OptionSpec, type ReadOptions, readOptions } from './options.ts';
