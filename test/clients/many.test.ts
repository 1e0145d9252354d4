// Many clients at once through the real API: one name has one winner, a retry after a lost reply gets the stored answer, and
// 500 connects at the same time get 500 addresses, in the records and in the kernel.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Code, FaultError } from '@weft/fault';
import { dumpAddresses, dumpLinks, withNetlink } from '@weft/kernel';
import { RichClientError } from 'nice-grpc-error-details';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertInvariants } from '../invariants/check.ts';
import { type Clients, type Host, makeHost } from '../lib/host.ts';
import { Reason } from '../lib/proto.ts';

let host: Host;
let api: Clients;
beforeAll(async () => {
  host = makeHost();
  await host.up();
  api = host.clients();
});
afterAll(async () => await host.remove());

const check = () => assertInvariants({ runDir: host.runDir, dataDir: host.dataDir, netns: host.netns });

test('64 clients create the same name: one wins, 63 are told who has it', async () => {
  const clients = Array.from({ length: 64 }, () => host.clients());
  const outcomes = await Promise.allSettled(
    clients.map((one) => one.networks.createNetwork({ spec: { name: 'same' } })),
  );
  const winners = outcomes.filter((one) => one.status === 'fulfilled').map((one) => one.value.network?.id);
  expect(winners).toHaveLength(1);
  const errors = outcomes.filter((one) => one.status === 'rejected').map((one) => one.reason as unknown);
  expect(errors).toHaveLength(63);
  for (const error of errors) {
    if (!(error instanceof FaultError)) throw error;
    expect(error.reason).toBe(Reason.NAME_TAKEN);
    const { cause } = error;
    if (!(cause instanceof RichClientError)) throw error;
    expect([cause.code, cause.extra]).toMatchObject([
      Code.ALREADY_EXISTS,
      [{ $type: 'google.rpc.ErrorInfo', reason: 'NAME_TAKEN' }],
    ]);
  }
  const { networks } = await api.networks.listNetworks({ filters: { name: { values: ['same'] } } });
  expect(networks.map((one) => one.id)).toEqual(winners);
  await check();
});

test('the reply is lost and the request is said again: the stored answer', async () => {
  await api.networks.createNetwork({ spec: { name: 'retried', ipam: { configs: [{ subnet: '10.20.0.0/24' }] } } });
  const names = Array.from({ length: 24 }, (_, index) => `r${index}`);
  await Promise.all(names.map((name) => api.sandboxes.createSandbox({ spec: { name } })));
  let stored = 0;
  for (const [index, sandbox] of names.entries()) {
    const request = { network: 'retried', sandbox, mutation: { requestId: randomUUID() } };
    const { endpoints: before } = await api.endpoints.listEndpoints({ network: 'retried' });
    expect(before).toHaveLength(index);
    await losing(index, (client, signal) => client.endpoints.connect(request, { signal }));
    const again = await api.endpoints.connect(request);
    const third = await api.endpoints.connect(request);
    expect(third.endpoint?.id).toBe(again.endpoint?.id);
    expect(third.outcome?.revision).toBe(again.outcome?.revision);
    expect(again.endpoint?.desired?.addresses).toHaveLength(1);
    const { endpoints } = await api.endpoints.listEndpoints({ network: 'retried', sandbox });
    expect(endpoints.map((one) => one.id)).toEqual([again.endpoint?.id]);
    if (committedAt.get(index) === again.endpoint?.id) stored++;
  }
  // The lost ones that had been committed were answered from the store: without any the test would show nothing.
  expect(stored).toBeGreaterThan(names.length / 3);
  await check();
});

/** Ids of the endpoints that the log told of before the reply was lost, by try. */
const committedAt = new Map<number, string>();

/** A client whose connection goes through a wire that can be cut. */
async function wired(index: number): Promise<{ client: Clients; cut: () => void }> {
  const path = `${host.runDir}/wire${index}.sock`;
  const sockets = new Set<Socket>();
  const wire = createServer((near) => {
    const far = connect(`${host.runDir}/weft.sock`);
    for (const one of [near, far]) sockets.add(one.on('error', () => undefined));
    near.pipe(far).pipe(near);
  });
  await once(wire.listen(path), 'listening');
  const cut = () => {
    wire.close();
    for (const one of sockets) one.destroy();
  };
  return { client: host.clients(`unix://${path}`), cut };
}

/** Sends and loses the reply: at once, by cutting the channel, or as soon as the log tells that it is done. */
async function losing(index: number, send: (client: Clients, signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const lost = new AbortController();
  const { client, cut } = await wired(index);
  const listening = new AbortController();
  const { revision } = await api.system.getStatus({});
  const filters = { kind: { values: ['endpoint'] }, what: { values: ['joined'] } };
  const heard = api.system
    .events({ sinceRevision: revision, filters }, { signal: listening.signal })
    [Symbol.asyncIterator]();
  const sending = send(client, lost.signal).then(
    () => 'answered',
    () => 'lost',
  );
  if (index % 3 === 0) lost.abort();
  else {
    const { value } = await heard.next();
    if (index % 3 === 1) lost.abort();
    else cut();
    if ((await sending) === 'lost') committedAt.set(index, value?.event?.id ?? '');
  }
  await sending;
  cut();
  listening.abort();
  await heard.return?.().catch(() => undefined);
}

test('500 connects at the same time: 500 addresses', async () => {
  await api.networks.createNetwork({ spec: { name: 'wide', ipam: { configs: [{ subnet: '10.30.0.0/22' }] } } });
  const names = Array.from({ length: 500 }, (_, index) => `w${index}`);
  const sandboxes = await Promise.all(names.map((name) => api.sandboxes.createSandbox({ spec: { name } })));
  const made = await Promise.all(names.map((sandbox) => api.endpoints.connect({ network: 'wide', sandbox })));
  expect(made.filter(({ outcome }) => outcome?.applied !== true)).toEqual([]);
  const addresses = made.map(({ endpoint }) => endpoint?.desired?.addresses[0]?.cidr ?? '');
  expect(new Set(addresses).size).toBe(500);
  const inKernel = sandboxes.map(({ sandbox }) =>
    withNetlink(sandbox?.status?.namespacePath ?? '', (socket) => {
      const link = dumpLinks(socket).find((one) => one.name === 'eth0');
      return dumpAddresses(socket, link?.index).find((one) => one.scope === 0)?.address;
    }),
  );
  expect(inKernel).toEqual(addresses);
  await check();
}, 120_000);
