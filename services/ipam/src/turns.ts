// Who waits for whom. Work on different keys runs side by side (and shares commits); work on the same key runs in the
// order in which it came; exclusive work runs alone. First come, first served: nobody is overtaken for ever.

export interface Turns {
  /** Runs after all earlier work on any of the keys, and after all earlier exclusive work. */
  shared<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>;
  /** Runs after all earlier work, BEFORE all later work. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  let lastExclusive: Promise<void> = Promise.resolve();
  const running = new Set<Promise<void>>();
  const lastOfKey = new Map<string, Promise<void>>();

  function run<T>(after: readonly Promise<void>[], work: () => Promise<T>): [result: Promise<T>, end: Promise<void>] {
    const result = Promise.all(after).then(work);
    const end = result.then(
      () => undefined,
      () => undefined,
    );
    running.add(end);
    void end.then(() => running.delete(end));
    return [result, end];
  }

  return {
    shared(keys, work) {
      const before = keys.map((key) => lastOfKey.get(key)).filter((end) => end !== undefined);
      const [result, end] = run([lastExclusive, ...before], work);
      for (const key of keys) lastOfKey.set(key, end);
      void end.then(() => {
        for (const key of keys) if (lastOfKey.get(key) === end) lastOfKey.delete(key);
      });
      return result;
    },
    exclusive(work) {
      const [result, end] = run([lastExclusive, ...running], work);
      lastExclusive = end;
      return result;
    },
  };
}
