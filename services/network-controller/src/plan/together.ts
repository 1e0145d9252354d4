// Questions asked in one breath become one call: what a planner's round compiles, it compiles together, and each asker
// gets his own answer. A call costs more than what is asked in it.

/** How many are asked in one call: requests have a limit of 4 MiB. */
const mostAtOnce = 200;

/** Asks one by one; those of the same microtask go together. If a call fails, each that was in it fails of the same. */
export function together<Question, Answer>(
  /** Answers in the order of the questions. */
  ask: (questions: Question[]) => Promise<readonly Answer[]>,
): (question: Question) => Promise<Answer | undefined> {
  interface Asker {
    readonly question: Question;
    readonly answer: (answer: Answer | undefined) => void;
    readonly fail: (error: unknown) => void;
  }
  let waiting: Asker[] = [];
  const flush = () => {
    const all = waiting;
    waiting = [];
    for (let at = 0; at < all.length; at += mostAtOnce) {
      const some = all.slice(at, at + mostAtOnce);
      ask(some.map(({ question }) => question)).then(
        (answers) => {
          for (const [index, { answer }] of some.entries()) answer(answers[index]);
        },
        (error: unknown) => {
          for (const { fail } of some) fail(error);
        },
      );
    }
  };
  return (question) =>
    new Promise((answer, fail) => {
      if (waiting.length === 0) queueMicrotask(flush);
      waiting.push({ question, answer, fail });
    });
}
