// How a backend stands, from the answers to its checks: up until so many in a row fail, down until so many in a row do not. Pure.
import type { Pace } from './target.ts';

export interface Standing {
  readonly healthy: boolean;
  /** Answers in a row that say otherwise. */
  readonly against: number;
  /** Why it does not serve; empty while it does. */
  readonly because: string;
}

/** A new backend counts as one that serves, unless its controller knows better: an agent before found so. */
export const UP: Standing = { healthy: true, against: 0, because: '' };
export const KNOWN_DOWN: Standing = { healthy: false, against: 0, because: 'its check failed before' };

/** After one more answer; `because` says why it failed, undefined that it did not. */
export const afterAnswer = (
  before: Standing,
  because: string | undefined,
  { rise, fall }: Pick<Pace, 'rise' | 'fall'>,
): Standing => {
  const isGood = because === undefined;
  if (isGood === before.healthy) return { ...before, against: 0 };
  const against = before.against + 1;
  if (against < (isGood ? rise : fall)) return { ...before, against };
  return { healthy: isGood, against: 0, because: because ?? '' };
};
