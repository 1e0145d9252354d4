// What a key may be, and where the keys of a prefix end. Pure.
// Keys are ordered by their UTF-8 bytes, as etcd and SQLite compare them; JavaScript's `<` orders some otherwise.
import { LIMITS } from './store.ts';
import { StoreError } from './store-error.ts';

const MAX_CODE_POINT = 0x10ffff;
const SURROGATES_FIRST = 0xd800;
const SURROGATES_END = 0xe000;

/** Throws `invalid` unless the key is non-empty, well-formed Unicode without NUL of at most `LIMITS.keyBytes`. */
export function checkKey(key: string): void {
  if (key === '') throw new StoreError('invalid', 'a key may not be empty');
  checkPrefix(key);
}

/** As `checkKey`, but empty is all keys. */
export function checkPrefix(prefix: string): void {
  const trouble = prefix.includes('\0')
    ? 'contains NUL'
    : !prefix.isWellFormed()
      ? 'is not well-formed Unicode'
      : Buffer.byteLength(prefix) > LIMITS.keyBytes
        ? `is longer than ${LIMITS.keyBytes} bytes`
        : undefined;
  if (trouble) throw new StoreError('invalid', `the key ${JSON.stringify(prefix.slice(0, 80))} ${trouble}`);
}

/** The first string after all that start with the prefix; undefined when there is none. */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0)!);
  while (points.length > 0) {
    const last = points.pop()!;
    if (last === MAX_CODE_POINT) continue;
    const next = last + 1 === SURROGATES_FIRST ? SURROGATES_END : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}

export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
