// Whose certificates count no more: those of removed hosts, and of the operators that came with them. A host that joins
// anew is known by the serials it got since. Kept in memory by the store's watch, since every call asks.
import type { Caller } from '@weft/identity';
import type { Log } from '@weft/process';
import type { Op, Revision, Store } from '@weft/store';
import { identityKey } from '../state/keys.ts';

/** How many serials are remembered of a host that came back: each renewal adds one. */
const serialsKept = 8;

export interface Revocations {
  isRevoked(caller: Caller): boolean;
  /** What lets these serials of a host count although it was removed; none if it was not. */
  readmit(hostId: string, serials: readonly string[]): Op[];
  close(): Promise<void>;
}

/** Part of the transaction that removes a host. */
export const revocationOf = (hostId: string): Op => ({
  put: `${identityKey.revoked}${hostId}`,
  value: Buffer.from('[]'),
});

export async function openRevocations(store: Store, log: Log): Promise<Revocations> {
  const readmitted = new Map<string, readonly string[]>();
  const stop = new AbortController();
  const idOf = (key: string) => key.slice(identityKey.revoked.length);
  const note = (key: string, value: Uint8Array) =>
    readmitted.set(idOf(key), JSON.parse(Buffer.from(value).toString()) as string[]);
  const load = async (): Promise<Revision> => {
    const { keyValues, revision } = await store.list(identityKey.revoked);
    readmitted.clear();
    for (const { key, value } of keyValues) note(key, value);
    return revision;
  };
  const follow = async (from: Revision): Promise<void> => {
    for await (const step of store.watch(identityKey.revoked, from, stop.signal)) {
      if ('compacted' in step) return await follow(await load());
      for (const event of step.events) {
        if (event.type === 'put') note(event.key, event.value);
        else readmitted.delete(idOf(event.key));
      }
    }
  };
  const following = follow(await load()).catch((error: unknown) => {
    if (stop.signal.aborted) return;
    log.fatal({ err: error }, 'cannot follow who was removed');
    throw error; // who lets in whom was removed has no business serving
  });

  return {
    isRevoked({ role, serial }) {
      const hostId = role.kind === 'host' ? role.hostId : role.kind === 'operator' ? role.name : undefined;
      const serials = hostId === undefined ? undefined : readmitted.get(hostId);
      return serials !== undefined && !serials.includes(serial);
    },
    readmit(hostId, serials) {
      const known = readmitted.get(hostId);
      if (known === undefined) return [];
      const kept = [...known, ...serials].slice(-serialsKept);
      return [{ put: `${identityKey.revoked}${hostId}`, value: Buffer.from(JSON.stringify(kept)) }];
    },
    async close() {
      stop.abort();
      await following;
    },
  };
}
