// kill -9 of `weft up` in the middle of 200 connects and disconnects, ten times over. What was acknowledged is there, what
// was not is said again and happens once, all invariants hold after each start, and packets never stop (I7).
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertInvariants, type CheckOptions } from '../invariants/check.ts';
import type { Position } from '../invariants/records.ts';
import { type Clients, type Host, makeHost, type Running } from '../lib/host.ts';
import { type Ping, startPing } from '../lib/ping.ts';

const networks = Array.from({ length: 5 }, (_, index) => `n${index}`);
const sandboxes = Array.from({ length: 40 }, (_, index) => `s${index}`);
const pairs = networks.flatMap((network) => sandboxes.map((sandbox) => ({ network, sandbox })));
const pairKey = ({ network, sandbox }: { network: string; sandbox: string }) => `${network} ${sandbox}`;

let host: Host;
let api: Clients;
let weft: Running;
let ping: Ping;
let at: Position | undefined;

const where = (): CheckOptions => ({ runDir: host.runDir, dataDir: host.dataDir, netns: host.netns });
const check = async (more: Partial<CheckOptions> = {}) => {
  at = await assertInvariants({ ...where(), ...(at === undefined ? {} : { previous: at }), ...more });
};

beforeAll(async () => {
  host = makeHost();
  weft = await host.up();
  api = host.clients();
  for (const [index, name] of [...networks, 'still'].entries())
    await api.networks.createNetwork({ spec: { name, ipam: { configs: [{ subnet: `10.9.${index}.0/24` }] } } });
  await Promise.all(sandboxes.map((name) => api.sandboxes.createSandbox({ spec: { name } })));
  const still = async (name: string) =>
    await api.sandboxes.createSandbox({ spec: { name }, attachments: [{ network: 'still' }] });
  const [a, b] = [await still('a'), await still('b')];
  const target = b.endpoints[0]?.desired?.addresses[0]?.cidr.split('/')[0] ?? '';
  ping = await startPing(a.sandbox?.status?.namespacePath ?? '', target);
}, 60_000);
afterAll(async () => {
  await ping?.stop();
  await host.remove();
});

interface Operation {
  readonly network: string;
  readonly sandbox: string;
  readonly requestId: string;
  readonly connects: boolean;
  /** The endpoint's id, once it is acknowledged. */
  acknowledged: string | undefined;
}

async function run(operation: Operation): Promise<void> {
  const { network, sandbox, requestId, connects } = operation;
  const mutation = { requestId };
  if (connects)
    operation.acknowledged = (await api.endpoints.connect({ network, sandbox, mutation })).endpoint?.id ?? '';
  else operation.acknowledged = (await api.endpoints.disconnect({ network, sandbox, mutation })).endpointId;
}

async function endpoints(): Promise<Map<string, string>> {
  const names = new Map((await api.networks.listNetworks({})).networks.map((one) => [one.id, one.spec?.name ?? '']));
  const { endpoints: all } = await api.endpoints.listEndpoints({});
  return new Map(
    all.map((one) => [pairKey({ network: names.get(one.networkId) ?? '', sandbox: one.spec?.name ?? '' }), one.id]),
  );
}

/** What is wrong with acknowledged operations: an object that is lost, or a removed one that is back. */
async function brokenPromises(operations: readonly Operation[]): Promise<string[]> {
  const now = await endpoints();
  return operations.flatMap((one) => {
    const is = now.get(pairKey(one));
    if (one.acknowledged === undefined) return [];
    if (one.connects && is !== one.acknowledged) return [`${pairKey(one)}: connected as ${one.acknowledged}, is ${is}`];
    return !one.connects && is !== undefined ? [`${pairKey(one)}: disconnected, is ${is}`] : [];
  });
}

/** Runs all, so many at a time; resolves with how many failed. */
async function runAll(operations: readonly Operation[], atOnce: number, onAcknowledged: () => void): Promise<number> {
  const queue = operations.values();
  let failures = 0;
  const worker = async () => {
    for (const one of queue) {
      await run(one).then(onAcknowledged, () => failures++);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return failures;
}

/** Calls back with the `count`th event of an endpoint from now on. */
async function onEndpointEvent(count: number, then: () => void): Promise<void> {
  let left = count;
  try {
    for await (const _ of api.system.events({ filters: { kind: { values: ['endpoint'] } } }))
      if (--left === 0) return then();
  } catch (error) {
    if (left > 0) throw error;
  }
}

test.each(Array.from({ length: 10 }, (_, round) => round))(
  'round %i: killed in the middle',
  async (round) => {
    const connected = await endpoints();
    const operations: Operation[] = pairs.map((pair) => ({
      ...pair,
      requestId: randomUUID(),
      connects: !connected.has(pairKey(pair)),
      acknowledged: undefined,
    }));
    // All at once and dead at some word in the log, or a few at a time and dead at some acknowledgement.
    const isAllAtOnce = round % 2 === 0;
    const deadly = 1 + round * 19;
    let count = 0;
    let killed: Promise<void> | undefined;
    const kill = () => {
      killed ??= weft.stop('SIGKILL');
    };
    const watching = isAllAtOnce ? onEndpointEvent(deadly, kill) : undefined;
    const failures = await runAll(operations, isAllAtOnce ? operations.length : 16, () => {
      if (++count === deadly && !isAllAtOnce) kill();
    });
    await watching;
    await killed;
    expect(killed).toBeDefined();
    expect(failures).toBeGreaterThan(0);

    weft = await host.up();
    api = host.clients(); // the old channel may still be pausing between attempts
    expect(await brokenPromises(operations)).toEqual([]);
    await check();

    // Said again with the same request ids: each happens once.
    await Promise.all(operations.filter((one) => one.acknowledged === undefined).map(run));
    expect(await brokenPromises(operations)).toEqual([]);
    await check();
  },
  60_000,
);

test('packets flowed all the time, and nothing is left when all is removed', async () => {
  const flow = await ping.stop();
  expect(flow.sent).toBeGreaterThan(200);
  await check({ flows: [flow] });

  await Promise.all([...sandboxes, 'a', 'b'].map((sandbox) => api.sandboxes.removeSandbox({ sandbox })));
  for (const network of [...networks, 'still']) await api.networks.removeNetwork({ network });
  await check();
  const links: { ifname: string }[] = JSON.parse(host.sh('ip -j link').stdout);
  expect(links.map((link) => link.ifname)).toEqual(['lo', 'weft0']);
  expect(readdirSync(join(host.runDir, 'netns'))).toEqual([]);

  await weft.stop();
  await check({ stopped: true });
});
