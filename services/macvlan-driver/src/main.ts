// weft-macvlan-driver: serves the macvlan driver alone, or with `--driver ipvlan` the ipvlan driver.
import { runDriver } from '@weft/driver';
import { ipvlanDriver, macvlanDriver } from './driver.ts';

runDriver(macvlanDriver, ipvlanDriver);
