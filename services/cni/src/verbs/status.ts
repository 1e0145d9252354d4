// STATUS: whether an ADD would be served now: weft answers, the network is there, this machine's agent is connected.
import { HostState } from '@weft/proto/model';
import type { Api } from '../api.ts';
import type { Call } from '../call/call.ts';
import { CniCode, CniError, cniErrorOf } from '../error.ts';
import { ownHost } from './gc.ts';

const standing: Readonly<Partial<Record<HostState, string>>> = {
  [HostState.LOST]: 'is lost: its agent has not been heard of',
  [HostState.DRAINED]: 'is drained',
  [HostState.REMOVING]: 'is being removed',
};

/** @throws CniError 50, with the reason */
export async function status({ conf }: Call, api: Api): Promise<void> {
  try {
    await api.networks.getNetwork({ network: conf.network });
    const { hosts } = await api.system.listHosts({});
    // Where nobody says which host this is, a lone host is the one.
    const own = conf.host === '' && hosts.length === 1 ? hosts[0] : ownHost(hosts, conf, api.hostname);
    if (own?.state !== HostState.JOINED) {
      const because = `host ${own?.name} takes no sandboxes now: it ${standing[own?.state ?? 0] ?? 'is unknown'}`;
      throw new CniError(CniCode.NOT_AVAILABLE, because, '`weft host ls` says more');
    }
  } catch (error) {
    const { message, details } = cniErrorOf(error, conf.weftHost);
    throw new CniError(CniCode.NOT_AVAILABLE, message, details);
  }
}
