// A network on each of several hosts. What one host lacks for it is no matter of the others'.
import { Code, type FaultError, faultKind, isFault } from '@weft/fault';
import type { HostObject } from '@weft/hoststate';
import type { Host, Network } from '@weft/proto/model';
import { type Compilers, compileNetwork, compileZone, zoneOn } from './compile.ts';

export interface NetworkOnHosts {
  /** By host; those that cannot have the network are missing. */
  readonly objects: ReadonlyMap<string, readonly HostObject[]>;
  /** Why hosts cannot have it. */
  readonly refused: readonly FaultError[];
}

/** @throws what drivers and discovery throw, but for what a host lacks */
export async function compileOnHosts(
  compilers: Compilers,
  network: Network,
  hosts: readonly Host[],
  isMember: (hostId: string) => boolean,
): Promise<NetworkOnHosts> {
  const zone = hosts.length === 0 ? [] : await compileZone(compilers, network);
  const objects = new Map<string, readonly HostObject[]>();
  const refused: FaultError[] = [];
  for (const host of hosts) {
    try {
      const own = await compileNetwork(compilers, host, network);
      objects.set(host.id, [...own, ...(isMember(host.id) ? zoneOn(zone, own, network, host.facts) : [])]);
    } catch (error) {
      if (!isFault(error) || faultKind(error.reason).code !== Code.FAILED_PRECONDITION) throw error;
      refused.push(error);
    }
  }
  return { objects, refused };
}
