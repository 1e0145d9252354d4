import { Sandbox, ServiceSpec } from '@weft/proto/model';
import { expect, test } from 'vitest';
import { firstLabel, weightOf } from './backends.ts';

const id = 'ab'.repeat(32);
const sandbox = (labels: Record<string, string> = {}) => Sandbox.fromPartial({ id, spec: { name: 'a', labels } });
const labels = { app: 'shop', tier: 'front' };

test.each<[string, object, Record<string, string>, number | undefined]>([
  ['nothing names it', {}, labels, undefined],
  ['by name', { backends: [{ sandbox: 'a' }] }, {}, 1],
  ['by its id', { backends: [{ sandbox: id, weight: 7 }] }, {}, 7],
  ['another name', { backends: [{ sandbox: 'A' }] }, {}, undefined],
  ['a prefix of its id is a name alone', { backends: [{ sandbox: id.slice(0, 12) }] }, {}, undefined],
  ['by all labels', { selector: labels }, { ...labels, more: 'x' }, 1],
  ['not by some', { selector: labels }, { app: 'shop' }, undefined],
  ['not by another value', { selector: labels }, { ...labels, tier: 'back' }, undefined],
  ['its label says its weight', { selector: labels }, { ...labels, 'weft.weight': '5' }, 5],
  ['one that is none counts as 1', { selector: labels }, { ...labels, 'weft.weight': '101' }, 1],
  ['words count as 1', { selector: labels }, { ...labels, 'weft.weight': 'heavy' }, 1],
  [
    'its name is before its labels',
    { backends: [{ sandbox: 'a', weight: 3 }], selector: labels },
    { ...labels, 'weft.weight': '5' },
    3,
  ],
])('%s', (_, spec, has, weight) => {
  expect(weightOf(ServiceSpec.fromPartial(spec), sandbox(has))).toBe(weight);
});

test('a selector is found by the same label, whatever the order it was written in', () => {
  expect(firstLabel({ tier: 'x', app: 'y' })).toBe('app=y');
  expect(firstLabel({})).toBeUndefined();
});
