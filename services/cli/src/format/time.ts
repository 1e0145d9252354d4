// Times as Go prints them. Pure.

const trimmed = (date: Date): string => date.toISOString().replace(/\.?0*Z$/, '');
const zero = '0001-01-01T00:00:00';

/** RFC 3339 with as many digits of a second as are needed. */
export function rfc3339(date: Date | undefined): string {
  return `${date === undefined ? zero : trimmed(date)}Z`;
}

/** RFC 3339 with nine digits, as the lines of `docker events` begin. */
export function rfc3339Nano(date: Date | undefined): string {
  return date === undefined ? `${zero}.000000000Z` : date.toISOString().replace(/Z$/, '000000Z');
}

/** "2026-01-02 03:04:05.5 +0000 UTC". */
export function goTime(date: Date | undefined): string {
  return `${(date === undefined ? zero : trimmed(date)).replace('T', ' ')} +0000 UTC`;
}
