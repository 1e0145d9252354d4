// Whose turn it is to publish, among replicas that could. It only spares servers and logs: what is right does not depend on it.

export interface Turn {
  /** Whether this process is to publish now. */
  isPublisher(): boolean;
  /** Calls back at every change. Returns how to stop that. */
  onChange(listener: () => void): () => void;
}

export const alone: Turn = { isPublisher: () => true, onChange: () => () => undefined };

/** Resolves when it is this process's turn, or the signal aborts. */
export async function myTurn(turn: Turn, signal: AbortSignal): Promise<void> {
  await until(turn, signal, () => turn.isPublisher());
}

/** Aborts when it is no longer this process's turn, or `signal` does. `end` lets go of both. */
export function termOf(turn: Turn, signal: AbortSignal): { readonly signal: AbortSignal; end(): void } {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  void until(turn, either, () => !turn.isPublisher()).then(() => over.abort());
  return { signal: either, end: () => over.abort() };
}

async function until(turn: Turn, signal: AbortSignal, holds: () => boolean): Promise<void> {
  if (signal.aborted || holds()) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      forget();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const forget = turn.onChange(() => {
      if (holds()) done();
    });
    signal.addEventListener('abort', done, { once: true });
  });
}
