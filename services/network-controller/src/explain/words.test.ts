import { expect, test } from 'vitest';
import { unknownRules } from './words.ts';

test('the setting behind every rule is known', () => expect(unknownRules()).toEqual([]));
