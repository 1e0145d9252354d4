// The gRPC edge of weft.ipam.v1: unpacks requests, packs answers, says what was being done when a fault arose.
import { whileDoing } from '@weft/fault';
import type { IpamServiceImplementation } from '@weft/proto/ipam';
import { GLOBAL, LOCAL } from './default-pools.ts';
import type { Ipam } from './ipam.ts';
import { observeIpam } from './observed.ts';

export function ipamService(ipam: Ipam): IpamServiceImplementation {
  observeIpam(ipam);
  return {
    async describe() {
      return { name: 'default', localAddressSpace: LOCAL, globalAddressSpace: GLOBAL };
    },
    async allocatePools(request, { signal }) {
      return { pools: await doing(`allocate pools for ${request.owner}`, ipam.allocatePools(request, signal)) };
    },
    async releasePools({ owner }, { signal }) {
      await doing(`release pools of ${owner}`, ipam.releasePools(owner, signal));
      return {};
    },
    async listPools({ owner }) {
      return { pools: await ipam.listPools(owner) };
    },
    async lease(request, { signal }) {
      return { leases: await doing(`lease for ${request.owner}`, ipam.lease(request, signal)) };
    },
    async release({ owners }, { signal }) {
      await doing(
        `release ${owners.length === 1 ? owners[0] : `${owners.length} owners`}`,
        ipam.release(owners, signal),
      );
      return {};
    },
    async listLeases({ ownerPrefix, poolId }) {
      return { leases: await ipam.listLeases(ownerPrefix, poolId) };
    },
    async leaseNumber(request, { signal }) {
      return { number: await doing(`lease a number for ${request.owner}`, ipam.leaseNumber(request, signal)) };
    },
    async listNumbers({ ownerPrefix, range }) {
      return { numbers: await ipam.listNumbers(ownerPrefix, range) };
    },
  };
}

async function doing<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw whileDoing(what, cause);
  }
}
