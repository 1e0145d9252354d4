export { bridgeDriver } from './driver.ts';
