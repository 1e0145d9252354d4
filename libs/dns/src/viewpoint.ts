// A sandbox's view of the names: which networks it is on, in what order, what it calls others, and whom it asks for the rest.
import type { ForwarderSet } from './forwarders.ts';
import { type Name, nameFromText } from './name.ts';

export interface ViewpointSpec {
  /** The order in which names are looked up: as the endpoints are for the default gateway. */
  readonly networks: readonly {
    readonly id: string;
    /** Aliases that only this sandbox knows, to names on the network; looked up before all else. */
    readonly links?: Readonly<Record<string, string>>;
  }[];
  /** All its networks are internal: nothing leaves the host. */
  readonly isInternal: boolean;
  /** As the user set it; undefined when the user did not. */
  readonly ndots?: number;
  readonly forwarders: ForwarderSet;
  /** Names are known only with their network's at the end. */
  readonly isQualified?: boolean;
  /** What is not ours is REFUSED, and asked of nobody. */
  readonly refusesOthers?: boolean;
}

export interface Viewpoint {
  readonly networks: readonly { readonly id: string; readonly links: ReadonlyMap<Name, Name> | undefined }[];
  readonly hasLinks: boolean;
  readonly isInternal: boolean;
  readonly ndots: number;
  readonly forwarders: ForwarderSet;
  readonly isQualified: boolean;
  readonly refusesOthers: boolean;
}

export function makeViewpoint(spec: ViewpointSpec): Viewpoint {
  const networks = spec.networks.map(({ id, links }) => ({ id, links: linksOf(links) }));
  return {
    networks,
    hasLinks: networks.some(({ links }) => links !== undefined),
    isInternal: spec.isInternal,
    ndots: spec.ndots ?? 0,
    forwarders: spec.forwarders,
    isQualified: spec.isQualified ?? false,
    refusesOthers: spec.refusesOthers ?? false,
  };
}

function linksOf(links: Readonly<Record<string, string>> = {}): ReadonlyMap<Name, Name> | undefined {
  const map = new Map<Name, Name>();
  for (const [alias, target] of Object.entries(links)) {
    const from = nameFromText(alias);
    const to = nameFromText(target);
    if (from !== undefined && to !== undefined) map.set(from, to);
  }
  return map.size > 0 ? map : undefined;
}
