// The fault for what a later release will do.
import { type FaultError, fault, Reason } from '@weft/fault';

export function notImplemented(what: string, because: string): FaultError {
  return fault(Reason.NOT_IMPLEMENTED, `${what}: ${because}`);
}
