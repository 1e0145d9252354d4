// weft-overlay-driver: serves the overlay driver alone.
import { runDriver } from '@weft/driver';
import { overlayDriver } from './driver.ts';

runDriver(overlayDriver);
