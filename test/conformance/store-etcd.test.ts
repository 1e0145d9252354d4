import { afterAll, beforeAll } from 'vitest';
import { type EtcdCluster, startEtcd } from '../lib/etcd-server.ts';
import { storeConformance } from './store.ts';

let etcd: EtcdCluster;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd.remove());

// Each test has a store of its own on the one etcd: none may see another's keys, or wait for another's revisions.
storeConformance('etcd', async () => {
  const store = await etcd.open();
  return { store, dispose: () => store.close() };
});
