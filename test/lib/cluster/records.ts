// What one entry of a cluster says there is.
import type { Clients } from '../host.ts';
import { pairKey } from './ledger.ts';

export interface SandboxRecord {
  readonly id: string;
  readonly name: string;
  readonly hostId: string;
  readonly namespacePath: string;
}

export interface EndpointRecord {
  readonly id: string;
  readonly networkId: string;
  readonly sandbox: SandboxRecord;
  /** "10.1.0.2", the first one; empty when it has none. */
  readonly address: string;
  /** "pool cidr", all. */
  readonly held: readonly string[];
  readonly isApplied: boolean;
  /** Phase and status in words, for people. */
  readonly state: string;
}

export interface Records {
  readonly networks: ReadonlyMap<string, { readonly id: string; readonly name: string; readonly isGlobal: boolean }>;
  readonly sandboxes: ReadonlyMap<string, SandboxRecord>;
  readonly endpoints: readonly EndpointRecord[];
  /** The endpoint of each pair, by its key. */
  readonly pairs: ReadonlyMap<string, string>;
}

export async function readRecords({ networks, sandboxes, endpoints }: Clients): Promise<Records> {
  const listed = await Promise.all([
    networks.listNetworks({}),
    sandboxes.listSandboxes({}),
    endpoints.listEndpoints({}),
  ] as const);
  const networkOf = new Map(
    listed[0].networks
      .filter((one) => one.spec?.driver !== 'host' && one.spec?.driver !== 'null')
      .map(({ id, spec }) => [id, { id, name: spec?.name ?? '', isGlobal: spec?.driver === 'overlay' }] as const),
  );
  const sandboxOf = new Map(
    listed[1].sandboxes.map(({ sandbox }) => {
      const id = sandbox?.id ?? '';
      const { spec, desired, status } = sandbox ?? {};
      const namespacePath = status?.namespacePath ?? '';
      return [id, { id, name: spec?.name ?? '', hostId: desired?.hostId ?? '', namespacePath }] as const;
    }),
  );
  const all = listed[2].endpoints.flatMap(({ id, networkId, desired, status, revision }): EndpointRecord[] => {
    const sandbox = sandboxOf.get(desired?.sandboxId ?? '');
    if (sandbox === undefined) return [];
    const addresses = desired?.addresses ?? [];
    return [
      {
        ...{ id, networkId, sandbox },
        address: addresses[0]?.cidr.split('/')[0] ?? '',
        held: addresses.map(({ poolId, cidr }) => `${poolId} ${cidr}`),
        isApplied: (status?.appliedRevision ?? 0n) > 0n && status?.fault === undefined,
        state: `phase ${desired?.phase}, revision ${revision}, applied ${status?.appliedRevision}, ${status?.fault?.message ?? 'no fault'}`,
      },
    ];
  });
  const nameOf = (one: EndpointRecord) =>
    pairKey({ sandbox: one.sandbox.name, network: networkOf.get(one.networkId)?.name ?? '' });
  return {
    networks: networkOf,
    sandboxes: sandboxOf,
    endpoints: all,
    pairs: new Map(all.map((one) => [nameOf(one), one.id])),
  };
}
