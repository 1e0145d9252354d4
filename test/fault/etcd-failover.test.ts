// Three members, a hundred writers, and a leader that is paused, let go, killed and started again: no write that was answered
// is lost, none is done twice, and what was refused did not happen. The history tells.
import { BEFORE_ALL, etcdAccess, type Store, StoreError, type WatchBatch } from '@weft/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { brief, bytes, text } from '../conformance/store-kit.ts';
import { type EtcdCluster, startEtcd } from '../lib/etcd-server.ts';

const writers = 100;
/** Writes that must have been answered before the next thing happens. */
const between = 300;
let etcd: EtcdCluster;

beforeAll(async () => {
  etcd = await startEtcd({ members: 3, flags: ['--heartbeat-interval', '50', '--election-timeout', '500'] });
});
afterAll(() => etcd.remove());

/** A store of the same keys whose first choice is the member. */
const openAt = (url: string) =>
  etcd.open('/count/', { access: etcdAccess({ etcd: [url, ...etcd.urls.filter((one) => one !== url)] })! });

test('a hundred writers count through changes of the leader', { timeout: 120_000 }, async () => {
  const stores = await Promise.all(etcd.urls.map(openAt));
  const counting = startCounting(stores);
  const seen = readAll(stores[0]!);
  const more = () => expect.poll(counting.moreSinceAsked, { timeout: 60_000 }).toBeGreaterThan(between);
  await more();

  const paused = await etcd.leader();
  paused.kill('SIGSTOP');
  await more();
  paused.kill('SIGCONT');
  await more();

  const killed = await etcd.leader();
  killed.kill('SIGKILL');
  await more();
  await killed.start();
  await more();

  const { told, refused } = await counting.stop();
  const { revision: last } = await stores[0]!.transact([], [{ put: 'end', value: bytes('') }]);
  const done = await seen(last);
  // What was answered was done once, at the revision that was told, and in each writer's order.
  const wrong = [...told].filter(
    ([value, revision]) => done.get(value)?.length !== 1 || done.get(value)![0] !== revision,
  );
  expect(wrong).toEqual([]);
  expect([...done].filter(([, revisions]) => revisions.length > 1)).toEqual([]);
  expect(refused.filter((value) => done.has(value))).toEqual([]);
  expect(done.size).toBe(told.size);
  expect(told.size).toBeGreaterThan(5 * between);
  await Promise.all(stores.map((store) => store.close()));
});

/** Each writer puts "w n" under a key of its own without a compare: nothing but the store keeps it from being done twice. */
function startCounting(stores: readonly Store[]) {
  const told = new Map<string, bigint>();
  const refused: string[] = [];
  let isOver = false;
  let asked = 0;
  const writing = Array.from({ length: writers }, async (_, writer) => {
    const store = stores[writer % stores.length]!;
    for (let n = 0; !isOver; n++) {
      const value = `${writer} ${n}`;
      try {
        told.set(value, (await store.transact([], [{ put: `k/${writer}`, value: bytes(value) }])).revision);
      } catch (error) {
        if (!(error instanceof StoreError && error.reason === 'unavailable')) throw error;
        refused.push(value);
      }
    }
  });
  return {
    /** How many were answered since the last time that enough were. */
    moreSinceAsked(): number {
      const more = told.size - asked;
      if (more > between) asked = told.size;
      return more;
    },
    async stop() {
      isOver = true;
      await Promise.all(writing);
      return { told, refused };
    },
  };
}

/** Watches from the beginning; then tells at which revisions each value was put. */
function readAll(store: Store): (last: bigint) => Promise<Map<string, bigint[]>> {
  const abort = new AbortController();
  const batches: WatchBatch[] = [];
  let onBatch = () => {};
  const reading = (async () => {
    for await (const batch of store.watch('', BEFORE_ALL, abort.signal)) {
      if ('compacted' in batch) throw new Error(brief(batch).join());
      batches.push(batch);
      onBatch();
    }
  })();
  return async (last) => {
    await new Promise<void>((resolve) => {
      onBatch = () => {
        if ((batches.at(-1)?.revision ?? 0n) >= last) resolve();
      };
      onBatch();
    });
    abort.abort();
    await reading;
    const puts = batches.flatMap(({ revision, events }) =>
      events.flatMap((event) =>
        event.type === 'put' && event.key !== 'end' ? [[text(event.value), revision] as const] : [],
      ),
    );
    expect(batches.map(({ revision }) => revision)).toEqual(
      [...batches.map(({ revision }) => revision)].sort(byNumber),
    );
    return new Map([...Map.groupBy(puts, ([value]) => value)].map(([value, all]) => [value, all.map((one) => one[1])]));
  };
}

const byNumber = (a: bigint, b: bigint) => Number(a - b);
