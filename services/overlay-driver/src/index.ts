export { overlayDriver } from './driver.ts';
