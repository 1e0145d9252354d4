// weft-host-driver: serves the host driver alone.
import { runDriver } from '@weft/driver';
import { hostDriver } from './driver.ts';

runDriver(hostDriver);
