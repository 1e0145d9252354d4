import { type HostObject, hostObject } from '@weft/hoststate';
import { expect, test } from 'vitest';
import { HostTable } from './host-table.ts';

const sysctl = (key: string, value = '1'): HostObject => hostObject({ $case: 'sysctl', value: { key, value } });
const set = (table: HostTable, revision: bigint, wants: Record<string, HostObject[]>) =>
  table.set(revision, new Map(Object.entries(wants)));
const keys = (objects: readonly { key: string }[]) => objects.map((one) => one.key);

test('an object that two items want goes with the second', () => {
  const table = new HostTable(0n);
  set(table, 1n, { 'network/a': [sysctl('net.x')], 'network/b': [sysctl('net.x')] });
  set(table, 2n, { 'network/a': [] });
  expect(keys(table.objects())).toEqual(['sysctl/net.x']);
  expect(table.changesAfter(1n)).toEqual([]);
  set(table, 3n, { 'network/b': [] });
  expect(table.objects()).toEqual([]);
  expect(table.changesAfter(1n)).toEqual([{ revision: 3n, puts: [], deletes: ['sysctl/net.x'] }]);
});

test('an object that moves from one item to another in one step is not told', () => {
  const table = new HostTable(0n);
  set(table, 1n, { a: [sysctl('net.x')] });
  set(table, 2n, { a: [], b: [sysctl('net.x')] });
  expect(table.changesAfter(1n)).toEqual([]);
  expect([...table.owners('sysctl/net.x')]).toEqual(['b']);
});

test('what is the same is not told again, what differs is', () => {
  const table = new HostTable(0n);
  set(table, 1n, { a: [sysctl('net.x')] });
  set(table, 2n, { a: [sysctl('net.x')] });
  set(table, 3n, { a: [sysctl('net.x', '0')] });
  expect(table.changesAfter(0n).map((change) => [change.revision, keys(change.puts)])).toEqual([
    [1n, ['sysctl/net.x']],
    [3n, ['sysctl/net.x']],
  ]);
});

test('a watcher resumes from what the log still holds, not from before and not from the future', () => {
  const table = new HostTable(10n);
  expect([table.canResume(9n), table.canResume(10n), table.canResume(11n)]).toEqual([false, true, false]);
  for (let revision = 11n; revision < 3000n; revision++)
    set(table, revision, { a: [sysctl('net.x', String(revision))] });
  expect(table.canResume(11n)).toBe(false);
  expect(table.canResume(2990n)).toBe(true);
  expect(table.changesAfter(2990n)).toHaveLength(9);
});
