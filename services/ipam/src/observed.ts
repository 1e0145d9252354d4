// What operators see of ipam: how full pools are.
import { observe } from '@weft/telemetry';
import type { Ipam } from './ipam.ts';

/** Has pools asked for at each look, for as long as the process lives. */
export function observeIpam(ipam: Pick<Ipam, 'known'>): void {
  observe(
    {
      name: 'weft_ipam_pool_addresses',
      help: 'Addresses of a pool, by its subnet: those that are leased, and those that are free.',
      labels: ['subnet', 'state'],
      kind: 'gauge',
    },
    () =>
      ipam.known().pools.flatMap(({ subnet, used, free }) => [
        { labels: { subnet, state: 'used' }, value: Number(used) },
        { labels: { subnet, state: 'free' }, value: Number(free) },
      ]),
  );
  observe({ name: 'weft_ipam_pools', help: 'Pools there are.', kind: 'gauge' }, () => [
    { value: ipam.known().pools.length },
  ]);
  observe({ name: 'weft_ipam_leases', help: 'Addresses that are leased, of all pools.', kind: 'gauge' }, () => [
    { value: ipam.known().pools.reduce((sum, { used }) => sum + Number(used), 0) },
  ]);
  observe({ name: 'weft_ipam_numbers', help: 'Numbers, VNIs for example, that are leased.', kind: 'gauge' }, () => [
    { value: ipam.known().numbers },
  ]);
}
