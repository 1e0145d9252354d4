import { expect, test } from 'vitest';
import { inLanes } from './lanes.ts';

test('each job runs once, and a batch begins while the one before is waited for', async () => {
  const begun: number[] = [];
  const answers: (() => void)[] = [];
  const jobs = Array.from({ length: 1_700 }, (_, at) => async () => {
    begun.push(at);
    await new Promise<void>((resolve) => answers.push(resolve));
  });
  const all = inLanes(jobs);
  expect(begun).toHaveLength(1_000);
  for (const answer of answers.splice(0, 500)) answer();
  await expect.poll(() => begun.length).toBe(1_500);
  for (const answer of answers.splice(0)) answer();
  await expect.poll(() => begun.length).toBe(1_700);
  for (const answer of answers.splice(0)) answer();
  await all;
  expect(begun).toEqual(jobs.map((_, at) => at));
});

test('what a job throws is thrown', async () => {
  await expect(inLanes([async () => undefined, () => Promise.reject(new Error('no'))])).rejects.toThrow('no');
});
