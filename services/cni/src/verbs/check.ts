// CHECK: whether the container still has what ADD said. The agent reads the kernel back all the time, so its word is asked for.
import { fault, Reason } from '@weft/fault';
import { type Api, sandboxOf } from '../api.ts';
import type { Call } from '../call/call.ts';
import { CniCode, CniError } from '../error.ts';
import { isOurs, isSameNamespace, nextStep } from '../standing.ts';

/** What of the earlier result is not so any more, in a sentence; undefined if all of it is. Pure. */
function difference(call: Call, mac: string, addresses: readonly string[]): string | undefined {
  const { previous } = call.conf;
  const at = previous?.interfaces.findIndex(({ name, sandbox }) => name === call.interfaceName && sandbox !== '') ?? -1;
  const before = previous?.interfaces[at];
  if (previous === undefined || before === undefined) return `prevResult has no interface ${call.interfaceName}`;
  if (before.mac !== '' && before.mac.toLowerCase() !== mac) return `its MAC address is ${mac}, not ${before.mac}`;
  const lost = previous.ips.filter((one) => one.interface === at && !addresses.includes(one.address));
  return lost.length === 0 ? undefined : `it has no address ${lost.map(({ address }) => address).join(', ')} any more`;
}

/** @throws CniError, FaultError */
export async function check(call: Call, api: Api): Promise<void> {
  const { containerId, interfaceName, netns, conf } = call;
  if (conf.previous === undefined) {
    throw new CniError(
      CniCode.INVALID_CONFIG,
      'network configuration: prevResult is missing',
      'CHECK needs what ADD answered',
    );
  }
  const found = await sandboxOf(api, containerId);
  if (found === undefined || !isOurs(found))
    throw new CniError(CniCode.UNKNOWN_CONTAINER, `container ${containerId} is on no network of weft's`, 'call ADD');
  if (!isSameNamespace(found, netns)) {
    const because = `container ${containerId} was in another namespace than ${netns}, or its namespace is gone`;
    throw fault(Reason.NAMESPACE_GONE, because);
  }
  const step = nextStep(found, call);
  if (step.kind === 'refuse') throw step.because;
  if (step.kind !== 'done') {
    const state = step.kind === 'wait' ? 'is not made yet' : 'is not there';
    throw fault(Reason.ENDPOINT_NOT_FOUND, `${interfaceName} of container ${containerId} ${state}`);
  }
  const desired = step.endpoint.endpoint?.desired;
  const addresses = (desired?.addresses ?? []).map(({ cidr }) => cidr);
  const because = difference(call, desired?.macAddress ?? '', addresses);
  if (because !== undefined) {
    const code = CniCode.FAULT + 9;
    throw new CniError(code, `${interfaceName} of container ${containerId}: ${because}`, 'call DEL and ADD');
  }
}
