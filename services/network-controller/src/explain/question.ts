// What is asked of a way, and where it ends.
import type { Family } from './ground.ts';
import type { Transport } from './packet.ts';

export type Place =
  | { readonly at: 'sandbox'; readonly id: string }
  | { readonly at: 'host' }
  | { readonly at: 'outside' };

export interface Question {
  readonly from: Place;
  /** The address that is asked for. */
  readonly destination: string;
  readonly protocol: Transport;
  readonly port: number;
  readonly family: Family;
}

/** Where a packet arrived, and what the connection looks like from there. */
export interface Arrival {
  readonly place: Place;
  readonly address: string;
  readonly port: number;
  /** The source that is seen there, where answers go. */
  readonly source: string;
  /** The bridge it came to the host by; empty for the host's own. */
  readonly iif: string;
  readonly translated: boolean;
  /** Its source was changed, so answers come back to the host. */
  readonly masked: boolean;
  /** It never left the sandbox, or went from port to port of a bridge. */
  readonly passedHost: boolean;
}
