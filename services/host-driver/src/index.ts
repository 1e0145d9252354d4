export { hostDriver } from './driver.ts';
