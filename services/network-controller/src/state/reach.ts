// How far a network reaches: to each host for itself, or over all hosts with endpoints of it.
import type { Network } from '@weft/proto/model';
import { Phase } from '@weft/proto/model';
import type { View } from './view.ts';

/** Its endpoints on all hosts reach each other. */
export const isGlobal = (network: Network | undefined): boolean => network?.desired?.scope === 'global';

/**
 * Hosts that may know the endpoints of a network that is everywhere: those with one, and those that have not yet forgotten their own.
 * What hosts were told of others' endpoints does not count: a host that is lost would hold up all that goes after it.
 */
export function hostsOfNetwork(view: View, networkId: string): Set<string> {
  const hosts = new Set<string>();
  for (const id of view.endpointsOfNetwork.ids(networkId)) {
    const desired = view.endpoints.get(id)?.value.desired;
    if (desired === undefined) continue;
    if (desired.hostId !== '') hosts.add(desired.hostId);
    else if (desired.phase === Phase.READY) for (const host of desired.knownBy) hosts.add(host);
  }
  return hosts;
}
