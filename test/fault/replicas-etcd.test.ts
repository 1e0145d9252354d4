// Two controllers on a real etcd, each with a store of its own: leases that run out by themselves, revisions that others make too.
import type { Store } from '@weft/store';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type EtcdCluster, startEtcd } from '../lib/etcd-server.ts';
import { startFakeAgent } from '../lib/fake-agent.ts';
import { openReplicas } from '../lib/replicas.ts';

let etcd: EtcdCluster;
let others: Store;
beforeAll(async () => {
  etcd = await startEtcd();
  others = await etcd.open('/others/');
});
afterAll(async () => {
  await others.close();
  await etcd.remove();
});

const until = (isSo: () => Promise<boolean> | boolean, what: string) =>
  vi.waitFor(async () => expect(await isSo(), what).toBe(true), { timeout: 15_000, interval: 20 });
const others3 = async () => {
  for (let count = 0; count < 3; count++) await others.transact([], [{ put: 'x', value: new Uint8Array() }]);
};

test('one is paused until its lease runs out: the other finishes its work; it wakes and is one of two again', async () => {
  const all = await openReplicas(() => etcd.open('/weft/network-controller/'));
  const a = await all.start();
  const b = await all.start();
  const h1 = await startFakeAgent(a.agents, 'h1');
  await b.networks.createNetwork({ spec: { name: 'n', ipam: { configs: [{ subnet: '10.1.0.0/24' }] } } });
  const mutation = { requestId: 'r1' };
  const request = { spec: { name: 'web', host: 'h1' }, attachments: [{ network: 'n' }], mutation };
  const leases = async () => (await all.ipam.listLeases({ ownerPrefix: 'endpoint/' })).leases.length;

  // Said at both: once, and the host that is connected to the one is waited for at the other.
  const both = await Promise.all([a.sandboxes.createSandbox(request), b.sandboxes.createSandbox(request)]);
  expect(both[0].sandbox?.id).toBe(both[1].sandbox?.id);
  expect(both.map(({ outcome }) => outcome?.applied)).toEqual([true, true]);

  // Its agent goes to the other when it is not answered, with revisions that were others' in between.
  await others3();
  await a.sandboxes.createSandbox({ ...request, spec: { name: 'two', host: 'h1' }, mutation: { requestId: 'r2' } });
  const resets = h1.resets;
  await h1.leave();
  await others3();
  await h1.go(b.agents);
  const stopped = a.pauseAt({ call: 'lease', when: 'after' });
  const third = { ...request, spec: { name: 'three', host: 'h1' }, mutation: { requestId: 'r3' } };
  const first = a.sandboxes.createSandbox(third).then(
    ({ sandbox }) => sandbox?.id,
    () => undefined,
  );
  await stopped;
  const again = await b.sandboxes.createSandbox(third);
  expect(again.outcome?.applied).toBe(true);
  expect(h1.resets).toBe(resets);
  a.goOn();
  expect([again.sandbox?.id, undefined]).toContain(await first);
  await until(async () => (await b.system.getStatus({})).replicas.length === 2, 'it is back');
  await until(async () => (await leases()) === 3, 'its own lease is taken back');
  expect((await a.sandboxes.listSandboxes({})).sandboxes).toHaveLength(3);
  expect(h1.told).toEqual([...h1.told].sort((x, y) => Number(x - y)));
  await h1.stop();
  await all.stop();
}, 60_000);
