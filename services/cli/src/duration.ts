// Lengths of time as people type them. Pure.
import { fault, Reason } from '@weft/fault';

const unitSeconds: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1 };

/** "2h30m" in seconds. @param most days it may be. @throws INVALID_VALUE */
export function durationSeconds(text: string, flag: string, most: number): number {
  if (!/^(\d{1,9}[dhms])+$/.test(text)) {
    throw fault(Reason.INVALID_VALUE, `${flag}: "${text}" is no duration such as 30m, 1h or 2h30m`, {
      field: '--ttl',
    });
  }
  const parts = [...text.matchAll(/(\d+)([dhms])/g)];
  const seconds = parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitSeconds[unit] ?? 0), 0);
  if (seconds >= 1 && seconds <= most * 86_400) return seconds;
  throw fault(Reason.INVALID_VALUE, `${flag}: "${text}" is not from 1s to ${most}d`, { field: '--ttl' });
}
