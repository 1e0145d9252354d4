import { expect, it } from 'vitest';
import { Rounds } from './rounds.ts';

function waited() {
  const rounds = new Rounds();
  const done: string[] = [];
  const wait = (name: string, revision: bigint, isMore: boolean) =>
    void rounds.until(revision, isMore).then(() => done.push(name));
  const settled = async () => {
    await new Promise(setImmediate);
    return done.splice(0);
  };
  return { rounds, wait, done: settled };
}

it('ends a wait with the round that has what was there, though the next one begins', async () => {
  const { rounds, wait, done } = waited();
  rounds.begin(5n);
  wait('running', 5n, false);
  wait('more', 5n, true);
  wait('later', 6n, true);
  rounds.end();
  expect(await done()).toEqual(['running']);
  rounds.begin(6n);
  wait('running', 6n, false);
  rounds.end();
  expect(await done()).toEqual(['more', 'later', 'running']);
});

it('ends all waits of what is planned when nothing is left', async () => {
  const { rounds, wait, done } = waited();
  rounds.begin(5n);
  wait('more', 5n, true);
  wait('not yet', 9n, true);
  rounds.end();
  rounds.rest();
  expect(await done()).toEqual(['more']);
  expect([rounds.isPlanned(5n), rounds.isPlanned(6n)]).toEqual([true, false]);
});
