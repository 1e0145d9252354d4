// Work that must not be forgotten because ipam or the store was away: tried until they answer or the controller stops.
import { asFault, type FaultError, isFault, Reason } from '@weft/fault';
import type { Context } from './context.ts';

/** Between two attempts, in ms. */
const retryMs = 500;

const isAway = (error: unknown) => isFault(error, Reason.SERVICE_UNAVAILABLE, Reason.DEADLINE_PASSED, Reason.STOPPING);

/** `work` must be such that twice is once. @throws what is not for lack of an answer */
export async function untilAnswered<T>(context: Pick<Context, 'log' | 'stopping'>, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (context.stopping.aborted || !isAway(error)) throw error;
      context.log.warn({ err: (error as Error).message }, 'no answer; trying again');
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

/** Of faults that were told before what their requests began was taken back: resolves when it is, or cannot be. */
const aftermaths = new WeakMap<FaultError, Promise<void>>();

/** Undefined when nothing is left of what failed with this. */
export const aftermathOf = (error: unknown): Promise<void> | undefined => aftermaths.get(error as FaultError);

/**
 * Takes back what a request began that failed. If nobody answers the caller is told why he failed at once, and it goes on behind him.
 * @throws the fault it failed with, always; what keeps it from being taken back, if that is not for lack of an answer
 */
export async function failSurely(context: Context, error: unknown, takeBack: () => Promise<void>): Promise<never> {
  const why = asFault(error);
  try {
    await takeBack();
  } catch (hindrance) {
    if (!isAway(hindrance)) throw hindrance;
    const over = untilAnswered(context, takeBack).catch((err: unknown) => {
      if (!context.stopping.aborted) context.log.error({ err }, 'what a request began could not be taken back');
    });
    aftermaths.set(why, over);
  }
  throw why;
}
