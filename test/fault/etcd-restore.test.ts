// A backup of etcd is put back while weft runs: revisions go back, or mean something else. Stores notice, whether they ask or only listen, and
// have another id when they are opened again; weft ends, starts, and hosts and kernel are what the backup says.
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IpamServiceDefinition } from '@weft/proto/ipam';
import { clientOf, openChannel, parseAddress } from '@weft/rpc';
import { BEFORE_ALL, type Store } from '@weft/store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { assertInvariants } from '../invariants/check.ts';
import { type EtcdCluster, startEtcd } from '../lib/etcd-server.ts';
import { makeHost } from '../lib/host.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-restore-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const data = () => join(directory, 'm0');
const backup = () => join(directory, 'backup');

/** Takes a backup, or puts it back, as etcd's operators do with a single member: while it is stopped. */
async function withStopped(etcd: EtcdCluster, work: () => void): Promise<void> {
  const member = etcd.members[0]!;
  member.kill('SIGKILL');
  await expect.poll(() => member.isRunning).toBe(false);
  work();
  await member.start();
}
const take = (etcd: EtcdCluster) => withStopped(etcd, () => cpSync(data(), backup(), { recursive: true }));
const putBack = (etcd: EtcdCluster) =>
  withStopped(etcd, () => {
    rmSync(data(), { recursive: true });
    cpSync(backup(), data(), { recursive: true });
  });

const put = (store: Store, key: string) => store.transact([], [{ put: key, value: new Uint8Array() }]);
const lost = { reason: 'failed', message: expect.stringContaining('Was a backup put back?') };
/** All that a watch told, and how it ended. */
function listen(store: Store) {
  const told: string[] = [];
  const ended = (async () => {
    for await (const item of store.watch('', BEFORE_ALL, new AbortController().signal))
      if ('events' in item) told.push(...item.events.map(({ key }) => key));
  })().catch((error: unknown) => error);
  return { told, ended };
}

test('stores notice, and go on under another id when they are opened again', { timeout: 60_000 }, async () => {
  const etcd = await startEtcd({ directory });
  const asks = await etcd.open('/one/');
  const listens = await etcd.open('/one/');
  const other = await etcd.open('/two/');
  await put(asks, 'before');
  await put(other, 'before');
  await take(etcd);
  for (const key of ['a', 'b', 'c']) await put(asks, key);
  await put(other, 'a');
  const listener = listen(listens);
  await expect.poll(() => listener.told).toEqual(['before', 'a', 'b', 'c']);

  await putBack(etcd);
  await expect(asks.get('a')).rejects.toMatchObject(lost);
  await expect(put(asks, 'd')).rejects.toMatchObject(lost);
  // Nobody asks this one anything.
  expect(await listener.ended).toMatchObject(lost);
  // One that nobody asked and that does not listen: at its first question.
  await expect(other.list('')).rejects.toMatchObject(lost);
  for (const store of [asks, listens, other]) await store.close();

  const again = await etcd.open('/one/');
  expect(again.id).not.toBe(asks.id);
  expect((await again.list('')).keyValues.map(({ key }) => key)).toEqual(['before']);
  const same = await etcd.open('/one/');
  expect(same.id).toBe(again.id);
  await put(same, 'e');
  expect((await again.list('')).keyValues.map(({ key }) => key)).toEqual(['before', 'e']);
  for (const store of [again, same]) await store.close();
  await etcd.remove();
});

test('a watch that broke off and was resumed notices too', {
  timeout: 60_000,
}, async () => {
  const etcd = await startEtcd({ directory });
  const [here, away] = [await etcd.open('/one/'), await etcd.open('/one/')];
  await put(here, 'before');
  await take(etcd);
  await put(here, 'a');
  const listener = listen(away);
  await expect.poll(() => listener.told).toEqual(['before', 'a']);
  await withStopped(etcd, () => undefined);
  await expect(put(here, 'b').then(() => 'served')).resolves.toBe('served');
  await expect.poll(() => listener.told).toEqual(['before', 'a', 'b']);
  await putBack(etcd);
  await expect(here.get('a')).rejects.toMatchObject(lost);
  expect(await listener.ended).toMatchObject(lost);
  for (const store of [here, away]) await store.close();
  await etcd.remove();
});

test('an ipam alone ends, and says why', { timeout: 60_000 }, async () => {
  const host = makeHost();
  const etcd = await startEtcd({ host, directory });
  try {
    const flags = ['--listen', `unix://${host.runDir}/ipam.sock`, '--etcd', etcd.urls[0]!];
    const main = new URL('../../services/ipam/src/main.ts', import.meta.url).pathname;
    const first = await host.start(process.execPath, [main, ...flags], 'serving');
    await first.stop();
    await take(etcd);
    const second = await host.start(process.execPath, [main, ...flags], 'serving');
    const channel = openChannel(parseAddress(`unix://${host.runDir}/ipam.sock`, 'listen'));
    const client = clientOf(IpamServiceDefinition, channel);
    await client.allocatePools({ owner: 'network/n', pools: [{ family: 4 }] });
    channel.close();
    const ended = once(second.process, 'exit');
    await putBack(etcd);
    expect((await ended)[0]).toBe(1);
    expect(second.log.join('\n')).toContain('Was a backup put back?');
  } finally {
    await host.remove();
    await etcd.remove();
  }
});

test('weft ends, and is what the backup says when it is started again', { timeout: 120_000 }, async () => {
  const host = makeHost();
  const etcd = await startEtcd({ host, directory });
  try {
    const url = etcd.urls[0]!;
    let weft = await host.up(['--etcd', url]);
    const run = (...args: string[]) => {
      const ran = host.weft(...args);
      expect(ran, args.join(' ')).toMatchObject({ status: 0 });
      return ran.stdout.trim();
    };
    const names = (what: string) => run(what, 'ls', '--format', '{{.Name}}').split('\n').sort();
    run('network', 'create', 'kept');
    run('sandbox', 'create', 'one', '--network', 'kept');
    const { storeId } = JSON.parse(run('status', '--json'));
    await take(etcd);
    run('network', 'create', 'later');
    run('sandbox', 'create', 'two', '--network', 'later');
    run('sandbox', 'rm', 'one', '--force');

    const ended = once(weft.process, 'exit');
    await putBack(etcd);
    expect((await ended)[0]).not.toBe(0);
    expect(weft.log.join('\n')).toContain('Was a backup put back?');
    weft = await host.up(['--etcd', url]);
    expect(JSON.parse(run('status', '--json')).storeId).not.toBe(storeId);
    expect([names('network'), names('sandbox')]).toEqual([['bridge', 'host', 'kept', 'none'], ['one']]);
    run('sandbox', 'create', 'three', '--network', 'kept');
    run('sandbox', 'exec', 'three', '--', 'ping', '-c', '1', '-W', '5', 'one');
    await assertInvariants({ runDir: host.runDir, dataDir: host.dataDir, netns: host.netns });
    await weft.stop();
  } finally {
    await host.remove();
    await etcd.remove();
  }
});
