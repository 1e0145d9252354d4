// Leases are etcd's own; all of this may be said twice, because the id is chosen here.
import { randomBytes } from 'node:crypto';
import { LeaseKeepAliveRequest } from '@weft/proto/etcd';
import { ClientError, Status } from 'nice-grpc-common';
import type { Lease } from '../store.ts';
import { StoreError } from '../store-error.ts';
import type { Calls } from './calls.ts';

export async function grantLease(calls: Calls, ttlSeconds: number): Promise<Lease> {
  if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1) {
    throw new StoreError('invalid', `a lease lasts whole seconds, at least 1, not ${ttlSeconds}`);
  }
  // Above 0, as etcd wants it.
  const id = BigInt.asUintN(62, randomBytes(8).readBigUInt64BE()) + 1n;
  const { TTL } = await calls.untilAnswered(async (member, options) => {
    try {
      return await member.lease.leaseGrant({ ID: id, TTL: BigInt(ttlSeconds) }, options);
    } catch (error) {
      // Granted by the call before, whose answer was lost.
      if (has(error, Status.FAILED_PRECONDITION, /already exists/)) return { TTL: BigInt(ttlSeconds) };
      throw error;
    }
  });
  return {
    id,
    ttlSeconds: Number(TTL),
    async keepAlive() {
      const left = await calls.untilAnswered(async (member, options) => {
        const request = LeaseKeepAliveRequest.fromPartial({ ID: id });
        for await (const answer of member.lease.leaseKeepAlive(only(request), options)) return answer.TTL;
        throw new Error('the stream ended without an answer');
      });
      if (left <= 0n) throw new StoreError('lease gone', `keep alive: lease ${id} expired or was revoked`);
    },
    async revoke() {
      await calls.untilAnswered(async (member, options) => {
        await member.lease.leaseRevoke({ ID: id }, options).catch((error: unknown) => {
          if (!has(error, Status.NOT_FOUND, /lease not found/)) throw error;
        });
      });
    },
  };
}

async function* only<T>(one: T): AsyncGenerator<T> {
  yield one;
}

function has(error: unknown, code: Status, text: RegExp): boolean {
  return error instanceof ClientError && error.code === code && text.test(error.details);
}
