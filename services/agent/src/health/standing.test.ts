import { expect, it } from 'vitest';
import { afterAnswer, UP } from './standing.ts';

const stand = (answers: string, pace = { rise: 2, fall: 3 }): string => {
  let standing = UP;
  return [...answers]
    .map((answer) => {
      standing = afterAnswer(standing, answer === '+' ? undefined : 'no', pace);
      return standing.healthy ? 'u' : 'd';
    })
    .join('');
};

it('so many in a row, not so many in all', () => {
  expect(stand('--+---')).toBe('uuuuud');
  expect(stand('---+-++-')).toBe('uudddduu');
  expect(stand('-', { rise: 1, fall: 1 })).toBe('d');
});
