// What an endpoint is called, and what that leads to. Pure.
import { type HostObject, hostObject } from '@weft/hoststate';
import type { Endpoint, Network, Sandbox } from '@weft/proto/model';
import { hasNames } from './zone.ts';

/** The sandbox's name first: its addresses lead back to that. */
function namesOf(endpoint: Endpoint, sandbox: Sandbox): string[] {
  const wanted = [
    sandbox.spec?.name ?? '',
    endpoint.spec?.name ?? '',
    ...(endpoint.spec?.aliases ?? []),
    sandbox.id.slice(0, 12),
    sandbox.spec?.hostname ?? '',
  ];
  // DNS knows no case: of names that differ in it alone the first stays.
  const names = new Map<string, string>();
  for (const name of wanted) if (name !== '' && !names.has(name.toLowerCase())) names.set(name.toLowerCase(), name);
  return [...names.values()];
}

/** The endpoint's object; undefined if it has no names, because its network has none or it no address. */
export function endpointNames(network: Network, endpoint: Endpoint, sandbox: Sandbox): HostObject | undefined {
  const addresses = (endpoint.desired?.addresses ?? []).map(({ cidr }) => cidr.split('/', 1)[0] ?? '');
  if (!hasNames(network) || addresses.length === 0) return undefined;
  const names = namesOf(endpoint, sandbox);
  const owner = `endpoint/${endpoint.id}`;
  const reverse = names[0] ?? '';
  return hostObject({
    $case: 'names',
    value: { networkId: network.id, owner, names, addresses, reverse, records: [], ports: [] },
  });
}
