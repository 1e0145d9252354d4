export { nullDriver } from './driver.ts';
