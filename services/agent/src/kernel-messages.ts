// What passes between the agent's main thread and its kernel thread. Plain data: it is cloned on the way.
import type { HostObject } from '@weft/hoststate';
import type { BackendHealth, Drift, ObjectFailure, SandboxState } from '@weft/proto/agent';
import type { Fault } from '@weft/proto/fault';
import type { NamesCounters } from '@weft/proto/model';

/** A step of the watch, or several made one. Order inside: reset, then put and delete, then synced. */
export interface Batch {
  readonly put: readonly HostObject[];
  readonly delete: readonly string[];
  /** Forget what was said before; what is not put again before `synced` is removed. */
  readonly reset?: boolean;
  /**
   * All that the host must have has now been said. After the first of these, and after one that ends a reset, what is marked as
   * weft's but asked for by nothing is removed (never before), and the batch is answered when that is gone too.
   */
  readonly synced?: boolean;
}

/** What became of an object: as it must be (or gone, when deleted), or the fault. */
export interface Outcome {
  readonly key: string;
  readonly fault?: Fault;
}

/** What the thread says of its own accord. Lists are empty when there is nothing. */
export interface Report {
  /** Objects that were as they must be, or failed otherwise, and now fail this way. */
  readonly failed: ObjectFailure[];
  /** Keys that had failed and are as they must be now, or gone. */
  readonly recovered: string[];
  readonly drifts: Drift[];
  /** Sandboxes whose state changed. */
  readonly sandboxes: SandboxState[];
  /** What the resolvers have done so far, if that is not as it was. */
  readonly names?: NamesCounters | undefined;
  /** Backends whose health changed. */
  readonly backends: BackendHealth[];
}

export type Command =
  | { readonly id: number; readonly kind: 'apply'; readonly batch: Batch }
  | { readonly id: number; readonly kind: 'look' }
  | { readonly kind: 'health'; readonly changes: readonly BackendHealth[] }
  | { readonly id: number; readonly kind: 'close' };

export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'applied'; readonly id: number; readonly outcomes: Outcome[] }
  | { readonly kind: 'looked'; readonly id: number; readonly report: Report }
  | { readonly kind: 'report'; readonly report: Report };

export interface ThreadSettings {
  readonly runDir: string;
  readonly dataDir: string;
  /** Namespace that is the host; absent: the one the process is in. Several agents on one machine each have their own. */
  readonly hostNamespace?: string;
  /** Milliseconds between full looks. */
  readonly lookEveryMs: number;
}
