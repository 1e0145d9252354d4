import { expect, test } from 'vitest';
import { Members } from './members.ts';

const at = (networkId: string, hostId: string) => ({ networkId, hostId });

test('the first and the last endpoint of a host change the network\u2019s hosts, no other does', () => {
  const members = new Members();
  expect(members.set('a', at('web', 'h1'))).toEqual(['web']);
  expect(members.set('a', at('web', 'h1'))).toEqual([]);
  expect(members.set('b', at('web', 'h1'))).toEqual([]);
  expect(members.set('c', at('web', 'h2'))).toEqual(['web']);
  expect([members.has('web', 'h1'), members.has('web', 'h2'), members.has('web', 'h3')]).toEqual([true, true, false]);
  expect(members.set('a', undefined)).toEqual([]);
  expect(members.set('b', at('back', 'h1'))).toEqual(['back', 'web']);
  expect(members.has('web', 'h1')).toBe(false);
  expect(members.set('never', undefined)).toEqual([]);
});
