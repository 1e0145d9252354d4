// An answer before it is bytes: what deciding code returns and the writer copies.
import type { Name } from './name.ts';

/** Records of one owner and type. */
export interface RecordSet {
  /** An offset into the question's name (0 is the whole of it, written as a pointer), or another name. */
  readonly owner: number | Name;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** The rdata, one char a byte: `width` bytes a record, or all of it one record when `width` is 0. */
  readonly data: string;
  readonly width: number;
  /** The record that comes first; the others follow in a circle. */
  readonly first: number;
}

export interface Local {
  readonly kind: 'local';
  readonly rcode: number;
  /** It is ours to say: AA. */
  readonly isAuthoritative: boolean;
  readonly answers: readonly RecordSet[];
  readonly authority: readonly RecordSet[];
  readonly additional: readonly RecordSet[];
}

export type Answer =
  | Local
  /** Not ours: ask a forwarder. */
  | { readonly kind: 'forward' }
  /** An alias of ours whose target is not: ask a forwarder for the target, and put these before what it says. */
  | { readonly kind: 'chase'; readonly answers: readonly RecordSet[]; readonly target: Name }
  /** A question that no resolver for sandboxes answers: zone transfers. */
  | { readonly kind: 'refused' };

export const NOTHING: readonly RecordSet[] = [];
