import { type HostObject, hostObject } from '@weft/hoststate';
import { expect, it } from 'vitest';
import { putsOf } from './puts.ts';

const file = hostObject({ $case: 'file', value: { sandboxId: 's', name: 'hosts', content: '' } });
const sandboxes = Array.from(
  { length: 401 },
  (_, at): HostObject => hostObject({ $case: 'sandbox', value: { sandboxId: `s${at}`, namespace: undefined } }),
);
const shown = (takesMany: boolean, objects: readonly HostObject[]) =>
  [...putsOf(objects, takesMany)].map(({ step }) =>
    step?.$case === 'puts' ? step.value.objects.length : step?.$case === 'put' ? step.value.key : '',
  );

it('sends small objects together to who takes them so, and no other', () => {
  expect(shown(true, [...sandboxes, file])).toEqual([file.key, 200, 200, sandboxes[400]?.key]);
  expect(shown(false, [...sandboxes.slice(0, 2), file])).toEqual(['sandbox/s0', 'sandbox/s1', file.key]);
});
