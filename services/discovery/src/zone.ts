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
 * The network's object; undefined for a network without names. Where it is answered on a host is for who knows the host's
 * objects to say: `listen` is empty.
 */
export function zone(network: Network): HostObject | undefined {
  if (!hasNames(network)) return undefined;
  const subnets = (network.desired?.pools ?? []).map(({ subnet }) => subnet);
  const name = network.spec?.name ?? '';
  return hostObject({ $case: 'zone', value: { networkId: network.id, name, subnets, listen: [] } });
}
