import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Heap } from './heap.ts';

it('always shows the least valid item', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(50), fc.constant('drop' as const)), { maxLength: 300 }), (steps) => {
      const valid = new Set<number>();
      const heap = new Heap<number>(
        (a, b) => a < b,
        (item) => valid.has(item),
      );
      for (const step of steps) {
        const least = valid.size === 0 ? undefined : Math.min(...valid);
        expect(heap.peek()).toBe(least);
        if (step === 'drop') valid.delete(least ?? -1);
        else {
          valid.add(step);
          heap.push(step);
        }
      }
    }),
  );
});

it('does not grow by items that became void', () => {
  const orders = new Map<string, number>();
  const heap = new Heap<{ key: string; order: number }>(
    (a, b) => a.order < b.order,
    ({ key, order }) => orders.get(key) === order,
  );
  // `first` stays on top, so that nothing below it is ever met.
  orders.set('first', 0);
  heap.push({ key: 'first', order: 0 });
  for (let order = 1; order <= 10_000; order++) {
    orders.set('again', order);
    heap.push({ key: 'again', order });
  }
  expect(heap.size).toBeLessThanOrEqual(65);
  orders.delete('first');
  expect(heap.peek()).toEqual({ key: 'again', order: 10_000 });
});
