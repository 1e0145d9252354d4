// A store's error as the fault that callers of a service see. Pure.
import { asFault, type FaultError, fault, Reason } from '@weft/fault';
import { StoreError, type StoreErrorReason } from './store-error.ts';

const reasons: Partial<Record<StoreErrorReason, Reason>> = {
  closed: Reason.STOPPING,
  unavailable: Reason.SERVICE_UNAVAILABLE,
  // A request that is said again with its id finds its outcome, or none: both were in the transaction.
  unknown: Reason.SERVICE_UNAVAILABLE,
};

/** Everything that is not a store's error is as `asFault` has it. */
export function storeFault(cause: unknown): FaultError {
  if (!(cause instanceof StoreError)) return asFault(cause);
  // A fault's text begins with such a word itself.
  const message = cause.message.replace(/^\[unavailable\] /, '');
  return fault(reasons[cause.reason] ?? Reason.STORE_FAILED, message, { store: cause.reason });
}
