// How a round of the planner works through many things: in batches, so that what they ask goes out together, and in two lanes, so
// that the next batch is put together while a driver is at the one before.

/**
 * Work on one thing. It reads the view where it is MADE, all of a round's at one revision, and drivers are asked where it runs: what
 * the view says by then belongs to the next round, and half of it would reach hosts as a whole.
 */
export type Job = () => Promise<void>;

/** How many things of a kind are compiled side by side: what they ask goes out together. */
const sideBySide = 500;
const lanes = 2;

/** Resolves when all are done. @throws what one of them throws; others may be under way then */
export async function inLanes(jobs: readonly Job[]): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < jobs.length) {
      const some = jobs.slice(next, next + sideBySide);
      next += sideBySide;
      await Promise.all(some.map((job) => job()));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
