// "--since 42", "--since 2026-01-02T03:04:05Z", "--since 10m": a revision or a time. Pure.
import { fault, Reason } from '@weft/fault';

export type Moment = { readonly revision: bigint } | { readonly time: Date };

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Go's duration in ms: "1h30m", "1.5s". */
function durationMs(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, count, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g))
    sum += Number(count) * (unitMs[unit ?? ''] ?? 0);
  return sum;
}

/**
 * A number is a revision, @NUMBER seconds since 1970, a duration that long ago; dates are UTC unless they say otherwise.
 * @throws INVALID_VALUE
 */
export function parseMoment(text: string, flag: string, now: Date): Moment | undefined {
  if (text === '') return undefined;
  if (/^\d{1,19}$/.test(text)) return { revision: BigInt(text) };
  const seconds = /^@(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  if (seconds !== undefined) return { time: new Date(Number(seconds) * 1_000) };
  const ago = durationMs(text);
  if (ago !== undefined) return { time: new Date(now.getTime() - ago) };
  const zoned = /^\d{4}-\d{2}-\d{2}T[\d:.]+$/.test(text) ? `${text}Z` : text;
  const time = new Date(zoned);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(time.getTime())) {
    throw fault(Reason.INVALID_VALUE, `${flag} "${text}" is neither a revision nor a time`, { field: flag });
  }
  return { time };
}
