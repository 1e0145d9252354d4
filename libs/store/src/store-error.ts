// The one error a store gives, with a reason to branch on. The text says what to do next.

export type StoreErrorReason =
  /** The caller broke a rule of the contract (limits, keys, revisions): a bug, never worth a retry. */
  | 'invalid'
  /** The lease expired or was revoked. */
  | 'lease gone'
  /** `close` was called. */
  | 'closed'
  /** Another process has the store. */
  | 'locked'
  /** The data cannot be read as a store; nothing was changed. */
  | 'corrupt'
  /** A later version wrote the data; nothing was changed. */
  | 'newer'
  /** No space left. Nothing of the transaction was kept; worth a retry once there is space. */
  | 'full'
  /** The cluster does not answer. Nothing of the transaction was kept, nor will be; worth a retry. */
  | 'unavailable'
  /** The answer was lost: it happened, or not, or may yet happen. Read and decide anew; never just send it again. */
  | 'unknown'
  /** The medium failed and the outcome is unknown. The store refuses all further work: open it again, read, decide. */
  | 'failed';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly reason: StoreErrorReason;

  constructor(reason: StoreErrorReason, message: string, options?: ErrorOptions) {
    super(`[${reason}] ${message}`, options);
    this.reason = reason;
  }
}
