import { digestOf, type HostObject, hostObject } from '@weft/hoststate';
import { expect, test } from 'vitest';
import { HostTable } from './host-table.ts';

const sysctl = (key: string, value = '1'): HostObject => hostObject({ $case: 'sysctl', value: { key, value } });
const set = (table: HostTable, revision: bigint, wants: Record<string, HostObject[]>) =>
  table.set(revision, new Map(Object.entries(wants)));
/** What a watcher that comes back is told. */
const after = (table: HostTable, since: bigint) => table.changesFrom(table.resume(since) ?? -1) ?? [];
const keys = (objects: readonly { key: string }[]) => objects.map((one) => one.key);

test('an object that two items want goes with the second', () => {
  const table = new HostTable(0n);
  set(table, 1n, { 'network/a': [sysctl('net.x')], 'network/b': [sysctl('net.x')] });
  set(table, 2n, { 'network/a': [] });
  expect(keys(table.objects())).toEqual(['sysctl/net.x']);
  expect(after(table, 1n)).toEqual([]);
  set(table, 3n, { 'network/b': [] });
  expect(table.objects()).toEqual([]);
  expect(after(table, 1n)).toMatchObject([{ revision: 3n, puts: [], deletes: ['sysctl/net.x'], isLate: false }]);
});

test('an object that moves from one item to another in one step is not told', () => {
  const table = new HostTable(0n);
  set(table, 1n, { a: [sysctl('net.x')] });
  set(table, 2n, { a: [], b: [sysctl('net.x')] });
  expect(after(table, 1n)).toEqual([]);
  expect([...table.owners('sysctl/net.x')]).toEqual(['b']);
});

test('what is the same is not told again, what differs is', () => {
  const table = new HostTable(0n);
  set(table, 1n, { a: [sysctl('net.x')] });
  set(table, 2n, { a: [sysctl('net.x')] });
  set(table, 3n, { a: [sysctl('net.x', '0')] });
  expect(after(table, 0n).map((change) => [change.revision, keys(change.puts)])).toEqual([
    [1n, ['sysctl/net.x']],
    [3n, ['sysctl/net.x']],
  ]);
});

test('a watcher resumes from what the log still holds, not from before and not from the future', () => {
  const table = new HostTable(10n);
  expect([table.resume(9n) !== undefined, table.resume(10n) !== undefined, table.resume(11n) !== undefined]).toEqual([
    false,
    true,
    false,
  ]);
  for (let revision = 11n; revision < 3000n; revision++)
    set(table, revision, { a: [sysctl('net.x', String(revision))] });
  expect(table.resume(11n) !== undefined).toBe(false);
  expect(table.resume(2990n) !== undefined).toBe(true);
  expect(after(table, 2990n)).toHaveLength(9);
});

test('what could be compiled only later is told, though no revision came between', () => {
  const table = new HostTable(5n);
  set(table, 5n, { a: [sysctl('net.x')] });
  const told = table.end;
  expect(after(table, 5n)).toEqual([]);
  set(table, 5n, { b: [sysctl('net.y')] });
  expect(table.changesFrom(told)?.map(({ puts }) => keys(puts))).toEqual([['sysctl/net.y']]);
  expect(after(table, 5n).map(({ puts }) => keys(puts))).toEqual([['sysctl/net.y']]);
});

test('the log is bounded by objects, too, and holds the latest change whatever its size', () => {
  const table = new HostTable(0n);
  const many = (value: string) => Array.from({ length: 10_000 }, (_, at) => sysctl(`net.x${at}`, value));
  for (let revision = 1n; revision <= 20n; revision++) set(table, revision, { a: many(String(revision)) });
  expect([table.resume(5n), after(table, 19n).length]).toEqual([undefined, 1]);
});

const neighbour = (mac: string, remote: string): HostObject =>
  hostObject({ $case: 'neighbour', value: { vxlan: 'vx-1', macAddress: mac, addresses: [], remote } });

test('an object of one record is told, changed and withdrawn, and its owner is known whenever it is asked', () => {
  const table = new HostTable(0n);
  set(table, 1n, { 'endpoint/a': [neighbour('02:42:00:00:00:01', '10.0.0.1'), sysctl('net.x')] });
  expect([...table.owners('neighbour/vx-1/02:42:00:00:00:01')]).toEqual(['endpoint/a']);
  set(table, 2n, { 'endpoint/a': [neighbour('02:42:00:00:00:01', '10.0.0.2')], 'endpoint/b': [sysctl('net.y')] });
  expect(after(table, 1n).map(({ puts, deletes }) => [keys(puts), deletes])).toEqual([
    [['sysctl/net.y', 'neighbour/vx-1/02:42:00:00:00:01'], ['sysctl/net.x']],
  ]);
  set(table, 3n, { 'endpoint/a': [], 'endpoint/c': [neighbour('02:42:00:00:00:01', '10.0.0.3')] });
  expect(after(table, 2n).map(({ puts, deletes }) => [keys(puts), deletes])).toEqual([
    [['neighbour/vx-1/02:42:00:00:00:01'], []],
  ]);
  expect([...table.owners('neighbour/vx-1/02:42:00:00:00:01')]).toEqual(['endpoint/c']);
  expect(table.object('neighbour/vx-1/02:42:00:00:00:01')?.spec?.value).toMatchObject({ remote: '10.0.0.3' });
  expect(keys(table.objects()).sort()).toEqual(['neighbour/vx-1/02:42:00:00:00:01', 'sysctl/net.y']);
});

test('what a table is filled with is in no log, and what comes after is', () => {
  const table = new HostTable(5n);
  table.fill(7n, new Map([['a', [sysctl('net.x')]]]));
  expect([table.resume(5n), after(table, 7n)]).toEqual([undefined, []]);
  set(table, 8n, { b: [sysctl('net.y')] });
  expect(after(table, 7n).map(({ puts }) => keys(puts))).toEqual([['sysctl/net.y']]);
});

test('its digest is that of its objects, whoever wants them', () => {
  const table = new HostTable(0n);
  const file = hostObject({ $case: 'file', value: { sandboxId: 's', name: 'hosts', content: 'x' } });
  set(table, 1n, { a: [sysctl('net.x'), file], b: [sysctl('net.x')] });
  expect(table.digest()).toEqual(digestOf([sysctl('net.x'), file]));
  set(table, 2n, { a: [] });
  expect(table.digest()).toEqual(digestOf([sysctl('net.x')]));
});
