// How a container stands with weft, and what ADD does next about it. Pure.
import { type FaultError, fault, fromMessage, Reason } from '@weft/fault';
import type { GetSandboxResponse, SandboxEndpoint } from '@weft/proto/controller';
import type { Call } from './call/call.ts';
import { interfaceOf, madeLabel } from './wanted.ts';

export type Step =
  | { readonly kind: 'create' }
  /** What is there is of another namespace: the container was started anew, and nobody said DEL. */
  | { readonly kind: 'replace'; readonly sandboxId: string }
  | { readonly kind: 'connect'; readonly sandboxId: string }
  /** It is asked for, and the host has yet to make it. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'refuse'; readonly because: FaultError }
  | { readonly kind: 'done'; readonly endpoint: SandboxEndpoint; readonly resolvConfPath: string };

/** Whether this plugin made the sandbox. */
export const isOurs = (found: GetSandboxResponse): boolean => found.sandbox?.spec?.labels[madeLabel] !== undefined;

/** The endpoint of a container's interface. */
export const endpointOf = (found: GetSandboxResponse, interfaceName: string): SandboxEndpoint | undefined =>
  found.endpoints.find(({ endpoint }) => interfaceOf(endpoint?.spec) === interfaceName);

/** Whether the namespace is the one that was adopted, and is there. */
export function isSameNamespace({ sandbox }: GetSandboxResponse, netns: string): boolean {
  const namespace = sandbox?.spec?.namespace;
  return namespace?.$case === 'path' && namespace.value === netns && sandbox?.status?.lost !== true;
}

export function nextStep(found: GetSandboxResponse | undefined, call: Call): Step {
  const { containerId, interfaceName, netns, conf } = call;
  if (found?.sandbox === undefined) return { kind: 'create' };
  const sandboxId = found.sandbox.id;
  if (!isOurs(found)) {
    const because = `a sandbox named "${containerId}" is there, and the CNI plugin did not make it: weft sandbox rm ${containerId}`;
    return { kind: 'refuse', because: fault(Reason.NAME_TAKEN, because, { holder: sandboxId }) };
  }
  if (!isSameNamespace(found, netns)) return { kind: 'replace', sandboxId };
  const there = endpointOf(found, interfaceName);
  if (there === undefined) return { kind: 'connect', sandboxId };
  const { endpoint, network } = there;
  if (conf.network !== network?.spec?.name && conf.network !== network?.id) {
    const because = `${interfaceName} of container ${containerId} is on network "${network?.spec?.name}": call DEL before ADD for another one`;
    return { kind: 'refuse', because: fault(Reason.INTERFACE_EXISTS, because, { field: 'CNI_IFNAME' }) };
  }
  const failed = endpoint?.status?.fault ?? found.sandbox.status?.fault;
  if (failed !== undefined) return { kind: 'refuse', because: fromMessage(failed) };
  if (!endpoint?.status?.appliedRevision) return { kind: 'wait' };
  return { kind: 'done', endpoint: there, resolvConfPath: found.sandbox.status?.resolvConfPath ?? '' };
}
