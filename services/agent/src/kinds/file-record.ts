// Who wrote a file last: kept beside it, so that it lives and dies with it, and an agent that starts again knows. Pure.
//   <name>.written     "writing", "written <hash>" or "edited <hash>": the SHA-256 of what weft wrote last
import { createHash } from 'node:crypto';

export type Authorship =
  /** Weft is at it: whatever is found is weft's. */
  | { readonly state: 'writing' }
  | { readonly state: 'written'; readonly content: string }
  /** It was said that a user edited it; the hash is that of weft's own. */
  | { readonly state: 'edited'; readonly hash: string };

export type Verdict =
  | { readonly kind: 'right' | 'missing' | 'stale' | 'kept' }
  /** As it should be, and not known to be weft's: a crash, or the first agent that keeps records. */
  | { readonly kind: 'unnoted' }
  /** By a user, and not yet said. */
  | { readonly kind: 'edited'; readonly hash: string }
  /** The user took the edit back. */
  | { readonly kind: 'restored'; readonly content: string };

export const recordPath = (path: string): string => `${path}.written`;

const hashOf = (content: string): string => createHash('sha256').update(content).digest('hex');

export const authorshipText = (authorship: Authorship): string => {
  switch (authorship.state) {
    case 'writing':
      return 'writing\n';
    case 'written':
      return `written ${hashOf(authorship.content)}\n`;
    case 'edited':
      return `edited ${authorship.hash}\n`;
  }
};

/**
 * What is to be done about a file.
 * @param is its content; undefined if there is none @param due what it should be @param record the record's text
 */
export const judge = (is: string | undefined, due: string, record: string | undefined): Verdict => {
  const [, state, hash] = /^(written|edited) ([0-9a-f]{64})\n$/.exec(record ?? '') ?? [];
  if (is === undefined) return { kind: 'missing' };
  if (hash === undefined) return { kind: is === due ? 'unnoted' : 'stale' };
  const isOurs = hashOf(is) === hash;
  if (state === 'edited') return isOurs || is === due ? { kind: 'restored', content: is } : { kind: 'kept' };
  if (is === due) return { kind: isOurs ? 'right' : 'unnoted' };
  return isOurs ? { kind: 'stale' } : { kind: 'edited', hash };
};
