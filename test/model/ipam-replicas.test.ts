// Several ipams on one store, each with a watch that lags, or says that it lost the history, and transactions that dawdle, some killed in
// the middle, some of whose requests are carried out long after their caller went elsewhere. Clients
// repeat at another replica what one did not answer. The store's history tells: no address has two owners (I1), no owner two
// addresses of a pool; what was answered is so, nothing is held that nobody holds; and all replicas come to say the same.
import { setImmediate as turn } from 'node:timers/promises';
import { createIpam, type Ipam } from '@weft/ipam';
import { AllocatePoolsRequest, LeaseNumberRequest, LeaseRequest } from '@weft/proto/ipam';
import { BEFORE_ALL, openSqliteStore, type Store } from '@weft/store';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const REPLICAS = 3;
const OWNERS = 8;
const CHOOSABLE = 13;
/** More of them, when asked. */
const RUNS = Number(process.env['IPAM_MODEL_RUNS'] ?? 150);
/** Random numbers below a limit. */
type Random = (limit: number) => number;

interface Replica {
  readonly ipam: Ipam;
  readonly died: Promise<'died'>;
  kill(): void;
}

/** After so many turns of the event loop, most of the time at once. */
async function dawdle(random: Random, most: number): Promise<void> {
  for (let turns = random(most); turns > 0; turns--) await turn();
}

async function startReplica(store: Store, random: Random): Promise<Replica> {
  let isDead = false;
  const death = Promise.withResolvers<'died'>();
  const never = () => new Promise<never>(() => undefined);
  const ipam = await createIpam({
    store: {
      ...store,
      isShared: true,
      async transact(compares, ops) {
        await dawdle(random, 4);
        if (isDead) return await never();
        const result = await store.transact(compares, ops);
        await dawdle(random, 4);
        return isDead ? await never() : result;
      },
      async *watch(prefix, from, signal) {
        for await (const item of store.watch(prefix, from, signal)) {
          await dawdle(random, 12);
          if (random(60) === 0) {
            yield { compacted: from };
            return;
          }
          yield item;
        }
      },
    },
  });
  return {
    ...{ ipam, died: death.promise },
    kill() {
      isDead = true;
      death.resolve('died');
    },
  };
}

interface Step {
  readonly owner: number;
  readonly what: 'address' | 'number' | 'release';
  readonly at: number;
  readonly kills: boolean;
  /** The caller does not wait for the first answer and asks another one. */
  readonly leaves: boolean;
}
/** What an owner was told that it has. */
interface Has {
  cidr?: string;
  number?: bigint;
}

async function run(steps: readonly Step[], random: Random): Promise<void> {
  const store = openSqliteStore({ file: ':memory:' });
  try {
    const replicas = await Promise.all(Array.from({ length: REPLICAS }, () => startReplica(store, random)));
    const [pool] = await replicas[0]!.ipam.allocatePools(
      AllocatePoolsRequest.fromPartial({ owner: 'n', pools: [{ family: 4, subnet: '10.0.0.0/28' }] }),
    );
    const told = Array.from({ length: OWNERS }, (): Has => ({}));
    /** Who is released is never asked for again: his successor has another name. */
    const lives = Array.from({ length: OWNERS }, () => 0);
    const late: Promise<unknown>[] = [];

    async function call(owner: string, { what }: Step, ipam: Ipam): Promise<Has> {
      if (what === 'release') return await ipam.release([owner]).then(() => ({}));
      if (what === 'number') {
        const request = LeaseNumberRequest.fromPartial({ owner, range: 'vni', first: 1n, last: 16n });
        return { number: await ipam.leaseNumber(request) };
      }
      const [lease] = await ipam.lease(LeaseRequest.fromPartial({ owner, items: [{ poolId: pool!.id }] }));
      return { cidr: lease!.cidr };
    }
    /** Asked again elsewhere until somebody answers. */
    async function perform(step: Step): Promise<void> {
      const owner = nameOf(step.owner, lives[step.owner]!);
      let leaves = step.leaves;
      for (let at = step.at; ; at = (at + 1) % REPLICAS) {
        const replica = replicas[at]!;
        if (leaves) {
          leaves = false;
          // What comes too late is refused, or carried out and then released; the check at the end tells.
          late.push(Promise.race([call(owner, step, replica.ipam).catch(() => undefined), replica.died]));
          continue;
        }
        const answer = await Promise.race([call(owner, step, replica.ipam), replica.died]);
        if (answer === 'died') continue;
        const has = told[step.owner]!;
        if (step.what === 'release') {
          told[step.owner] = {};
          lives[step.owner]! += 1;
        }
        // What it had it still has.
        else expect({ ...answer, ...has }).toEqual({ ...has, ...answer });
        if (step.what !== 'release') Object.assign(has, answer);
        return;
      }
    }
    async function kill(at: number): Promise<void> {
      const successor = await startReplica(store, random);
      const former = replicas[at]!;
      replicas[at] = successor;
      former.kill();
    }
    // Each owner does one thing after the other; all owners at once.
    const clients = Array.from({ length: OWNERS }, async (_, owner) => {
      for (const step of steps.filter((one) => one.owner === owner)) {
        await dawdle(random, 6);
        const done = perform(step);
        if (step.kills) await kill(step.at);
        await done;
      }
    });
    await Promise.all(clients);
    await Promise.all(late);
    await check(store, replicas, told, lives);
  } finally {
    await store.close();
  }
}

const nameOf = (owner: number, life: number) => `o/${owner}.${life}`;

async function check(
  store: Store,
  replicas: readonly Replica[],
  told: readonly Has[],
  lives: readonly number[],
): Promise<void> {
  const observers = [...replicas.map(({ ipam }) => ipam), await createIpam({ store: { ...store, isShared: true } })];
  for (const ipam of observers) {
    const owned = (entries: readonly (readonly [number, unknown])[]) =>
      entries
        .filter(([, held]) => held !== undefined)
        .map(([owner, held]) => `${nameOf(owner, lives[owner]!)} ${held}`)
        .sort();
    const leases = await ipam.listLeases('', '');
    expect(leases.map(({ owner, cidr }) => `${owner} ${cidr}`).sort()).toEqual(
      owned(told.map(({ cidr }, owner) => [owner, cidr])),
    );
    const numbers = await ipam.listNumbers('', '');
    expect(numbers.map(({ owner, number }) => `${owner} ${number}`).sort()).toEqual(
      owned(told.map(({ number }, owner) => [owner, number])),
    );
    expect((await ipam.listPools(''))[0]!.free).toBe(BigInt(CHOOSABLE - leases.length));
  }
  const held = new Map<string, string>();
  const ended = new AbortController();
  const last = await store.revision();
  for await (const item of store.watch('', BEFORE_ALL, ended.signal)) {
    if ('compacted' in item) throw new Error('the history is gone');
    for (const { type, key } of item.events) if (type === 'delete') held.delete(key);
    for (const event of item.events) {
      if (event.type === 'delete' || !/^(lease|number)\//.test(event.key)) continue;
      expect([event.key, held.get(event.key)]).toEqual([event.key, undefined]);
      held.set(event.key, Buffer.from(event.value).toString('hex'));
    }
    for (const kind of ['lease/', 'number/']) {
      const owners = [...held].filter(([key]) => key.startsWith(kind)).map(([, owner]) => owner);
      expect(new Set(owners).size).toBe(owners.length);
    }
    if (item.revision >= last) ended.abort();
  }
  const keys = (await store.list('')).keyValues.map(({ key }) => key.split('/'));
  const addresses = (kind: string) => keys.filter(([first]) => first === kind).map(([, , item]) => item);
  expect(addresses('lease').filter((one) => addresses('released').includes(one))).toEqual([]);
  expect([addresses('owner').length, addresses('user').length]).toEqual([
    addresses('lease').length,
    addresses('number').length,
  ]);
}

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const step: fc.Arbitrary<Step> = fc.record({
  ...{ owner: fc.nat(OWNERS - 1), at: fc.nat(REPLICAS - 1) },
  what: fc.constantFrom('address', 'address', 'number', 'release'),
  kills: fc.nat(15).map((one) => one === 0),
  leaves: fc.nat(7).map((one) => one === 0),
});

it('replicas hand out nothing twice and lose nothing', { timeout: Math.max(240_000, RUNS * 1_000) }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120, size: 'max' }), fc.integer(), async (steps, seed) => {
      await run(steps, randomOf(seed));
    }),
    { numRuns: RUNS },
  );
});
