import { describe, expect, test } from 'vitest';
import { authorshipText, judge } from './file-record.ts';

const written = authorshipText({ state: 'written', content: 'old' });
const hash = written.split(' ')[1]?.trim() ?? '';
const edited = authorshipText({ state: 'edited', hash });

describe('judge', () => {
  test.each<[string | undefined, string | undefined, string]>([
    [undefined, undefined, 'missing'],
    [undefined, written, 'missing'],
    [undefined, edited, 'missing'],
    ['new', undefined, 'unnoted'],
    ['old', undefined, 'stale'],
    ['ol', 'writing\n', 'stale'],
    ['new', 'writing\n', 'unnoted'],
    ['old', written, 'stale'],
    ['new', written, 'unnoted'],
    ['mine', written, 'edited'],
    ['', written, 'edited'],
    ['mine', edited, 'kept'],
    ['old', edited, 'restored'],
    ['new', edited, 'restored'],
    ['mine', 'written nonsense', 'stale'],
  ])('%j with the record %j is %s', (is, record, kind) => {
    expect(judge(is, 'new', record).kind).toBe(kind);
  });

  test('what is right and known to be', () => {
    expect(judge('new', 'new', authorshipText({ state: 'written', content: 'new' }))).toEqual({ kind: 'right' });
  });
});
