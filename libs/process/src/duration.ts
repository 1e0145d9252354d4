// Lengths of time as people type them. Pure.
import { fault, Reason } from '@weft/fault';

const unitSeconds: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1 };
const secondsOf = (text: string): number =>
  [...text.matchAll(/(\d+)([dhms])/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * unitSeconds[unit]!,
    0,
  );

/**
 * "2h30m" in seconds.
 * @param flag with its command before it: the flag itself is the field of faults
 * @param range the shortest and the longest it may be, as people type them
 * @throws INVALID_VALUE
 */
export function durationSeconds(text: string, flag: string, [least, most]: readonly [string, string]): number {
  const field = flag.split(' ').at(-1) ?? flag;
  if (!/^(\d{1,9}[dhms])+$/.test(text))
    throw fault(Reason.INVALID_VALUE, `${flag}: "${text}" is no duration such as 30m, 1h or 2h30m`, { field });
  const seconds = secondsOf(text);
  if (seconds >= secondsOf(least) && seconds <= secondsOf(most)) return seconds;
  throw fault(Reason.INVALID_VALUE, `${flag}: "${text}" is not from ${least} to ${most}`, { field });
}

/** How long certificates live, in ms; undefined where nothing is said. Clocks may be an hour apart: no shorter than two. @throws INVALID_VALUE */
export function certificateTtlFlag(text: string, flag: string): number | undefined {
  return text === '' ? undefined : durationSeconds(text, flag, ['2h', '365d']) * 1000;
}
