// How long writes and a watch stand still when a member of three is killed or paused, and how fast transactions are.
//   node test/bench/etcd-failover.ts [ROUNDS] [FLAG OF ETCD...]
import { setTimeout as sleep } from 'node:timers/promises';
import { etcdAccess, type Store } from '@weft/store';
import { type EtcdCluster, type EtcdMember, startEtcd } from '../lib/etcd-server.ts';
import { median } from './statistics.ts';

const writers = 8;
/** Before and after the blow, in ms. */
const warmMs = 800;
const longMs = 5_000;
const value = new Uint8Array(100);

/** The longest time without a sign, in ms. */
function createGap() {
  let last = performance.now();
  let longest = 0;
  return {
    sign(): void {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    },
    restart(): void {
      [longest, last] = [0, performance.now()];
    },
    end: () => Math.round(Math.max(longest, performance.now() - last)),
  };
}

async function oneRound(etcd: EtcdCluster, victim: EtcdMember, how: 'SIGKILL' | 'SIGSTOP'): Promise<[number, number]> {
  // The one that is hit is the one in use.
  const urls = [victim.url, ...etcd.urls.filter((url) => url !== victim.url)];
  const store = await etcd.open(undefined, { access: etcdAccess({ etcd: urls })! });
  const [writes, seen] = [createGap(), createGap()];
  const abort = new AbortController();
  const from = await store.revision();
  const watching = (async () => {
    for await (const _ of store.watch('', from, abort.signal)) seen.sign();
  })();
  let isOver = false;
  const writing = Array.from({ length: writers }, async (_, writer) => {
    while (!isOver) {
      await store.transact([], [{ put: `k/${writer}`, value }]);
      writes.sign();
    }
  });
  await sleep(warmMs);
  for (const gap of [writes, seen]) gap.restart();
  victim.kill(how);
  await sleep(longMs);
  const result: [number, number] = [writes.end(), seen.end()];
  isOver = true;
  await Promise.all(writing);
  abort.abort();
  await watching;
  await store.close();
  if (how === 'SIGKILL') await victim.start();
  else victim.kill('SIGCONT');
  await sleep(1_500);
  return result;
}

/** Transactions a second: one compare, three puts of 100 bytes. */
async function rate(store: Store, atOnce: number, ms: number): Promise<number> {
  let count = 0;
  const end = performance.now() + ms;
  const write = async (writer: number) => {
    for (let n = 0; performance.now() < end; n++, count++) {
      const key = `r/${atOnce}/${writer}/${n}`;
      await store.transact(
        [{ key, modRevision: 0n }],
        ['', '/a', '/b'].map((part) => ({ put: key + part, value })),
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, writer) => write(writer)));
  return Math.round((count * 1_000) / ms);
}

const [rounds = '4', ...flags] = process.argv.slice(2);
const etcd = await startEtcd({ members: 3, flags });
const say = (line: string) => process.stdout.write(`${line}\n`);
const store = await etcd.open();
for (const atOnce of [1, 16, 64]) say(`${atOnce} writers: ${await rate(store, atOnce, 2_000)} transactions/s`);
await store.close();
for (const who of ['leader', 'follower'] as const) {
  for (const how of ['SIGKILL', 'SIGSTOP'] as const) {
    const gaps: [number, number][] = [];
    for (let round = 0; round < Number(rounds); round++) {
      const leader = await etcd.leader();
      gaps.push(await oneRound(etcd, who === 'leader' ? leader : etcd.members.find((one) => one !== leader)!, how));
    }
    const told = [0, 1].map((at) => {
      const all = gaps.map((gap) => gap[at]!).sort((a, b) => a - b);
      return `${Math.round(median(all))} (${all[0]} to ${all.at(-1)})`;
    });
    say(`${who} ${how}: writes stand still ${told[0]} ms, the watch ${told[1]} ms`);
  }
}
await etcd.remove();
