import { type HostObject, hostObject } from '@weft/hoststate';
import { expect, it } from 'vitest';
import type { Wants } from './dirty.ts';
import { Told } from './told.ts';

const object: HostObject = hostObject({ $case: 'file', value: { sandboxId: 's', name: 'hosts', content: '' } });
const told = (wants: Wants) =>
  [...wants]
    .flatMap(([host, items]) => [...items].map(([item, objects]) => `${host} ${item} ${objects.length}`))
    .sort();

it('those who are told the same share a set, and a change of one is no change of another', () => {
  const some = new Told();
  const hosts = new Set(['a', 'b']);
  const wants: Wants = new Map();
  for (const item of ['one', 'two']) some.all(wants, item, hosts, () => [object]);
  expect(some.of('one')).toBe(some.of('two'));
  some.want(wants, 'a', 'one', []);
  some.want(wants, 'c', 'two', [object]);
  expect([[...some.of('one')], [...some.of('two')], [...hosts]]).toEqual([['b'], ['a', 'b', 'c'], ['a', 'b']]);
});

it('who is not to have it any more is told to forget it, and who never had it is told nothing', () => {
  const some = new Told();
  some.all(new Map(), 'one', new Set(['a', 'b']), () => [object]);
  const wants: Wants = new Map();
  some.all(wants, 'one', new Set(['b', 'c', 'd']), (host) => (host === 'd' ? [] : [object]));
  expect(told(wants)).toEqual(['a one 0', 'b one 1', 'c one 1']);
  expect([...some.of('one')]).toEqual(['b', 'c']);
  const last: Wants = new Map();
  some.all(last, 'one', new Set(['b']), () => []);
  expect([told(last), some.of('one').size]).toEqual([['b one 0', 'c one 0'], 0]);
});
