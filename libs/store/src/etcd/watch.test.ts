import { Event_EventType, WatchResponse } from '@weft/proto/etcd';
import { expect, it } from 'vitest';
import type { Revision } from '../store.ts';
import { layoutOf } from './layout.ts';
import { createFold } from './watch.ts';

const layout = layoutOf('/t/');
const put = (key: string, revision: bigint) => ({
  type: Event_EventType.PUT,
  kv: { key: layout.key(key), value: Buffer.from('v'), modRevision: revision, createRevision: revision },
});
const response = (fragment: boolean, ...events: ReturnType<typeof put>[]) =>
  WatchResponse.fromPartial({ fragment, events });
const fold = (from: bigint, ...responses: WatchResponse[]) => {
  const one = createFold(layout, from as Revision);
  return responses.map((each) => one(each).map(({ revision, events }) => [revision, events.map(({ key }) => key)]));
};

it('tells each revision once, whole and in order', () => {
  expect(fold(0n, response(false, put('a', 2n), put('b', 2n), put('a', 5n)))).toEqual([
    [
      [2n, ['a', 'b']],
      [5n, ['a']],
    ],
  ]);
});

it('tells nothing of a revision that is still coming in parts', () => {
  expect(
    fold(0n, response(true, put('a', 2n), put('b', 3n)), response(true, put('c', 3n)), response(false, put('d', 3n))),
  ).toEqual([
    ...[[], []],
    [
      [2n, ['a']],
      [3n, ['b', 'c', 'd']],
    ],
  ]);
});

it('leaves out what is known', () => {
  expect(fold(3n, response(false, put('a', 3n), put('b', 4n)))).toEqual([[[4n, ['b']]]]);
});
