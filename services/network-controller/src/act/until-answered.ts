// Work that must not be forgotten because ipam or the store was away: tried until they answer or the controller stops.
import { isFault, Reason } from '@weft/fault';
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

/** Takes back what a request began. If nobody answers the caller is told why at once, and it goes on behind him. */
export async function takeBackSurely(context: Context, takeBack: () => Promise<void>): Promise<void> {
  try {
    await takeBack();
  } catch (error) {
    if (!isAway(error)) throw error;
    untilAnswered(context, takeBack).catch((why: unknown) => {
      if (!context.stopping.aborted) context.log.error({ err: why }, 'what a request began could not be taken back');
    });
  }
}
