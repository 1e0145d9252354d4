// All that the invariants are checked on, gathered at one revision: records, what ipam holds, what the host must have, and
// what the log told. A stopped system shows all phases, leases and name keys; a running one shows what its API shows.
import type { HostObject } from '@weft/hoststate';
import type { Event } from '@weft/proto/event';
import type { Pool } from '@weft/proto/ipam';
import type { Endpoint, Host, Network, Sandbox, Service } from '@weft/proto/model';

/** What only the stores tell. */
export interface Stored {
  readonly leases: readonly { readonly owner: string; readonly poolId: string; readonly address: string }[];
  /** Name keys and the ids that they lead to. */
  readonly names: ReadonlyMap<string, string>;
  /** Keys of statuses and marks, which must not outlive their records. */
  readonly satellites: readonly string[];
}

export interface Facts {
  readonly mode: 'running' | 'stopped';
  readonly storeId: string;
  readonly revision: bigint;
  readonly networks: readonly Network[];
  readonly endpoints: readonly Endpoint[];
  readonly sandboxes: readonly Sandbox[];
  readonly services: readonly Service[];
  readonly hosts: readonly Host[];
  readonly pools: readonly Pool[];
  /** Addresses of endpoints and services that are going, which hosts have yet to forget. */
  readonly waiting: readonly { readonly networkId: string; readonly cidr: string }[];
  /** What the host must have, and as of when. */
  readonly wanted: readonly HostObject[];
  readonly wantedRevision: bigint;
  /** Keys of objects that the host says it cannot apply. */
  readonly failing: ReadonlySet<string>;
  /** Revisions of the Synced steps of watches, in the order heard. */
  readonly synced: readonly bigint[];
  readonly events: readonly Event[];
  /** The log reaches back to the store's beginning. */
  readonly isLogWhole: boolean;
  readonly stored: Stored | undefined;
}

/** What became of one invariant. */
export interface Verdict {
  readonly invariant: string;
  /** How many things were looked at. */
  readonly count: number;
  readonly of: string;
  readonly broken: readonly string[];
}

export const short = (id: string): string => id.slice(0, 12);
