// Root is needed by the agent alone: it says which capability lacks before it starts, not when the kernel first refuses.
import { fault, Reason } from '@weft/fault';
import { missingCapabilities } from '@weft/kernel';

/** @throws PERMISSION_LACKING naming the capabilities */
export function assertCapable(): void {
  const capability = missingCapabilities().join(', ');
  if (capability !== '') throw fault(Reason.PERMISSION_LACKING, `the agent lacks ${capability}`, { capability });
}
