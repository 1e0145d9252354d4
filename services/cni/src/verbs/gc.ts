// GC: removes what this machine's containers no longer use of the network. Goes on after a failure, and tells all of them.
import { asFault, type FaultError, fault, joinFaults, Reason } from '@weft/fault';
import type { GetSandboxResponse } from '@weft/proto/controller';
import type { Host } from '@weft/proto/model';
import type { Api } from '../api.ts';
import type { Call } from '../call/call.ts';
import type { Conf } from '../call/conf.ts';
import { CniCode, CniError } from '../error.ts';
import { interfaceOf, madeLabel } from '../wanted.ts';
import { detach } from './del.ts';

/** The host that this machine is. @throws HOST_NOT_FOUND */
export function ownHost(hosts: readonly Host[], { host }: Conf, hostname: string): Host {
  const wanted = host || hostname;
  const found = hosts.find(({ id, name }) => id === wanted || name === wanted);
  if (found !== undefined) return found;
  const because = `this machine, ${wanted}, is no host of weft's: say which one it is by the key "host"`;
  throw fault(Reason.HOST_NOT_FOUND, because, { field: 'host' });
}

/** What is on the configuration's network and is not in use. Pure. */
function unused(sandboxes: readonly GetSandboxResponse[], { network, validAttachments = [] }: Conf) {
  const valid = new Set(validAttachments.map(({ containerId, interfaceName }) => `${containerId}/${interfaceName}`));
  return sandboxes
    .flatMap((one) =>
      one.endpoints
        .filter((its) => its.network?.spec?.name === network || its.network?.id === network)
        .map(({ endpoint }) => ({
          containerId: one.sandbox?.spec?.name ?? '',
          interfaceName: interfaceOf(endpoint?.spec),
        })),
    )
    .filter(({ containerId, interfaceName }) => !valid.has(`${containerId}/${interfaceName}`));
}

/** @throws CniError, FaultError */
export async function collect(call: Call, api: Api): Promise<void> {
  if (call.conf.validAttachments === undefined) {
    const because = 'network configuration: cni.dev/valid-attachments is missing';
    throw new CniError(CniCode.INVALID_CONFIG, because, 'GC needs the list of what is in use; an empty one is a list');
  }
  const { hosts } = await api.system.listHosts({});
  const { id } = ownHost(hosts, call.conf, api.hostname);
  const filters = { host: { values: [id] }, label: { values: [madeLabel] } };
  const { sandboxes } = await api.sandboxes.listSandboxes({ filters });
  const faults: FaultError[] = [];
  for (const one of unused(sandboxes, call.conf)) {
    await detach(one, api).catch((error: unknown) => faults.push(asFault(error)));
  }
  if (faults.length > 0) throw joinFaults(`collect what is left on network "${call.conf.network}"`, faults);
}
