export { ipvlanDriver, macvlanDriver } from './driver.ts';
