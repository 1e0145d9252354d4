// How far the planner is, and who waits for that. A round takes what changed before it began; whoever waits is not held up by the
// rounds that later changes bring, which under load do not end.

interface Waiter {
  readonly revision: bigint;
  /** The last round that is not enough. */
  readonly after: number;
  readonly resolve: () => void;
}

export class Rounds {
  #waiting: Waiter[] = [];
  /** The round that runs, or ran last, and what it plans. */
  #round = 0;
  #planning = -1n;
  #planned = -1n;

  begin(revision: bigint): void {
    this.#round++;
    this.#planning = revision;
  }

  end(): void {
    this.#planned = this.#planning;
    this.#settle(({ after }) => after < this.#round);
  }

  /** Nothing is left to do. */
  rest(): void {
    this.#settle(() => true);
  }

  isPlanned(revision: bigint): boolean {
    return revision <= this.#planned;
  }

  /** Resolves when all is done that is to be done by now; `isMore`: something that no round has begun with yet. */
  async until(revision: bigint, isMore: boolean): Promise<void> {
    const after = revision <= this.#planning && !isMore ? this.#round - 1 : this.#round;
    await new Promise<void>((resolve) => this.#waiting.push({ revision, after, resolve }));
  }

  #settle(isDue: (waiter: Waiter) => boolean): void {
    const isOver = (one: Waiter) => one.revision <= this.#planned && isDue(one);
    const over = this.#waiting.filter(isOver);
    if (over.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => !isOver(one));
    for (const { resolve } of over) resolve();
  }
}
