// weft-bridge-driver: serves the bridge driver alone.
import { runDriver } from '@weft/driver';
import { bridgeDriver } from './driver.ts';

runDriver(bridgeDriver);
