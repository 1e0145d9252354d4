// The disk under the stores is full: what does not fit is refused with a fault that says so and leaves nothing, what was
// acknowledged stays, and everything goes on once there is space.
import { afterEach, expect, test } from 'vitest';
import { assertInvariants } from '../invariants/check.ts';
import { makeHost } from '../lib/host.ts';
import { makeSmallDisk, type SmallDisk } from '../lib/small-disk.ts';
import type { Fault } from './faults.ts';
import { soak } from './soak.ts';

let disk: SmallDisk | undefined;
afterEach(() => {
  disk?.remove();
  disk = undefined;
});

test('under SQLite', { timeout: 60_000 }, async () => {
  disk = makeSmallDisk(8);
  const host = makeHost();
  try {
    await host.up(['--data-dir', disk.path]);
    const api = host.clients();
    await api.networks.createNetwork({ spec: { name: 'n', ipam: { configs: [{ subnet: '10.7.0.0/22' }] } } });
    const create = (name: string) =>
      api.sandboxes.createSandbox({ spec: { name }, attachments: [{ network: 'n' }] }).then(() => name);
    const kept = [await create('before')];
    disk.fill();
    // Pages that the files have already take some more.
    let refused: unknown;
    for (let at = 0; refused === undefined && at < 500; at++) {
      await create(`full${at}`).then(
        (name) => kept.push(name),
        (error: unknown) => {
          refused = error;
        },
      );
    }
    expect(String(refused)).toMatch(/no space is left/);
    disk.free();
    await expect.poll(() => create('after').catch(String), { timeout: 20_000 }).toBe('after');
    const { sandboxes } = await api.sandboxes.listSandboxes({});
    expect(sandboxes.map((one) => one.sandbox?.spec?.name).toSorted()).toEqual([...kept, 'after'].toSorted());
    await assertInvariants({ runDir: host.runDir, dataDir: disk.path, netns: host.netns });
  } finally {
    await host.remove();
  }
});

test('under etcd', { timeout: 240_000 }, async () => {
  // etcd takes two times 64 MiB for its log before it begins.
  disk = makeSmallDisk(150);
  const { path, fill, free } = disk;
  const full: Fault = {
    says: 'a full disk under etcd',
    async strike({ etcd }) {
      fill();
      return async () => {
        const [member] = etcd.members;
        // It cannot keep what it is told, so it ends.
        await expect.poll(() => member?.isRunning, { timeout: 20_000 }).toBe(false);
        free();
        await member?.start();
      };
    },
  };
  const { rows, acknowledged, counts, broken, surprises } = await soak({
    cluster: { hosts: 2, etcdMembers: 1, etcdDirectory: path },
    faults: [full],
    ...{ faultSeconds: 3, peaceSeconds: 1, seed: 7 },
  });
  expect({ counts, broken, surprises }).toEqual({
    counts: { 'double lease': [], leak: [], 'stale name': [], 'lost acknowledged': [] },
    broken: [],
    surprises: [],
  });
  expect(rows).toHaveLength(1);
  expect(acknowledged).toBeGreaterThan(0);
});
