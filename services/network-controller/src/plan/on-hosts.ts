// A network on each of several hosts. What one host lacks for it is no matter of the others'.
import { Code, type FaultError, faultKind, isFault } from '@weft/fault';
import type { HostObject } from '@weft/hoststate';
import type { Host, Network } from '@weft/proto/model';
import type { Asking } from './asking.ts';
import { compileNetwork, zoneOn } from './compile.ts';

export interface NetworkOnHosts {
  /** By host; those that cannot have the network are missing. */
  readonly objects: ReadonlyMap<string, readonly HostObject[]>;
  /** Why hosts cannot have it. */
  readonly refused: readonly FaultError[];
}

/** @throws what drivers and discovery throw, but for what a host lacks */
export async function compileOnHosts(
  asking: Asking,
  network: Network,
  hosts: readonly Host[],
  isMember: (hostId: string) => boolean,
): Promise<NetworkOnHosts> {
  const own = async (host: Host) => {
    try {
      return await compileNetwork(asking, host, network);
    } catch (error) {
      if (!isFault(error) || faultKind(error.reason).code !== Code.FAILED_PRECONDITION) throw error;
      return error;
    }
  };
  const [zone, ...compiled] = await Promise.all([hosts.length === 0 ? [] : asking.zone(network), ...hosts.map(own)]);
  const objects = new Map<string, readonly HostObject[]>();
  const refused: FaultError[] = [];
  for (const [at, host] of hosts.entries()) {
    const one = compiled[at] ?? [];
    if (isFault(one)) refused.push(one);
    else objects.set(host.id, [...one, ...(isMember(host.id) ? zoneOn(zone, one, network, host.facts) : [])]);
  }
  return { objects, refused };
}
