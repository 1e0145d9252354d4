// The registry of controllers: this one is in it as long as it keeps its lease, and so are the hosts whose agents are connected to it.
// Nobody may do a thing because of what is written here: it says who should, and every transaction compares what it decides about.
import type { Log } from '@weft/process';
import { StoredReplica } from '@weft/proto/controller';
import type { Op } from '@weft/store';
import { prefix } from '../state/keys.ts';
import type { Ledger } from '../state/ledger.ts';
import { createLeasedKeys, type LeasedKeys } from './leased-keys.ts';

export interface Registry {
  /** This replica's, 32 hexadecimal digits, new with each start. */
  readonly id: string;
  readonly keys: LeasedKeys;
  /** Whether the replica is there: itself always, others as long as they keep their lease. */
  isThere(id: string): boolean;
  /** Whether any other replica is there. */
  hasOthers(): boolean;
  /** Whether this is the one that registered first: it does what one is enough for. A pause can make two of them. */
  isOldest(): boolean;
  /** Calls back when a controller came or went; returns what ends that. */
  onReplicas(listener: () => void): () => void;
  /** Resolves when the view holds everything that was in the store when this was called. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

export interface RegistryOptions {
  readonly ledger: Ledger;
  readonly id: string;
  /** Where agents and clients reach this controller; empty if it does not say. */
  readonly address: string;
  readonly started: Date;
  readonly log: Log;
}

const kinds = [prefix.replica, prefix.alive, prefix.seen] as const;

/** Resolves when this replica is in it. */
export async function openRegistry({ ledger, id, address, started, log }: RegistryOptions): Promise<Registry> {
  const { view } = ledger;
  await dropForeign(ledger);
  const keys = createLeasedKeys(ledger, log);
  const key = `${prefix.replica}${id}`;
  const value = StoredReplica.encode({ id, address, started }).finish();
  await keys.set(key, value);
  // One look at each change, however many agents' streams wait for this one.
  const listeners = new Set<() => void>();
  const unsubscribe = view.onChange((change) => {
    if (change.replicas.size > 0) for (const listener of [...listeners]) listener();
  });

  return {
    id,
    keys,
    isThere: (one) => one === id || view.replicas.has(one),
    hasOthers: () => view.replicas.size > (view.replicas.has(id) ? 1 : 0),
    isOldest: () => view.replicas.all()[0]?.id === id,
    onReplicas(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    // In a cluster others' changes count too: only a write of one's own tells when the view has come so far.
    caughtUp: () => keys.set(key, value),
    close() {
      unsubscribe();
      return keys.close();
    },
  };
}

/** Keys of a life before: without a lease (a store that was moved), and, where nobody else writes, all of them. */
async function dropForeign(ledger: Ledger): Promise<void> {
  const { store } = ledger;
  for (const kind of kinds) {
    const { keyValues } = await store.list(kind);
    const stale = keyValues.filter(({ leaseId = 0n }) => !store.isShared || leaseId === 0n);
    for (let at = 0; at < stale.length; at += 100) {
      const ops = stale.slice(at, at + 100).map((one): Op => ({ delete: one.key }));
      await ledger.note([], ops);
    }
  }
}
