// The public door, for `weft up`: the same constructors that main.ts uses.
export { type Base, parseBase } from './default-pools.ts';
export { createIpam, type Ipam, type IpamOptions } from './ipam.ts';
export { ipamService } from './service.ts';
