// What an error of a call to etcd means: known not to have happened, or nobody knows. Pure.
// etcd's texts are those of its rpctypes/error.go, the same from 3.4 on.
import { ClientError, Status } from 'nice-grpc-common';
import { StoreError } from '../store-error.ts';

/** A call that was sent and whose answer did not come: it may have happened, or may yet. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

const known: readonly (readonly [
  pattern: RegExp,
  reason: ConstructorParameters<typeof StoreError>[0],
  text: string,
])[] = [
  [/requested lease not found/, 'lease gone', 'the lease expired or was revoked'],
  [/database space exceeded/, 'full', 'its database is full: raise --quota-backend-bytes, or compact and defragment'],
  [/too many operations in txn request/, 'invalid', "its --max-txn-ops is below weft's 128: raise it"],
  [/request is too large/, 'invalid', 'its --max-request-bytes is below 1.5 MiB: raise it'],
  [/received message larger than max/, 'invalid', 'its --max-request-bytes is below 1.5 MiB: raise it'],
  [/has been compacted/, 'invalid', 'that revision is compacted'],
  [/future revision/, 'invalid', 'that revision is yet to come'],
  [/too many requests/, 'unavailable', 'it is overloaded'],
  [/permission denied|user name is empty|invalid auth|authentication/, 'unavailable', 'it does not let weft in'],
];

/** Definite answers as StoreErrors, Unanswered for everything else. `url` is the member that was asked. */
export function etcdErrorOf(cause: unknown, url: string): StoreError | Unanswered {
  if (cause instanceof StoreError || cause instanceof Unanswered) return cause;
  const details = cause instanceof ClientError ? cause.details : cause instanceof Error ? cause.message : String(cause);
  const found = cause instanceof ClientError ? known.find(([pattern]) => pattern.test(details)) : undefined;
  if (found !== undefined) return new StoreError(found[1], `etcd ${url}: ${found[2]} (${details})`, { cause });
  return new Unanswered(`etcd ${url}: ${details}`, { cause });
}

/** Whether history was asked for that is compacted. */
export function isCompacted(cause: unknown): boolean {
  return cause instanceof ClientError && cause.code === Status.OUT_OF_RANGE && /been compacted/.test(cause.details);
}
