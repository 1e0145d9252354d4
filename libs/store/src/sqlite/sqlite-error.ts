// SQLite's result codes as StoreErrors that name the file and the way out.
import { StoreError, type StoreErrorReason } from '../store-error.ts';

/** Primary result codes (sqlite.org/rescode.html); the extended ones carry these in their low byte. */
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

const REASONS: ReadonlyMap<number, readonly [StoreErrorReason, string]> = new Map([
  [BUSY, ['locked', 'another process has it']],
  [READONLY, ['failed', 'it cannot be written: check its permissions and mount']],
  [IOERR, ['failed', 'the disk failed: check it, then start again']],
  [CORRUPT, ['corrupt', 'it is damaged: import an export into a new file, or move this one away']],
  [FULL, ['full', 'no space is left: free some and try again']],
  [CANTOPEN, ['failed', 'it cannot be opened: check that the directory exists and may be written']],
  [NOTADB, ['corrupt', 'it is not a SQLite database: move it away']],
] as const);

/** A StoreError for anything that SQLite threw; errors that are not SQLite's pass through. */
export function storeErrorOf(cause: unknown, file: string): unknown {
  if (cause instanceof StoreError || !isSqliteError(cause)) return cause;
  const [reason, text] = REASONS.get(cause.errcode & 0xff) ?? ['failed', 'SQLite refused'];
  return new StoreError(reason, `store ${file}: ${text} (SQLite ${cause.errcode}: ${cause.errstr})`, { cause });
}

/** After these nothing more may be written: what the file holds is unknown until it is opened again. */
export function isFatal(error: unknown): error is StoreError {
  return error instanceof StoreError && (error.reason === 'failed' || error.reason === 'corrupt');
}

function isSqliteError(cause: unknown): cause is Error & { errcode: number; errstr: string } {
  return cause instanceof Error && 'errcode' in cause && typeof cause.errcode === 'number' && 'errstr' in cause;
}
