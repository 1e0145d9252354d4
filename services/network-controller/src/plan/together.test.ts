import { expect, test } from 'vitest';
import { together } from './together.ts';

const options = { atOnce: 200, mayDiffer: () => false };

test('what is asked in one breath is one call, and each has his own answer', async () => {
  const calls: number[][] = [];
  const ask = together(async (questions: number[]) => {
    calls.push(questions);
    return questions.map((one) => one * 2);
  }, options);
  expect(await Promise.all([ask(1), ask(2), ask(3)])).toEqual([2, 4, 6]);
  expect(await ask(4)).toBe(8);
  expect(calls).toEqual([[1, 2, 3], [4]]);
});

test('many are asked in several calls', async () => {
  const sizes: number[] = [];
  const ask = together(async (questions: number[]) => {
    sizes.push(questions.length);
    return questions;
  }, options);
  const all = Array.from({ length: 450 }, (_, at) => at);
  expect(await Promise.all(all.map(ask))).toEqual(all);
  expect(sizes).toEqual([200, 200, 50]);
});

test('a call that fails fails each who asked in it, and no later one', async () => {
  let isAway = true;
  let calls = 0;
  const ask = together(async (questions: number[]) => {
    calls++;
    if (isAway) throw new Error('away');
    return questions;
  }, options);
  const failed = await Promise.allSettled([ask(1), ask(2)]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(calls).toBe(1);
  isAway = false;
  expect(await ask(3)).toBe(3);
});

test('one that fails the call for all is found, and the others are answered', async () => {
  const ask = together(
    async (questions: number[]) => {
      if (questions.includes(7)) throw new Error('not 7');
      return questions;
    },
    { ...options, mayDiffer: () => true },
  );
  const all = await Promise.allSettled(Array.from({ length: 20 }, (_, at) => ask(at)));
  expect(all.flatMap(({ status }, at) => (status === 'rejected' ? [at] : []))).toEqual([7]);
});
