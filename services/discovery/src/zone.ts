// A network as names go. Pure.
import { type HostObject, hostObject } from '@weft/hoststate';
import type { Network } from '@weft/proto/model';

/**
 * Networks with addresses have names; the predefined `bridge` has none, as in Docker: a sandbox there that is on no
 * other network keeps its host's name servers.
 */
export function hasNames({ spec, desired }: Network): boolean {
  return desired !== undefined && desired.pools.length > 0 && !desired.predefined && !spec?.configOnly;
}

/**
 * The network's object; undefined for a network without names. Where it is answered on a host, and whom the host asks for
 * the rest, is for who knows the host to say: `listen` and `servers` are empty.
 */
export function zone(network: Network): HostObject | undefined {
  if (!hasNames(network)) return undefined;
  const subnets = (network.desired?.pools ?? []).map(({ subnet }) => subnet);
  const name = network.spec?.name ?? '';
  return hostObject({ $case: 'zone', value: { networkId: network.id, name, subnets, listen: [], servers: [] } });
}
