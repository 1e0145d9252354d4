// The log: one JSON line a fact on standard error, by pino. Parts get a Log and never make one.
import { type Logger, pino } from 'pino';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child'>;

/** A log for the part of this name; WEFT_LOG sets the level (debug, info, warn, error, silent). */
export function createLog(part: string): Log {
  return pino({ base: { part }, level: process.env['WEFT_LOG'] ?? 'info' }, pino.destination({ dest: 2, sync: true }));
}
