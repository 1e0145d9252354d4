import { fault, Reason } from '@weft/fault';
import { hostObject } from '@weft/hoststate';
import { describe, expect, it } from 'vitest';
import { backOffMs, Entries } from './entries.ts';
import { Tickets } from './tickets.ts';

const file = (sandboxId: string, content = '') =>
  hostObject({ $case: 'file', value: { sandboxId, name: 'hosts', content } });
const bad = fault(Reason.KERNEL_REFUSED, 'no');

describe('entries', () => {
  it('an applied object said again is nothing new; changed, leaving or failed it is', () => {
    const entries = new Entries();
    const object = file('a');
    expect(entries.put(object).isNew).toBe(true);
    expect(entries.put(object).isNew).toBe(true);
    entries.succeed(object.key);
    expect(entries.put(structuredClone(object)).isNew).toBe(false);
    expect(entries.put(file('a', 'x')).isNew).toBe(true);
    entries.succeed(object.key);
    entries.leave(object.key);
    expect(entries.put(file('a', 'x')).isNew).toBe(true);
    entries.fail(object.key, bad, 0);
    expect(entries.put(file('a', 'x')).isNew).toBe(true);
  });

  it('failures back off from 1 s to 60 s, and the same one again is no news', () => {
    expect([1, 2, 3, 6, 7, 50].map(backOffMs)).toEqual([1000, 2000, 4000, 32_000, 60_000, 60_000]);
    const entries = new Entries();
    const { key } = file('a');
    entries.put(file('a'));
    expect(entries.fail(key, bad, 0)).toBe(true);
    expect(entries.fail(key, bad, 1000)).toBe(false);
    expect(entries.fail(key, fault(Reason.KERNEL_REFUSED, 'other'), 1000)).toBe(true);
    expect([entries.due(4999), entries.due(5000)]).toEqual([[], [key]]);
    expect(entries.nextRetryAt()).toBe(5000);
    entries.succeed(key);
    expect([entries.due(9e9), entries.nextRetryAt()]).toEqual([[], Infinity]);
  });

  it('a reset makes all stale that is not said again', () => {
    const entries = new Entries();
    for (const id of ['a', 'b']) {
      entries.put(file(id));
      entries.succeed(file(id).key);
    }
    entries.reset();
    entries.put(file('a'));
    expect(entries.takeStale()).toEqual([file('b').key]);
  });

  it('knows what is in a sandbox, and forgets it', () => {
    const entries = new Entries();
    entries.put(file('a'));
    expect([...entries.ofSandbox('a')]).toEqual([file('a').key]);
    entries.forget(file('a').key);
    expect([...entries.ofSandbox('a')]).toEqual([]);
    expect(entries.leave(file('a').key)).toBe(false);
  });
});

describe('tickets', () => {
  it('answer once, when all objects of a batch are tried', () => {
    const tickets = new Tickets();
    tickets.open(1, ['x', 'y'], [{ key: 'z' }]);
    tickets.open(2, ['y'], []);
    tickets.open(3, [], [{ key: 'w' }]);
    expect(tickets.closed()).toEqual([{ id: 3, outcomes: [{ key: 'w' }] }]);
    expect(tickets.settle({ key: 'y' })).toBe(true);
    expect(tickets.settle({ key: 'y' })).toBe(false);
    expect(tickets.closed()).toEqual([{ id: 2, outcomes: [{ key: 'y' }] }]);
    tickets.settle({ key: 'x' });
    expect(tickets.closed()).toEqual([{ id: 1, outcomes: [{ key: 'z' }, { key: 'y' }, { key: 'x' }] }]);
    expect(tickets.closed()).toEqual([]);
  });
});
