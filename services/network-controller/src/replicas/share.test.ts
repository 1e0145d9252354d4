// How far hosts are, from one replica to the other: what is said to one is known at both, and nothing goes on by itself after that.
import { Reason } from '@weft/fault';
import { createLog } from '@weft/process';
import { openSqliteStore, type Store } from '@weft/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HostTable } from '../plan/host-table.ts';
import type { Planner } from '../plan/planner.ts';
import { Progress } from '../plan/progress.ts';
import { openLedger } from '../state/ledger.ts';
import { openRegistry } from './registry.ts';
import { startShare } from './share.ts';

const host = 'ab'.repeat(32);
const never = new AbortController().signal;
const fault = { reason: Reason.KERNEL_REFUSED, message: 'no', metadata: {} };
let store: Store;
let stops: (() => Promise<void>)[];
const log = createLog('test');

beforeEach(() => {
  store = openSqliteStore({ file: ':memory:' });
  stops = [];
});
afterEach(async () => {
  for (const stop of stops) await stop();
  await store.close();
});

async function replica(id: string) {
  const ledger = await openLedger({ ...store, isShared: true, close: async () => {} }, () => 0);
  const registry = await openRegistry({ ledger, id, address: '', started: new Date(0), log });
  const progress = new Progress();
  const table = new HostTable(5n);
  const planner: Pick<Planner, 'planned' | 'table'> = { planned: () => Promise.resolve(), table: () => table };
  const share = startShare(ledger.view, registry, progress, planner as Planner);
  stops.push(async () => {
    share.close();
    await registry.close();
    await ledger.close();
  });
  return { ledger, registry, progress, share, table };
}

it('alone nothing is written of it; what was said before another came is told when it comes', async () => {
  const a = await replica('a');
  a.share.connected(host);
  a.progress.fail(host, 'bridge/x', fault);
  a.progress.advance(host, 7n);
  await a.registry.caughtUp();
  expect((await store.list('seen/')).keyValues).toEqual([]);
  const b = await replica('b');
  expect(await b.progress.until(host, 7n, never)).toBe(true);
  expect([...b.progress.failing(host).keys()]).toEqual(['bridge/x']);
  expect([a.registry.isOldest(), b.registry.isOldest(), b.registry.hasOthers()]).toEqual([true, false, true]);
});

it('one that waits for more than the host was told asks for it; then all is still', async () => {
  const a = await replica('a');
  const b = await replica('b');
  a.share.connected(host);
  a.progress.advance(host, 5n);
  const reached = new Promise<void>((resolve) => void a.table.onChange(resolve));
  const waiting = b.progress.until(host, 9n, never);
  await reached;
  expect(a.table.revision).toBe(9n);
  a.progress.advance(host, 9n);
  expect(await waiting).toBe(true);
  const { revision } = await store.list('');
  await a.registry.caughtUp();
  await b.registry.caughtUp();
  expect((await store.list('')).revision).toBe(revision + 2n);
});

it('a host that goes to another is what it says there, whatever it said before', async () => {
  const a = await replica('a');
  const b = await replica('b');
  const leave = a.share.connected(host);
  a.progress.fail(host, 'bridge/x', fault);
  a.progress.advance(host, 7n);
  expect(await b.progress.until(host, 7n, never)).toBe(true);
  leave();
  b.share.connected(host);
  b.progress.reset(host);
  b.progress.advance(host, 7n);
  expect(b.progress.failing(host).size).toBe(0);
  expect(await a.progress.until(host, 7n, never)).toBe(true);
  b.progress.advance(host, 8n);
  expect(await a.progress.until(host, 8n, never)).toBe(true);
  expect([a.progress.failing(host).size, [...a.ledger.view.replicas.placesOf(host)]]).toEqual([0, ['b']]);
});

it('who waits for a host that is removed waits no more', async () => {
  const { progress } = await replica('a');
  const waiting = progress.until(host, 7n, never);
  progress.forget(host);
  expect(await waiting).toBe(false);
});
