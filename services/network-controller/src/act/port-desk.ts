// Who is served when, where host ports are given out: one transaction of a host after the other.
import type { PortCursor } from '../admit/port-book.ts';

export interface PortDesk {
  readonly cursor: PortCursor;
  /** Runs work that gives out ports of a host when earlier work has: racing for marks would only be tried again. */
  inTurn<T>(hostId: string, work: () => Promise<T>): Promise<T>;
}

export function createPortDesk(): PortDesk {
  const last = new Map<string, Promise<unknown>>();
  return {
    cursor: new Map(),
    async inTurn(hostId, work) {
      const before = last.get(hostId);
      const mine = (before ?? Promise.resolve()).then(work, work);
      last.set(hostId, mine);
      try {
        return await mine;
      } finally {
        if (last.get(hostId) === mine) last.delete(hostId);
      }
    },
  };
}
