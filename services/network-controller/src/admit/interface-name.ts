// Names of interfaces in a sandbox: the exact one that was asked for, else the prefix and the lowest free number. Pure.
import { fault, Reason } from '@weft/fault';

/** @throws INTERFACE_EXISTS if the exact name is taken by another endpoint of the sandbox */
export function chooseInterfaceName(taken: ReadonlySet<string>, exact: string, prefix: string): string {
  if (exact !== '') {
    if (!taken.has(exact)) return exact;
    throw fault(Reason.INTERFACE_EXISTS, `interface name ${exact} is used by another endpoint of the sandbox`, {
      field: 'spec.driver_options',
    });
  }
  for (let index = 0; ; index++) if (!taken.has(`${prefix}${index}`)) return `${prefix}${index}`;
}
