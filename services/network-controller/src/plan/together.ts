// Questions asked in one breath become one call: what a planner's round compiles, it compiles together, and each asker
// gets his own answer. A call costs more than what is asked in it.

export interface TogetherOptions {
  /** How many are asked in one call. */
  readonly atOnce: number;
  /** Whether a failed call may be the fault of some questions in it: then it is asked in halves, so that the others are answered. */
  readonly mayDiffer: (error: unknown) => boolean;
}

/**
 * Asks one by one; those of the same microtask go together. If a call fails, each that was in it fails of the same, unless they may
 * differ.
 * @param ask answers in the order of the questions
 */
export function together<Question, Answer>(
  ask: (questions: Question[]) => Promise<readonly Answer[]>,
  { atOnce, mayDiffer }: TogetherOptions,
): (question: Question) => Promise<Answer | undefined> {
  interface Asker {
    readonly question: Question;
    readonly answer: (answer: Answer | undefined) => void;
    readonly fail: (error: unknown) => void;
  }
  let waiting: Asker[] = [];
  const send = async (some: readonly Asker[]): Promise<void> => {
    try {
      const answers = await ask(some.map(({ question }) => question));
      for (const [index, { answer }] of some.entries()) answer(answers[index]);
    } catch (error) {
      if (some.length === 1 || !mayDiffer(error)) {
        for (const { fail } of some) fail(error);
        return;
      }
      const half = some.length >> 1;
      await Promise.all([send(some.slice(0, half)), send(some.slice(half))]);
    }
  };
  const flush = () => {
    const all = waiting;
    waiting = [];
    for (let at = 0; at < all.length; at += atOnce) void send(all.slice(at, at + atOnce));
  };
  return (question) =>
    new Promise((answer, fail) => {
      if (waiting.length === 0) queueMicrotask(flush);
      waiting.push({ question, answer, fail });
    });
}
