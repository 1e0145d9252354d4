// Forgets, after an hour, which owners were released: no request is as late as that. It reads no clock that can be set: a mark goes when
// this process has seen for an hour that the store is past its revision. Each is compared, so one that was put again stays.
import type { Op, Revision, Store } from '@weft/store';
import { goneLead } from './keys.ts';

/** How long a mark stays at least, and how often they are walked through, in ms. */
const keepMs = 60 * 60_000;
const everyMs = 5 * 60_000;
/** Keys read at a time, and dropped in one transaction. */
const page = 500;
const atOnce = 100;

/** `now` counts milliseconds, also while the process is paused. */
export function createSweep(store: Store, now: () => number = () => performance.now()) {
  /** Oldest first: where the store was, and when. */
  let notes: { readonly at: number; readonly revision: Revision }[] = [];

  async function drop(keys: readonly { key: string; modRevision: Revision }[]): Promise<void> {
    for (let at = 0; at < keys.length; at += atOnce) {
      const some = keys.slice(at, at + atOnce);
      // Not committed: one of them was put again, or another replica was here. They go with the next walk.
      await store.transact(
        some.map(({ key, modRevision }) => ({ key, modRevision })),
        some.map(({ key }): Op => ({ delete: key })),
      );
    }
  }

  return {
    /** Looks once. @throws what the store throws; what is left is for the next time */
    async walk(): Promise<void> {
      const at = now();
      notes.push({ at, revision: await store.revision() });
      const old = notes.findLastIndex((note) => note.at <= at - keepMs);
      if (old < 0) return;
      notes = notes.slice(old);
      const upTo = notes[0]!.revision;
      for (let startAfter: string | undefined; ; ) {
        const { keyValues } = await store.list(goneLead, {
          limit: page,
          ...(startAfter !== undefined && { startAfter }),
        });
        await drop(keyValues.filter(({ modRevision }) => modRevision <= upTo));
        if (keyValues.length < page) return;
        startAfter = keyValues.at(-1)!.key;
      }
    },
  };
}

/** Walks for as long as the process is there; ends with the store. */
export function startSweeping(store: Store, isClosed: (cause: unknown) => boolean): void {
  const { walk } = createSweep(store);
  const sweeping = setInterval(() => {
    walk().catch((cause: unknown) => {
      // Away for now: the next walk finds what this one did not.
      if (isClosed(cause)) clearInterval(sweeping);
    });
  }, everyMs).unref();
}
