import { expect, it } from 'vitest';
import { Learnt } from './learnt.ts';

it('counts characters, not texts, and forgets all but the latest when there are too many', () => {
  const learnt = new Learnt(20);
  learnt.add(new Map([['a', '12345']]));
  learnt.add(new Map([['a', '123']]));
  learnt.add(new Map([['b', '1234567890']]));
  expect([learnt.size, learnt.get('a')]).toEqual([15, '123']);
  learnt.add(new Map([['c', '12345']]));
  expect([learnt.size, learnt.get('a'), learnt.get('b'), learnt.get('c')]).toEqual([6, undefined, undefined, '12345']);
  learnt.add(new Map([['d', 'x'.repeat(100)]]));
  expect([learnt.size, learnt.get('c'), learnt.get('d')?.length]).toEqual([101, undefined, 100]);
});
