// An etcd that is full, whose limits are too low, that lets its history go, or that is gone: each is said, with what to do.
import { BEFORE_ALL, etcdAccess, type Revision, type Store } from '@weft/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { brief, bytes, take } from '../conformance/store-kit.ts';
import { type EtcdCluster, startEtcd } from '../lib/etcd-server.ts';

let etcd: EtcdCluster;
let store: Store;
const puts = (count: number) => Array.from({ length: count }, (_, at) => ({ put: `k/${at}`, value: bytes('v') }));

beforeAll(async () => {
  etcd = await startEtcd({ flags: ['--max-txn-ops', '64', '--quota-backend-bytes', `${8 * 1024 * 1024}`] });
  store = await etcd.open('/limits/', { waitMs: 500 });
});
afterAll(async () => {
  await store.close();
  await etcd.remove();
});

test('history goes after its time, but not behind a watch of this process', async () => {
  const other = await etcd.open('/history/', { retainMs: 100 });
  const first = await other.transact([], [{ put: 'a', value: bytes('1') }]);
  const abort = new AbortController();
  const slow = other.watch('', (first.revision - 1n) as Revision, abort.signal)[Symbol.asyncIterator]();
  expect(brief((await slow.next()).value)).toEqual(['put a=1']);
  const last = await other.transact([], [{ put: 'a', value: bytes('2') }]);
  // The watch was told of the first and has not asked on; the one from the beginning finds only what the watch may still want.
  await expect
    .poll(async () => (await take(other, '', BEFORE_ALL, 1)).map(brief))
    .toEqual([[`compacted ${first.revision}`]]);
  expect(brief((await slow.next()).value)).toEqual(['put a=2']);
  abort.abort();
  await slow.return?.();
  await expect.poll(async () => 'compacted' in (await take(other, '', first.revision, 1))[0]!).toBe(true);
  expect((await other.get('a'))?.modRevision).toBe(last.revision);
  await other.close();
});

test('a list of many pages is of one revision', async () => {
  const other = await etcd.open('/pages/');
  for (let at = 0; at < 22; at++) {
    await other.transact(
      [],
      Array.from({ length: 50 }, (_, index) => ({ put: `p/${at * 50 + index}`, value: bytes('') })),
    );
  }
  const { keyValues, revision } = await other.list('p/');
  expect(new Set(keyValues.map(({ key }) => key)).size).toBe(1100);
  expect(revision).toBe(await other.revision());
  for (const limit of [500, 700])
    expect((await other.list('p/', { limit })).keyValues).toEqual(keyValues.slice(0, limit));
  await other.close();
});

test('limits that are too low are named', async () => {
  await expect(store.transact([], puts(64))).rejects.toMatchObject({
    ...{ reason: 'invalid', message: expect.stringContaining('--max-txn-ops') },
  });
  expect((await store.transact([], puts(63))).committed).toBe(true);
});

test('a full etcd is named, reads go on, and nothing of the transaction is kept', async () => {
  const large = new Uint8Array(1_000_000);
  const fill = async (): Promise<never> => {
    for (let at = 0; ; at++) await store.transact([], [{ put: `large/${at % 3}`, value: large }]);
  };
  await expect(fill()).rejects.toMatchObject({ reason: 'full', message: expect.stringContaining(etcd.urls[0]!) });
  const before = await store.list('');
  await expect(store.transact([], [{ put: 'late', value: bytes('') }])).rejects.toMatchObject({ reason: 'full' });
  expect((await store.list('')).keyValues).toEqual(before.keyValues);
});

test('one that is gone is named, with why, and is used again when it is back', async () => {
  etcd.members[0]!.kill('SIGKILL');
  const gone = { reason: 'unavailable', message: expect.stringContaining(`${etcd.urls[0]}: `) };
  // What is under way when it dies waits until it is known; what comes then is refused.
  await expect
    .poll(() =>
      store.get('k/1').then(
        () => undefined,
        (error: unknown) => error,
      ),
    )
    .toMatchObject(gone);
  await expect(store.transact([], puts(1))).rejects.toMatchObject(gone);
  await expect(etcd.open('/other/', { waitMs: 100 })).rejects.toMatchObject(gone);
  await etcd.members[0]!.start();
  await expect.poll(() => store.get('k/1').catch(() => undefined)).toBeDefined();
});

test('over TLS it has to be who the certificate says', async () => {
  const secure = await startEtcd({ tls: true });
  const one = await secure.open('/tls/');
  expect((await one.transact([], puts(1))).committed).toBe(true);
  await one.close();
  // Trusted by nobody: the machine's own authorities do not know it.
  const access = etcdAccess({ etcd: secure.urls })!;
  await expect(secure.open('/tls/', { access, waitMs: 300 })).rejects.toMatchObject({
    ...{ reason: 'unavailable', message: expect.stringMatching(/self-signed certificate|unable to verify/) },
  });
  const plain = etcdAccess({ etcd: secure.urls.map((url) => url.replace('https', 'http')) })!;
  await expect(secure.open('/tls/', { access: plain, waitMs: 300 })).rejects.toMatchObject({ reason: 'unavailable' });
  await secure.remove();
});
