import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaultError, fault, Reason } from '@weft/fault';
import { IpamServiceDefinition, type IpamServiceImplementation } from '@weft/proto/ipam';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOf, localClient, openChannel, parseAddress, type Server, serve, serving } from './index.ts';

const unused = () => Promise.reject(new Error('not part of this test'));
const implementation: IpamServiceImplementation = {
  describe: async () => ({ name: 'default', localAddressSpace: 'LocalDefault' }),
  allocatePools: unused,
  releasePools: unused,
  listPools: async () => ({ pools: [{ id: 'p', used: 18446744073709551615n }] }),
  lease: async (request) => {
    throw fault(Reason.ADDRESS_IN_USE, `lease for ${request.owner}: Address already in use`, { address: '10.0.0.2' });
  },
  release: () => Promise.reject(new TypeError('a defect')),
  listLeases: (_request, context) =>
    new Promise((_resolve, reject) => context.signal.addEventListener('abort', () => reject(new Error('aborted')))),
  leaseNumber: unused,
  listNumbers: unused,
};

const directory = mkdtempSync(join(tmpdir(), 'weft-rpc-'));
const target = parseAddress(`unix://${directory}/x.sock`, '--listen');
const defects: string[] = [];
let server: Server;
const channel = openChannel(target);

beforeAll(async () => {
  server = await serve(target, [serving(IpamServiceDefinition, implementation)], (error, path) =>
    defects.push(`${path} ${error.message}`),
  );
});
afterAll(async () => {
  channel.close();
  await server.stop();
  rmSync(directory, { recursive: true });
});

describe.each([
  ['over a socket', () => clientOf(IpamServiceDefinition, channel)],
  ['in one process', () => localClient(IpamServiceDefinition, implementation)],
])('a client %s', (_name, client) => {
  test('gets answers with their 64-bit numbers', async () => {
    const { pools } = await client().listPools({});
    expect(pools).toMatchObject([{ id: 'p', used: 18446744073709551615n, subnet: '' }]);
  });

  test('gets faults with reason, text and facts', async () => {
    const error = await client()
      .lease({ owner: 'endpoint/1' })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FaultError);
    expect(error).toMatchObject({
      reason: Reason.ADDRESS_IN_USE,
      message: 'lease for endpoint/1: Address already in use',
    });
    expect((error as FaultError).metadata['address']).toBe('10.0.0.2');
  });

  test('gets a defect as INTERNAL', async () => {
    await expect(client().release({ owners: [] })).rejects.toMatchObject({ reason: Reason.INTERNAL });
  });

  test('gets a fault when its deadline has passed', async () => {
    await expect(client().listLeases({}, { deadline: 30 } as object)).rejects.toMatchObject({
      reason: Reason.DEADLINE_PASSED,
    });
  });
});

test('a defect is told to whoever runs the server', () => {
  expect(defects).toEqual(['/weft.ipam.v1.IpamService/Release a defect']);
});

test('a request of 10 MB is refused by name', async () => {
  const owners = ['x'.repeat(10 * 1024 * 1024)];
  await expect(clientOf(IpamServiceDefinition, channel).release({ owners })).rejects.toMatchObject({
    reason: Reason.REQUEST_TOO_LARGE,
  });
});

test('a server that is not there is a fault that names the service', async () => {
  const nowhere = openChannel(parseAddress(`unix://${directory}/nowhere.sock`, '--listen'));
  const error = await clientOf(IpamServiceDefinition, nowhere)
    .describe({})
    .catch((thrown: unknown) => thrown);
  nowhere.close();
  expect(error).toMatchObject({
    reason: Reason.SERVICE_UNAVAILABLE,
    metadata: { service: 'weft.ipam.v1.IpamService' },
  });
});

test('a host that takes half a second to answer is reached', async () => {
  const far = createServer((near) => {
    const there = connect(`${directory}/x.sock`);
    for (const one of [near, there]) one.on('error', () => undefined);
    near.pipe(there);
    setTimeout(() => there.pipe(near), 500);
  });
  await once(far.listen(`${directory}/far.sock`), 'listening');
  const slow = openChannel(parseAddress(`unix://${directory}/far.sock`, ''));
  await expect(clientOf(IpamServiceDefinition, slow).describe({})).resolves.toMatchObject({ name: 'default' });
  slow.close();
  far.close();
});

test.each([
  ['127.0.0.1:80'],
  ['tcp://h:1'],
  ['unix://relative'],
  ['http://h:99999'],
  ['https://h:1/x'],
  ['https://h'],
  [''],
])('address %j is refused', (text) => {
  expect(() => parseAddress(text, '--listen')).toThrow(FaultError);
});

test('an address that somebody serves on is not taken over', async () => {
  const again = serve(target, [serving(IpamServiceDefinition, implementation)], () => undefined);
  await expect(again).rejects.toMatchObject({ reason: Reason.SERVICE_UNAVAILABLE });
  await expect(clientOf(IpamServiceDefinition, channel).describe({})).resolves.toMatchObject({ name: 'default' });
});
