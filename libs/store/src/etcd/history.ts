// Whether etcd still goes on from where it was. A backup that was put back, or data that was lost, makes revisions mean something else:
// what this process knows, and what it told agents and clients, is then of another history. Refuses to go on with it.
// What is read through a quorum after R was seen is at R or later, so one answer below R is proof.
import type { ResponseHeader } from '@weft/proto/etcd';
import type { Revision } from '../store.ts';
import { StoreError } from '../store-error.ts';

export interface History {
  /** The highest revision that is known to have been. To be read BEFORE a question is sent, for `answered`. */
  readonly revision: bigint;
  /** Aborts when this is another history. */
  readonly lost: AbortSignal;
  /** Resolves when what is to be done about that has been done. */
  settled(): Promise<void>;
  /** @throws StoreError `failed` when it is lost */
  check(): void;
  /** Of an answer that went through a quorum, to what was asked when `since` was known. @throws StoreError `failed` */
  answered(header: ResponseHeader, since: bigint): void;
  /** What a watch told: no older than what one member holds. */
  told(revision: Revision): void;
  /** The store has another id by now: another process has seen that the history is another one. @throws StoreError `failed` */
  another(because: string): never;
}

/** `name` is the store's, for people; `onLost` runs once. */
export function createHistory(name: string, onLost: () => Promise<void>): History {
  const lost = new AbortController();
  let revision = 0n;
  let cluster: bigint | undefined;
  let because = '';
  let settling = Promise.resolve();

  const check = () => {
    if (lost.signal.aborted) throw new StoreError('failed', `store ${name} on etcd is not the one it was: ${because}`);
  };
  const another = (text: string): never => {
    because ||= `${text}. Was a backup put back? Start again: everything is read anew then`;
    if (!lost.signal.aborted) {
      lost.abort();
      settling = onLost().catch(() => undefined);
    }
    check();
    throw new Error('unreachable');
  };
  return {
    get revision() {
      return revision;
    },
    lost: lost.signal,
    settled: () => settling,
    check,
    another,
    answered(header, since) {
      cluster ??= header.clusterId;
      if (header.clusterId !== cluster) another(`it belongs to cluster ${header.clusterId}, and was of ${cluster}`);
      if (header.revision < since) another(`it is at revision ${header.revision}, and was at ${since}`);
      if (header.revision > revision) revision = header.revision;
    },
    told(at) {
      if (at > revision) revision = at;
    },
  };
}
