// Only the agent needs root: it says which capability lacks before it starts, not when the kernel first refuses.
import { fault, Reason } from '@weft/fault';
import { missingCapabilities } from '@weft/kernel';

/** @throws PERMISSION_LACKING naming the capabilities */
export function assertCapable(): void {
  const missing = missingCapabilities();
  if (missing.length === 0) return;
  throw fault(Reason.PERMISSION_LACKING, `the agent lacks ${missing.join(' and ')}`, { capability: missing.join(',') });
}
