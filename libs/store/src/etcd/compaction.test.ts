import { expect, it } from 'vitest';
import type { Revision } from '../store.ts';
import { mayForget } from './compaction.ts';

const revision = (value: number) => BigInt(value) as Revision;
const samples = [
  { atMs: 0, revision: revision(10) },
  { atMs: 100, revision: revision(20) },
  { atMs: 200, revision: revision(30) },
];

it.each([
  ['nothing before the time has passed', 99, 100, [], undefined],
  ['what is older, to the last look before', 150, 100, [], 10],
  ['exactly that old', 200, 100, [], 20],
  ['nothing behind a watch', 1000, 100, [25, 15], 15],
  ['not more for a watch that is far ahead', 250, 100, [99], 20],
  ['nothing without looks', 50, 100, [], undefined],
] as const)('forgets %s', (_, nowMs, retainMs, cursors, upTo) => {
  const forgotten = mayForget(samples, nowMs, retainMs, cursors.map(revision));
  expect(forgotten).toBe(upTo === undefined ? undefined : revision(upTo));
});
