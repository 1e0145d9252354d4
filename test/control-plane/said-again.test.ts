// The same request said again, with its id, while what its first try began is still being taken back because ipam is away: it
// waits for that and is done once; it never meets what its own first try left.
import { fault } from '@weft/fault';
import type { IpamServiceClient } from '@weft/proto/ipam';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';
import { Reason } from '../lib/proto.ts';
import { openReplicas, type Replica, type Replicas } from '../lib/replicas.ts';

let all: Replicas;
let a: Replica;
let b: Replica;
let agent: FakeAgent;
let isAway = false;
/** Calls that ipam did not answer. */
let unanswered = 0;

const unsteady = (ipam: IpamServiceClient): IpamServiceClient =>
  new Proxy(ipam, {
    get: (target, name: keyof IpamServiceClient) => (request: never) => {
      if (!isAway) return target[name](request);
      unanswered++;
      return Promise.reject(fault(Reason.SERVICE_UNAVAILABLE, 'ipam does not answer'));
    },
  });

beforeEach(async () => {
  isAway = false;
  unanswered = 0;
  all = await openReplicas();
  a = await all.start({ ipam: unsteady(all.ipam) });
  b = await all.start({ ipam: unsteady(all.ipam) });
  agent = await startFakeAgent(a.agents, 'h1');
  await a.networks.createNetwork({ spec: { name: 'n', ipam: { configs: [{ subnet: '10.1.0.0/24' }] } } });
  await a.sandboxes.createSandbox({ spec: { name: 'web', host: 'h1' } });
});
afterEach(async () => {
  await agent.stop();
  await all.stop();
});

const leases = async () => (await all.ipam.listLeases({ ownerPrefix: 'endpoint/' })).leases.length;
const connect = ({ endpoints }: Replica, requestId: string) =>
  endpoints.connect({ network: 'n', sandbox: 'web', mutation: { requestId } });

test.each([
  ['at the same controller', () => a],
  ['at another one', () => b],
])('%s', async (_, where) => {
  isAway = true;
  await expect(connect(a, 'r1')).rejects.toMatchObject({ reason: Reason.SERVICE_UNAVAILABLE });
  const again = [connect(where(), 'r1'), connect(where(), 'r1')];
  // Somebody else's request is refused meanwhile: the name is taken.
  await expect(connect(where(), 'r2')).rejects.toMatchObject({ reason: Reason.ALREADY_CONNECTED });
  const before = unanswered;
  await expect.poll(() => unanswered, { timeout: 20_000 }).toBeGreaterThan(before);
  isAway = false;
  const [one, two] = await Promise.all(again);
  expect(one?.outcome?.applied).toBe(true);
  expect(two?.endpoint?.id).toBe(one?.endpoint?.id);
  expect(await leases()).toBe(1);
  const { keyValues } = await all.store.list('request/');
  expect(keyValues.map(({ key }) => key)).toEqual(['request/r1']);
});

test('of another request with its id is refused meanwhile', async () => {
  isAway = true;
  await expect(connect(a, 'r1')).rejects.toMatchObject({ reason: Reason.SERVICE_UNAVAILABLE });
  const other = a.endpoints.connect({ network: 'bridge', sandbox: 'web', mutation: { requestId: 'r1' } });
  await expect(other).rejects.toMatchObject({ reason: Reason.REQUEST_ID_REUSED });
  isAway = false;
});
