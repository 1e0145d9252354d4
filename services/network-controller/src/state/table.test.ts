import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeysIndex, Table } from './table.ts';

test('an index says what a look at all records says, whatever comes and goes', () => {
  const id = fc.constantFrom('a', 'b', 'c');
  const keys = fc.uniqueArray(fc.constantFrom('x', 'y', 'z'));
  const step = fc.record({ id, keys: fc.option(keys) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const index = new KeysIndex<readonly string[]>((value) => value);
      const table = new Table<readonly string[]>(index);
      for (const { id, keys } of steps) {
        if (keys === null) table.delete(id);
        else table.put(id, { value: keys, revision: 1n as never });
        for (const key of ['x', 'y', 'z']) {
          const having = [...table.ids()].filter((one) => table.get(one)?.value.includes(key));
          expect([...index.ids(key)].sort()).toEqual(having.sort());
        }
      }
    }),
  );
});
