// What passes between the agent's main thread and its names thread. Plain data: it is cloned on the way.
import type { HostObject } from '@weft/hoststate';
import type { ObjectFailure, SandboxState } from '@weft/proto/agent';
import type { Fault } from '@weft/proto/fault';
import type { NamesCounters } from '@weft/proto/model';
import type { Place } from './dns/listener.ts';
import type { Outcome } from './kernel-messages.ts';

/** Names, zones and resolvers: first what goes, then what comes. */
export interface NamesBatch {
  readonly delete: readonly string[];
  readonly put: readonly HostObject[];
}

export type DnsCommand =
  | { readonly id: number; readonly kind: 'apply'; readonly batch: NamesBatch }
  /** Where sandboxes are now: what the kernel thread says of them. */
  | { readonly kind: 'sandboxes'; readonly sandboxes: readonly SandboxState[] }
  /** Something happened to namespaces: look whether those that are listened in are still there. */
  | { readonly kind: 'look' }
  /** Answer names of all networks there. */
  | { readonly id: number; readonly kind: 'open'; readonly place: Place }
  | { readonly id: number; readonly kind: 'close' };

export type DnsAnswer =
  | { readonly kind: 'ready' }
  /** Each of the batch's objects is in the tables and listened for, or has a fault. */
  | { readonly kind: 'applied'; readonly id: number; readonly outcomes: Outcome[] }
  | { readonly kind: 'opened'; readonly id: number; readonly fault: Fault | undefined }
  | { readonly kind: 'counters'; readonly counters: NamesCounters }
  /** What failed, or recovered, outside of any batch. */
  | { readonly kind: 'report'; readonly failed: ObjectFailure[]; readonly recovered: string[] };

export interface DnsThreadSettings {
  readonly runDir: string;
  /** Namespace that is the host; absent: the one the process is in. */
  readonly hostNamespace?: string;
}
