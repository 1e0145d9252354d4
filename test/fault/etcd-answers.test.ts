// Answers of etcd that do not come: what happened is found out, what did not happen never will, what cannot be known is
// said to be so. One etcd, reached over a link that is cut and, when that is left, over another.
import { BEFORE_ALL, etcdAccess, type Store } from '@weft/store';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { brief, bytes, take, text } from '../conformance/store-kit.ts';
import { type EtcdCluster, startEtcd } from '../lib/etcd-server.ts';
import { startProxy, type TcpProxy } from '../lib/tcp-proxy.ts';

let etcd: EtcdCluster;
let proxy: TcpProxy;
/** The other link. */
let bypass: TcpProxy;
/** Goes by the link as long as that answers. */
let store: Store;
/** Goes directly. */
let other: Store;
let count = 0;

beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd.remove());
beforeEach(async () => {
  const port = Number(new URL(etcd.urls[0]!).port);
  [proxy, bypass] = await Promise.all([startProxy(port), startProxy(port)]);
  const root = `/answers/${count++}/`;
  other = await etcd.open(root);
  // Until it has chosen the first link the other one is mute.
  bypass.hold('down');
  const urls = [proxy, bypass].map((link) => `http://127.0.0.1:${link.port}`);
  store = await etcd.open(root, { access: etcdAccess({ etcd: urls })! });
  bypass.release();
  await store.transact([], [{ put: 'k', value: bytes('first') }]);
});
afterEach(async () => {
  await Promise.all([store.close(), other.close()]);
  await Promise.all([proxy.close(), bypass.close()]);
});

const history = async (items: number) => (await take(other, '', BEFORE_ALL, items)).flatMap(brief);

test('a transaction whose answer is lost is known to have happened, once', async () => {
  proxy.hold('down');
  const done = await store.transact([], [{ put: 'k', value: bytes('second') }]);
  expect(done).toEqual({ committed: true, revision: (await other.get('k'))?.modRevision });
  await other.transact([], [{ put: 'end', value: bytes('') }]);
  expect(await history(3)).toEqual(['put k=first', 'put k=second', 'put end=']);
});

test('one that did not arrive is done by another way, and does nothing when it arrives after all', async () => {
  const caught = proxy.caught(Buffer.from('second'));
  proxy.hold('up');
  const done = store.transact([], [{ put: 'k', value: bytes('second') }]);
  await caught;
  expect((await done).committed).toBe(true);
  await other.transact([], [{ put: 'k', value: bytes('third') }]);
  const handled = await handledTransactions();
  proxy.deliver();
  await expect.poll(handledTransactions).toBeGreaterThan(handled);
  await other.transact([], [{ put: 'end', value: bytes('') }]);
  expect(text((await other.get('k'))!.value)).toBe('third');
  expect(await history(4)).toEqual(['put k=first', 'put k=second', 'put k=third', 'put end=']);
});

/** How many transactions etcd has dealt with, as it counts itself. */
async function handledTransactions(): Promise<number> {
  const metrics = await (await fetch(`${etcd.urls[0]}/metrics`)).text();
  const counts = metrics.matchAll(/^grpc_server_handled_total\{.*grpc_method="Txn".*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

test('compares are kept by what is said again', async () => {
  const { modRevision } = (await store.get('k'))!;
  const caught = proxy.caught(Buffer.from('mine'));
  proxy.hold('up');
  const late = store.transact([{ key: 'k', modRevision }], [{ put: 'k', value: bytes('mine') }]);
  await caught;
  await other.transact([{ key: 'k', modRevision }], [{ put: 'k', value: bytes('theirs') }]);
  expect((await late).committed).toBe(false);
  expect(text((await other.get('k'))!.value)).toBe('theirs');
});

test('where there is no receipt the outcome is said to be unknown', async () => {
  proxy.hold('down');
  await expect(store.transact([], [{ delete: 'k' }])).rejects.toMatchObject({
    reason: 'unknown',
    message: expect.stringContaining(`http://127.0.0.1:${proxy.port}`),
  });
  await expect.poll(() => other.get('k')).toBeUndefined();
});

test('a watch and a read go on by another way', async () => {
  const from = await store.revision();
  const reading = take(store, '', from, 2);
  await store.transact([], [{ put: 'k', value: bytes('2') }]);
  proxy.hold('down');
  await other.transact([], [{ put: 'k', value: bytes('3') }]);
  expect(text((await store.get('k'))!.value)).toBe('3');
  expect((await reading).flatMap(brief)).toEqual(['put k=2', 'put k=3']);
});

test('a store that is closed while it does not know says so', async () => {
  const access = etcdAccess({ etcd: [`http://127.0.0.1:${proxy.port}`] })!;
  const alone = await etcd.open('/alone/', { access, waitMs: 200 });
  const caught = proxy.caught(Buffer.from('receipt'));
  proxy.hold('up');
  const late = alone.transact([], [{ put: 'k', value: bytes('1') }]);
  await caught;
  await Promise.all([alone.close(), expect(late).rejects.toMatchObject({ reason: 'unknown' })]);
});
