// weft-null-driver: serves the null driver alone.
import { runDriver } from '@weft/driver';
import { nullDriver } from './driver.ts';

runDriver(nullDriver);
