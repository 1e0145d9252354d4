// How large a simulated weft is, and what is where in it.
import { hostName } from './heard.ts';

export interface Size {
  readonly hosts: number;
  readonly endpoints: number;
  readonly networks: number;
  /** Of each network. */
  readonly hostsANetwork: number;
  readonly controlPlanes: number;
  readonly driver: string;
  /** Connects that are measured, one after the other. */
  readonly probes: number;
  /** How endpoints are made: by the API, or, since that takes long for many, as records of the stores. */
  readonly fill: 'api' | 'store';
}

export interface Place {
  /** The sandbox. */
  readonly name: string;
  readonly host: string;
  /** Names of networks; the sandbox is on each. */
  readonly networks: readonly string[];
}

export const networkName = (at: number): string => `net${at}`;
export const subnetOf = (at: number): string => `10.${at >> 6}.${(at & 63) * 4}.0/22`;

/** The hosts of a network: its neighbours in a ring, so that each host is on as many networks as the next. */
export const hostsOf = (network: number, { hosts, networks, hostsANetwork }: Size): string[] =>
  Array.from({ length: Math.min(hosts, hostsANetwork) }, (_, at) =>
    hostName((Math.floor((network * hosts) / networks) + at) % hosts),
  );

/** Each sandbox is on all networks of its host; each host has as many sandboxes. */
export function placesOf(size: Size): Place[] {
  const networksOf = new Map<string, string[]>();
  for (let network = 0; network < size.networks; network++)
    for (const host of hostsOf(network, size))
      networksOf.set(host, [...(networksOf.get(host) ?? []), networkName(network)]);
  const each = Math.round(size.endpoints / [...networksOf.values()].reduce((sum, some) => sum + some.length, 0));
  return Array.from({ length: Math.max(each, 1) }, () => [...networksOf])
    .flat()
    .map(([host, networks], at) => ({ name: `s${at}`, host, networks }));
}
